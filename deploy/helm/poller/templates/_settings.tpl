{{/* poller's file: queue and target, or queues and targets, and how many replicas share the budget. */}}
{{- define "poller.settings" -}}
{{- $several := or .Values.queues .Values.targets -}}
{{- $queues := .Values.queues -}}
{{- $targets := .Values.targets -}}
{{- if $several -}}
{{-   if or .Values.queue .Values.target.url -}}
{{-     fail "queue, target: they stand beside queues or targets: leave one of the two out" -}}
{{-   end -}}
{{-   if not (and $queues $targets) -}}
{{-     fail "queues, targets: one of them is empty: write both, or queue and target alone" -}}
{{-   end -}}
{{- else -}}
{{-   $queues = list (dict "queue" (required "queue: write the queue's URL, such as https://sqs.eu-central-1.amazonaws.com/123456789012/orders" .Values.queue)) -}}
{{-   $targets = dict "default" .Values.target -}}
{{- end -}}
{{- $used := dict -}}
{{- range $i, $queue := $queues -}}
{{-   if not $queue.queue -}}
{{-     fail (printf "queues[%d].queue: write the queue's URL, ARN or name" $i) -}}
{{-   end -}}
{{-   if $queue.target -}}
{{-     if not (hasKey $targets $queue.target) -}}
{{-       fail (printf "queues[%d].target: there is no target %s: write one of %s" $i $queue.target (keys $targets | sortAlpha | join ", ")) -}}
{{-     end -}}
{{-     $_ := set $used $queue.target true -}}
{{-   else if gt (len $targets) 1 -}}
{{-     fail (printf "queues[%d]: it does not say which target its messages go to: write target: one of %s" $i (keys $targets | sortAlpha | join ", ")) -}}
{{-   else -}}
{{-     $_ := set $used (first (keys $targets)) true -}}
{{-   end -}}
{{- end -}}
{{- $checked := dict -}}
{{- range $name, $target := $targets -}}
{{-   $at := ternary (printf "targets.%s" $name) "target" (not (not $several)) -}}
{{-   if not (hasKey $used $name) -}}
{{-     fail (printf "%s: no queue delivers to it: write it as the target of a queue, or leave it out" $at) -}}
{{-   end -}}
{{-   if not $target.url -}}
{{-     fail (printf "%s.url: write where messages go, such as http://orders.shop:8080/orders" $at) -}}
{{-   end -}}
{{-   $one := include "poller.target" (dict "target" $target "at" $at "replicas" (ternary "1" (include "poller.replicas" $) (eq (include "poller.shared" $) "true")) "shared" (include "poller.shared" $)) | fromYaml -}}
{{-   $_ := set $checked $name $one -}}
{{- end -}}
queues:
{{ toYaml $queues }}
targets:
{{- toYaml $checked | nindent 2 }}
fleet:
  {{- if include "poller.shared" . }}
  {{- with .Values.fleet.redis }}
  redis: {{ . | quote }}
  {{- end }}
  name: {{ default (printf "%s.%s" .Release.Namespace (include "poller.name" .)) .Values.fleet.name | trunc 128 | trimSuffix "." | trimSuffix "-" | quote }}
  {{- end }}
  replicas: {{ include "poller.replicas" . }}
drain_timeout: {{ .Values.drainTimeoutSeconds }}s
listen: ":{{ .Values.port }}"
{{- with .Values.controlToken }}
control_token: {{ . | quote }}
{{- end }}
log:
  level: {{ .Values.log.level }}
  format: json
{{- end -}}

