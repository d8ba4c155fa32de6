{{/*
A Certificate of the web interfaces. Call with a dict of root, name, namespace and host.
*/}}
{{- define "depin-routes.certificate" -}}
{{- $root := .root -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "depin.labels" $root | nindent 4 }}
  {{- with include "depin.afterCertManager" (dict "root" $root "weight" 20) }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
spec:
  secretName: {{ .name }}
  dnsNames: [{{ .host | quote }}]
  duration: {{ $root.Values.certificates.duration }}
  renewBefore: {{ $root.Values.certificates.renewBefore }}
  privateKey:
    algorithm: ECDSA
    size: 256
    rotationPolicy: Always
  issuerRef:
    group: cert-manager.io
    kind: ClusterIssuer
    name: {{ $root.Values.global.platform.clusterIssuer }}
{{- end }}
