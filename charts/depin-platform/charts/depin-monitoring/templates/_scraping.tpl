{{/*
What keeps a service from filling Prometheus: limits, and labels that are taken away.
*/}}
{{- define "depin-monitoring.limits" -}}
{{- $limits := .Values.discovery.limits -}}
{{- $fields := dict "sampleLimit" "samples" "targetLimit" "targets" "labelLimit" "labels" -}}
{{- $fields = merge $fields (dict "labelNameLengthLimit" "labelNameLength" "labelValueLengthLimit" "labelValueLength") -}}
{{- range $field, $key := $fields }}
{{- with get $limits $key }}
{{ $field }}: {{ int . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "depin-monitoring.metricRelabelings" -}}
{{- with .Values.discovery.dropLabels }}
metricRelabelings:
  - action: labeldrop
    regex: {{ join "|" . | quote }}
{{- end }}
{{- end }}

{{/*
The annotation `depin.ai/metrics-path` of a pod or Service, as an item of relabelings. Call with `pod` or `service`.
*/}}
{{- define "depin-monitoring.path" -}}
- sourceLabels: [__meta_kubernetes_{{ . }}_annotation_depin_ai_metrics_path]
  regex: (.+)
  targetLabel: __metrics_path__
{{- end }}
