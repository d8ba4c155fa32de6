{{/*
Matchers of an AlertmanagerConfig. Call with what has to be matched: label to a text, or to a list of which one has to be it.
*/}}
{{- define "depin-monitoring.matchers" -}}
{{- range $label, $wanted := . }}
- name: {{ $label }}
{{- if kindIs "slice" $wanted }}
  matchType: "=~"
  value: {{ include "depin-monitoring.anyOf" $wanted | quote }}
{{- else }}
  matchType: "="
  value: {{ $wanted | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "depin-monitoring.anyOf" -}}
{{- $quoted := list }}
{{- range . }}
{{- $quoted = append $quoted (regexQuoteMeta (toString .)) }}
{{- end }}
{{- join "|" $quoted }}
{{- end }}

{{/*
A route of `alerting.routes`, as an item of AlertmanagerConfig's routes. Call with (list ROUTE TEAM); TEAM, if it is not
empty, is what `team` has to be besides.
*/}}
{{- define "depin-monitoring.route" -}}
{{- $route := index . 0 }}
{{- $labels := pick $route "severity" "team" "component" "region" }}
{{- with index . 1 }}
{{- $_ := set $labels "team" . }}
{{- end }}
{{- $matchers := concat (include "depin-monitoring.matchers" $labels | fromYamlArray) ($route.matchers | default list) }}
{{- $fields := omit $route "severity" "team" "component" "region" "matchers" }}
{{- with $matchers }}
{{- $_ := set $fields "matchers" . }}
{{- end }}
{{- toYaml $fields }}
{{- end }}

{{/*
The list of receivers: each as it is in the values, over what notifications of its kinds say by default.
*/}}
{{- define "depin-monitoring.receivers" -}}
{{- $defaults := .Files.Get "alerting/notifications.yaml" | fromYaml }}
{{- range $name, $integrations := .Values.alerting.receivers }}
{{- $receiver := dict "name" $name }}
{{- range $kind, $configs := $integrations }}
{{- $filled := list }}
{{- range $configs }}
{{- $filled = append $filled (merge dict . (get $defaults $kind | default dict)) }}
{{- end }}
{{- $_ := set $receiver $kind $filled }}
{{- end }}
- {{ toYaml $receiver | nindent 2 | trim }}
{{- end }}
{{- end }}
