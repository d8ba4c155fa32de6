{{/*
The ways in which Let's Encrypt is shown that a domain is ours, as YAML. Of those that fit a name equally well
cert-manager takes the first: so HTTP-01, which fits any but a wildcard, is the last. Secrets lie in
cert-manager's namespace, where it looks for those of a ClusterIssuer. Call with the subchart's root context.
*/}}
{{- define "depin-issuers.solvers" -}}
{{- $dns01 := .Values.letsencrypt.dns01 -}}
{{- $solvers := list -}}
{{- with $dns01.route53 -}}
{{- if .enabled -}}
{{- $route53 := . -}}
{{- $provider := dict -}}
{{- range $key := list "region" "hostedZoneID" "role" "accessKeyID" -}}
{{- with get $route53 $key -}}
{{- $_ := set $provider $key . -}}
{{- end -}}
{{- end -}}
{{- if .secretAccessKeySecretRef.name -}}
{{- $_ := set $provider "secretAccessKeySecretRef" .secretAccessKeySecretRef -}}
{{- end -}}
{{- $solver := dict "dns01" (dict "route53" $provider) -}}
{{- with .zones -}}
{{- $_ := set $solver "selector" (dict "dnsZones" .) -}}
{{- end -}}
{{- $solvers = append $solvers $solver -}}
{{- end -}}
{{- end -}}
{{- with $dns01.cloudflare -}}
{{- if .enabled -}}
{{- $provider := dict "apiTokenSecretRef" .apiTokenSecretRef -}}
{{- $solver := dict "dns01" (dict "cloudflare" $provider) -}}
{{- with .zones -}}
{{- $_ := set $solver "selector" (dict "dnsZones" .) -}}
{{- end -}}
{{- $solvers = append $solvers $solver -}}
{{- end -}}
{{- end -}}
{{- range .Values.letsencrypt.solvers -}}
{{- $solvers = append $solvers . -}}
{{- end -}}
{{- $ingress := dict "ingressClassName" .Values.global.platform.ingressClass -}}
{{- append $solvers (dict "http01" (dict "ingress" $ingress)) | toYaml -}}
{{- end }}
