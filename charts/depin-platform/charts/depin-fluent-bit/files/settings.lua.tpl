-- From the values of depin-fluent-bit.
return {
  cluster = {{ printf "%q" .Values.global.platform.clusterName }},
  message_bytes = {{ int .Values.limits.message }},
  label_count = {{ int .Values.limits.labels }},
  label_bytes = {{ int .Values.limits.label }},
  masking = {
    keys = {
      {{- range $key, $on := .Values.masking.keys }}{{ if kindIs "bool" $on }}
      [{{ printf "%q" $key }}] = {{ $on }},
      {{- end }}{{ end }}
    },
    -- In this order.
    patterns = {
      {{- range $name, $pattern := .Values.masking.patterns }}{{ if $pattern }}
      { name = {{ printf "%q" $name }}, contains = {{ printf "%q" ($pattern.contains | default "") }}, pattern = {{ printf "%q" $pattern.pattern }}, replacement = {{ printf "%q" ($pattern.replacement | default "[masked]") }} },
      {{- end }}{{ end }}
    },
  },
}
