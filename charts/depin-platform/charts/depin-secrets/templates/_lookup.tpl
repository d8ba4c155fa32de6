{{/*
The value of a key in a Secret that is there already, else a new random one of 32 letters and digits:
an upgrade changes nothing. Call with a dict of namespace, name and key.
*/}}
{{- define "depin-secrets.value" -}}
{{- $secret := lookup "v1" "Secret" .namespace .name -}}
{{- $data := ($secret | default dict).data | default dict -}}
{{- if hasKey $data .key -}}
{{- index $data .key | b64dec -}}
{{- else -}}
{{- randAlphaNum 32 -}}
{{- end -}}
{{- end }}

{{/*
An htpasswd file; lines that are there already are kept, since bcrypt salts each anew. Call with a dict of
namespace, name, key, and users: passwords by user.
*/}}
{{- define "depin-secrets.htpasswd" -}}
{{- $secret := lookup "v1" "Secret" .namespace .name -}}
{{- $data := ($secret | default dict).data | default dict -}}
{{- $lines := get $data .key | b64dec | splitList "\n" | compact -}}
{{- range $user, $password := .users -}}
{{- if not (regexMatch (printf "(?m)^%s:" $user) (join "\n" $lines)) -}}
{{- $lines = append $lines (htpasswd $user $password) -}}
{{- end -}}
{{- end -}}
{{- join "\n" $lines -}}
{{- end }}

{{- define "depin-secrets.metadata" -}}
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "depin.labels" .root | nindent 4 }}
  annotations:
    # The data on the volumes outlives the release, and so do the passwords to it.
    helm.sh/resource-policy: keep
type: Opaque
{{- end }}
