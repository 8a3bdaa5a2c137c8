{{/* poller's file: queue and target, or queues and targets, with each replica's share of the budget. */}}
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
{{-   $_ := required "target.url: write where messages go, such as http://orders.shop:8080/orders" .Values.target.url -}}
{{-   $targets = dict "default" .Values.target -}}
{{- end -}}
{{- $shares := dict -}}
{{- range $name, $target := $targets -}}
{{-   $at := ternary (printf "targets.%s" $name) "target" (not (not $several)) -}}
{{-   $share := include "poller.share" (dict "target" $target "at" $at "replicas" (include "poller.replicas" $)) | fromYaml -}}
{{-   $_ := set $shares $name $share -}}
{{- end -}}
queues:
{{ toYaml $queues }}
targets:
{{- toYaml $shares | nindent 2 }}
drain_timeout: {{ .Values.drainTimeoutSeconds }}s
listen: ":{{ .Values.port }}"
log:
  level: {{ .Values.log.level }}
  format: json
{{- end -}}

{{/* One target, with rate, burst and concurrency divided by the replicas and rounded down. */}}
{{- define "poller.share" -}}
{{- $replicas := int .replicas -}}
{{- $target := deepCopy .target -}}
{{- $concurrency := int (default 10 $target.concurrency) -}}
{{- if lt $concurrency $replicas -}}
{{-   fail (printf "%s.concurrency: %d divided by %d replicas is less than one delivery each: write %d or more, or run fewer replicas" .at $concurrency $replicas $replicas) -}}
{{- end -}}
{{- $_ := set $target "concurrency" (div $concurrency $replicas) -}}
{{- $rate := include "poller.number" (ternary $target.rate "none" (hasKey $target "rate")) -}}
{{- if and (gt $replicas 1) (ne $rate "none") -}}
{{-   $number := regexFind "^[0-9.]+" $rate -}}
{{-   $micros := floor (divf (mulf (float64 $number) 1000000) $replicas) -}}
{{-   $rate = printf "%s%s" (include "poller.number" (divf $micros 1000000)) (default "/s" (regexFind "/[smh]$" $rate)) -}}
{{- end -}}
{{- $_ := set $target "rate" $rate -}}
{{- if $target.burst -}}
{{-   if lt (int $target.burst) $replicas -}}
{{-     fail (printf "%s.burst: %d divided by %d replicas is less than one each: write %d or more, or run fewer replicas" .at (int $target.burst) $replicas $replicas) -}}
{{-   end -}}
{{-   $_ := set $target "burst" (div (int $target.burst) $replicas) -}}
{{- end -}}
{{- if kindIs "map" $target.headers -}}
{{-   range $name, $value := $target.headers -}}
{{-     if and (regexMatch "(?i)^(authorization|proxy-authorization|cookie|x-api-key|.*-(token|key|secret))$" $name) (not (hasPrefix "@" $value)) -}}
{{-       fail (printf "%s.headers.%s: its value is secret and would stand in a ConfigMap: put it into a Secret, name that under secretFiles, and write \"@/run/secrets/NAME/KEY\"" $.at $name) -}}
{{-     end -}}
{{-   end -}}
{{-   if not $target.headers -}}{{- $_ := unset $target "headers" -}}{{- end -}}
{{- end -}}
{{- toYaml $target -}}
{{- end -}}

{{/* What a change of needs new pods: with reload.mode sighup all but what a SIGHUP puts in force. */}}
{{- define "poller.restart" -}}
{{- $settings := include "poller.settings" . | fromYaml -}}
{{- if eq .Values.reload.mode "sighup" -}}
{{-   $_ := unset $settings.log "level" -}}
{{-   range $settings.targets -}}
{{-     $_ := unset . "rate" -}}
{{-     $_ := unset . "burst" -}}
{{-     $_ := unset . "concurrency" -}}
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
