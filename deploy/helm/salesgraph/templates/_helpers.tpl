{{- define "salesgraph.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "salesgraph.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "salesgraph.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "salesgraph.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "salesgraph.selector" -}}
app.kubernetes.io/name: {{ include "salesgraph.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "salesgraph.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "salesgraph.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "salesgraph.secret" -}}
{{- default (include "salesgraph.fullname" .) .Values.secret.name }}
{{- end }}

{{- define "salesgraph.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "salesgraph.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "salesgraph.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* What no pod may do; nobody of ours talks to the cluster. */}}
{{- define "salesgraph.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "salesgraph.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .group }}
fsGroup: {{ .group }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Settings of web and workers. Those that must be the same everywhere are named one by one, so that a pod without
one of them does not start; without them each would make its own. */}}
{{- define "salesgraph.env" -}}
{{- $secret := include "salesgraph.secret" . -}}
{{- range $name := list "API_TOKEN" "SECRETS_KEY" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: {{ $name }}}
{{- end }}
{{- if eq .Values.redis.mode "bundled" }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: REDIS_PASSWORD}
- name: REDIS_URL
  value: redis://:$(REDIS_PASSWORD)@{{ include "salesgraph.fullname" . }}-redis:6379/0
{{- else if .Values.redis.url }}
- name: REDIS_URL
  value: {{ .Values.redis.url | quote }}
{{- else }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: REDIS_URL}
{{- end }}
- name: DATA_DIR
  value: /data
{{/* Rewriting the index takes up to three times its size: a quarter of the volume */}}
- name: SEARCH_INDEX_MB
  value: {{ mul .Values.dataGi 256 | quote }}
- name: HOME
  value: /tmp
- name: INTERNAL_URL
  value: http://{{ include "salesgraph.fullname" . }}-web:{{ .Values.service.port }}
- name: SIMULATOR
  value: {{ .Values.simulator | quote }}
{{- if .Values.botFile }}
- name: BOT_FILE
  value: /etc/salesgraph/bot.yaml
{{- end }}
{{- if .Values.mcpFile }}
- name: MCP_FILE
  value: /etc/salesgraph/mcp.json
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "salesgraph.envFrom" -}}
- configMapRef: {name: {{ include "salesgraph.fullname" . }}-settings}
- secretRef: {name: {{ include "salesgraph.secret" . }}}
{{- end }}

{{- define "salesgraph.files" -}}
{{- if or .Values.botFile .Values.mcpFile .Values.rateCard }}true{{ end }}
{{- end }}

{{- define "salesgraph.mounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
{{- if include "salesgraph.files" . }}
- {name: files, mountPath: /etc/salesgraph, readOnly: true}
{{- end }}
{{- if .Values.rateCard }}
- {name: files, mountPath: /data/whatsapp-prices.json, subPath: whatsapp-prices.json, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Nothing that lasts is in /data when Redis, API_TOKEN and SECRETS_KEY come from outside. */}}
{{- define "salesgraph.volumes" -}}
- name: data
  emptyDir: {sizeLimit: {{ .Values.dataGi }}Gi}
- name: tmp
  emptyDir: {sizeLimit: 2Gi}
{{- if include "salesgraph.files" . }}
- name: files
  configMap: {name: {{ include "salesgraph.fullname" . }}-files}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Where pods of one kind are put: apart from each other if that can be. */}}
{{- define "salesgraph.placing" -}}
{{- with .own.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "salesgraph.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
{{- end }}
{{- end }}

{{/* Pods are made anew when what they read at their start has changed. */}}
{{- define "salesgraph.checksums" -}}
checksum/settings: {{ include (print $.Template.BasePath "/settings.yaml") . | sha256sum }}
{{- end }}

{{- define "salesgraph.refuse" -}}
{{- if and .Values.simulator (gt (int .Values.web.replicas) 1) }}
{{- fail "simulator: its phone lives in one web process; set web.replicas to 1" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}
{{- fail "ingress.host: say under which name the server is reached" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (eq .Values.autoscaling.by "keda-prometheus") (not .Values.autoscaling.prometheusAddress) }}
{{- fail "autoscaling.prometheusAddress: say where Prometheus is, such as http://prometheus.monitoring:9090" }}
{{- end }}
{{- if and .Values.redis.url (eq .Values.redis.mode "bundled") }}
{{- fail "redis.url: it is not used while redis.mode is bundled; set redis.mode to external" }}
{{- end }}
{{- if .Values.secret.create }}
{{- range $name := list "API_TOKEN" "SECRETS_KEY" }}
{{- if lt (len (toString (default "" (index $.Values.secret.values $name)))) 24 }}
{{- fail (printf "secret.values.%s: give it 24 characters or more" $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
