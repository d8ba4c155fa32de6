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
An htpasswd file; the one that is there already is kept, since bcrypt salts each line anew. Call with a dict of
namespace, name, key, and users: passwords by user.
*/}}
{{- define "depin-secrets.htpasswd" -}}
{{- $secret := lookup "v1" "Secret" .namespace .name -}}
{{- $data := ($secret | default dict).data | default dict -}}
{{- if hasKey $data .key -}}
{{- index $data .key | b64dec -}}
{{- else -}}
{{- $lines := list -}}
{{- range $user, $password := .users -}}
{{- $lines = append $lines (htpasswd $user $password) -}}
{{- end -}}
{{- join "\n" $lines -}}
{{- end -}}
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
