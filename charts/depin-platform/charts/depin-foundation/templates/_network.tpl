{{/*
A peer's namespaces, as JSON. Call with a dict of root, matrix and peer.
*/}}
{{- define "depin-foundation.namespaces" -}}
{{- $plain := not .root.Values.global.platform.layered -}}
{{- if .peer.everyPod -}}
{{- $plain | ternary (append .matrix.namespaces .root.Release.Namespace | uniq) .matrix.namespaces | toJson -}}
{{- else if and $plain .peer.followsRelease -}}
{{- list .root.Release.Namespace | toJson -}}
{{- else -}}
{{- .peer.namespaces | default list | toJson -}}
{{- end -}}
{{- end }}

{{/*
What stands in `from` or `to` for the peers `names`, as items of a list. Call with a dict of root, matrix and names.
*/}}
{{- define "depin-foundation.peers" -}}
{{- $call := . -}}
{{- range .names }}
{{- $peer := required (printf "flows.yaml: there is no peer %s" .) (get $call.matrix.peers .) }}
{{- range include "depin-foundation.namespaces" (dict "root" $call.root "matrix" $call.matrix "peer" $peer) | fromJsonArray }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ . }}
  podSelector:
    matchLabels:
      {{- toYaml $peer.pods | nindent 6 }}
{{- end }}
{{- if $peer.outside }}
- namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: NotIn
        values:
          {{- $every := include "depin-foundation.namespaces" (dict "root" $call.root "matrix" $call.matrix "peer" (dict "everyPod" true)) | fromJsonArray }}
          {{- range concat $every (list $call.matrix.withoutPods) $call.matrix.cluster }}
          - {{ . }}
          {{- end }}
{{- end }}
{{- if $peer.ranges }}
{{- range (get $call.root.Values.networkPolicies $peer.ranges).ranges }}
- ipBlock:
    cidr: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
A flow's ports, as the key `ports`; nothing if it is open at all. Call with a dict of root, matrix and flow.
*/}}
{{- define "depin-foundation.ports" -}}
{{- $ports := .flow.ports | default list -}}
{{- if not $ports -}}
{{- $peer := get .matrix.peers (first .flow.to) -}}
{{- if $peer.ranges -}}
{{- /* None would be all of them. */ -}}
{{- $ports = (get .root.Values.networkPolicies $peer.ranges).ports | required (printf "depin-foundation.networkPolicies.%s.ports names no port" $peer.ranges) -}}
{{- end -}}
{{- end -}}
{{- if $ports }}
ports:
{{- range $ports }}
{{- $parts := splitList "/" (toString .) }}
- port: {{ first $parts }}
  protocol: {{ eq (len $parts) 2 | ternary (last $parts) "TCP" }}
{{- end }}
{{- end }}
{{- end }}