{{/* One target, as poller reads it. What poller would refuse at its start is refused here. */}}
{{- define "poller.target" -}}
{{- $replicas := int .replicas -}}
{{- $target := deepCopy .target -}}
{{- $concurrency := int (default 10 $target.concurrency) -}}
{{- if lt $concurrency $replicas -}}
{{-   fail (printf "%s.concurrency: %d is less than one delivery at once for each of %d replicas: write %d or more, or run fewer replicas" .at $concurrency $replicas $replicas) -}}
{{- end -}}
{{- if and $target.adaptive (gt $replicas 1) -}}
{{-   fail (printf "%s.adaptive: each of %d replicas would adapt alone, until one had everything: run one replica, or write %s.concurrency and leave it out" .at $replicas .at) -}}
{{- end -}}
{{- if and $target.adaptive .shared -}}
{{-   fail (printf "%s.adaptive: the concurrency is found by one worker alone, and fleet is for several: write %s.concurrency and leave it out, or leave fleet out and run one replica" .at .at) -}}
{{- end -}}
{{- $format := default "raw" $target.format -}}
{{- $batch := int (default (ternary 10 1 (eq $format "lambda")) $target.batch) -}}
{{- if and (gt $batch 1) (not (has $format (list "lambda" "cloudevents"))) -}}
{{-   fail (printf "%s.batch: format %s sends one message a request: write %s.format lambda or cloudevents, or leave it out" .at $format .at) -}}
{{- end -}}
{{- if and (eq $batch 1) (regexMatch "[1-9]" (default "" $target.batch_wait)) -}}
{{-   fail (printf "%s.batch_wait: there is nothing to wait for while a request carries one message: write %s.batch too, or leave it out" .at .at) -}}
{{- end -}}
{{- if and $target.burst (lt (int $target.burst) $replicas) -}}
{{-   fail (printf "%s.burst: %d is less than one for each of %d replicas: write %d or more, or leave it out" .at (int $target.burst) $replicas $replicas) -}}
{{- end -}}
{{- if and $target.burst (eq (toString (ternary $target.rate "none" (hasKey $target "rate"))) "none") -}}
{{-   fail (printf "%s.burst: there is no rate that it could belong to: write %s.rate too, or leave it out" .at .at) -}}
{{- end -}}
{{- range $quota := $target.quotas -}}
{{-   if lt (int (regexFind "^[0-9]*" (toString $quota))) $replicas -}}
{{-     fail (printf "%s.quotas: %s is less than one for each of %d replicas: run fewer replicas" $.at $quota $replicas) -}}
{{-   end -}}
{{- end -}}
{{- if hasKey $target "rate" -}}{{- $_ := set $target "rate" (include "poller.number" $target.rate) -}}{{- end -}}
{{- $headers := $target.headers -}}
{{- if kindIs "slice" $headers -}}
{{-   $headers = dict -}}
{{-   range $line := $target.headers -}}
{{-     $_ := set $headers (regexFind "^[^:]*" $line | trim) (regexReplaceAll "^[^:]*:" $line "" | trim) -}}
{{-   end -}}
{{- end -}}
{{- range $name, $value := $headers -}}
{{-   if and (regexMatch "(?i)^(authorization|proxy-authorization|cookie|x-api-key|.*-(token|key|secret))$" $name) (not (hasPrefix "@" (toString $value))) -}}
{{-     fail (printf "%s.headers.%s: its value is secret and would stand in a ConfigMap: put it into a Secret, name that under secretFiles, and write \"@/run/secrets/NAME/KEY\"" $.at $name) -}}
{{-   end -}}
{{- end -}}
{{- if not $headers -}}{{- $_ := unset $target "headers" -}}{{- end -}}
{{- toYaml $target -}}
{{- end -}}

{{/* What a change of needs new pods: with reload.mode sighup all but what a SIGHUP puts in force. The replicas do: those
that know the old number have to be gone before there are others. */}}
{{- define "poller.restart" -}}
{{- $settings := include "poller.settings" . | fromYaml -}}
{{- if eq .Values.reload.mode "sighup" -}}
{{-   $_ := unset $settings.log "level" -}}
{{-   range $settings.targets -}}
{{-     $_ := unset . "rate" -}}
{{-     $_ := unset . "burst" -}}
{{-     $_ := unset . "quotas" -}}
{{-     $_ := unset . "concurrency" -}}
{{-     $_ := unset . "adaptive" -}}
{{-   end -}}
{{- end -}}
{{- toYaml $settings | sha256sum -}}
{{- end -}}

{{/* A number as poller reads it: no exponent, at most six decimals. Text stays as it is. */}}
{{- define "poller.number" -}}
{{- if kindIs "float64" . -}}
{{- regexReplaceAll "[.]?0*$" (printf "%.6f" .) "" -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}
