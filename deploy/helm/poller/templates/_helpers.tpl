{{- define "poller.name" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* The name is fixed: the alerts look at the job poller, and the job is this label. */}}
{{- define "poller.selector" -}}
app.kubernetes.io/name: poller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "poller.labels" -}}
{{ include "poller.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "poller.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "poller.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: with create false, write the name of the ServiceAccount that exists" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "poller.image" -}}
{{- $repository := required "image.repository: write where you pushed the image, such as registry.example.com/poller" .Values.image.repository -}}
{{- if regexMatch ":[^/]*$" $repository -}}
{{- fail (printf "image.repository: %s has a tag: write it as image.tag" $repository) -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "poller.configMap" -}}
{{- default (include "poller.name" .) .Values.existingConfigMap -}}
{{- end -}}

{{/* true, if a coordinator shares the budget. */}}
{{- define "poller.shared" -}}
{{- if and .Values.fleet.redis .Values.fleet.secret.name -}}
{{- fail "fleet.redis, fleet.secret: both say where the coordinator is: leave one of the two out" -}}
{{- end -}}
{{- if and .Values.existingConfigMap (or .Values.fleet.redis .Values.fleet.name) -}}
{{- fail "fleet.redis, fleet.name: they stand beside existingConfigMap, which has the settings: write them into it, and let networkPolicy.egress out to the server" -}}
{{- end -}}
{{- if regexMatch "://[^/@]*:[^/@]*@" .Values.fleet.redis -}}
{{- fail "fleet.redis: it has a password: put the whole URL into a Secret, and name that as fleet.secret.name" -}}
{{- end -}}
{{- if or .Values.fleet.redis .Values.fleet.secret.name -}}true{{- end -}}
{{- end -}}

{{/* The most replicas that ever run: what the budget is divided by. */}}
{{- define "poller.replicas" -}}
{{- if .Values.autoscaling.enabled -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas: %d is more than maxReplicas, %d: write %d or less" (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- int .Values.autoscaling.maxReplicas -}}
{{- else -}}
{{- max 1 (int .Values.replicas) -}}
{{- end -}}
{{- end -}}

{{/* The memory limit, which poller stays within. */}}
{{- define "poller.memory" -}}
{{- $limit := .Values.resources.limits.memory -}}
{{- if and (hasSuffix "Mi" $limit) (lt (int (regexFind "^[0-9]+" $limit)) 64) -}}
{{- fail (printf "resources.limits.memory: %s leaves too little for messages: write 64Mi or more" $limit) -}}
{{- end -}}
{{- $limit -}}
{{- end -}}
