{{/*
Labels of the objects that our own subcharts make; call with the subchart's root context.
*/}}
{{- define "depin.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/part-of: depin-platform
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/*
Annotations that make an object a hook of a plain release, where cert-manager's webhook answers only
after everything else is there; nothing in layers. Call with a dict of root and weight.
*/}}
{{- define "depin.afterCertManager" -}}
{{- if not .root.Values.global.platform.layered -}}
helm.sh/hook: post-install,post-upgrade
# After cert-manager's own API check, which has weight 1.
helm.sh/hook-weight: {{ .weight | quote }}
# Deleted and made again at an upgrade; cert-manager keeps the Secrets, and issues nothing anew.
helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}
{{- end }}
