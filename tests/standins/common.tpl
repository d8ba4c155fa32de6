{{- /* Stand-ins take the values of the charts they stand for: every key counts as read. */ -}}
{{- $everything := toYaml .Values -}}
{{/*
A workload of one container that passes Pod Security `restricted`, with its Service. Call with a dict of
root, kind, name, namespace, resources, and where needed replicas, port, tag, env, config, volumeClaim, volumes,
mounts.
*/}}
{{- define "standin.workload" -}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "standin.labels" . | nindent 4 }}
spec:
  selector:
    app.kubernetes.io/name: {{ .name }}
    app.kubernetes.io/instance: {{ .root.Release.Name }}
  ports:
    - name: http
      port: {{ .port | default 8080 }}
      targetPort: http
---
apiVersion: apps/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "standin.labels" . | nindent 4 }}
spec:
  {{- if ne .kind "DaemonSet" }}
  replicas: {{ .replicas | default 1 }}
  {{- end }}
  {{- if eq .kind "StatefulSet" }}
  serviceName: {{ .name }}
  podManagementPolicy: Parallel
  {{- end }}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
      app.kubernetes.io/instance: {{ .root.Release.Name }}
  template:
    metadata:
      labels:
        {{- include "standin.labels" . | nindent 8 }}
      {{- with .config }}
      annotations:
        checksum/config: {{ toJson . | sha256sum }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        fsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {{ .name }}
          image: registry.invalid/stand-in/{{ .name }}:{{ .tag | default .root.Chart.Version }}
          ports:
            - name: http
              containerPort: {{ .port | default 8080 }}
          {{- with .env }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          resources:
            {{- toYaml (.resources | default dict) | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities:
              drop: [ALL]
          {{- with .mounts }}
          volumeMounts:
            {{- toYaml . | nindent 12 }}
          {{- end }}
      {{- with .volumes }}
      volumes:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- if .volumeClaim }}
  volumeClaimTemplates:
    - metadata:
        name: {{ .name }}
      spec:
        {{- toYaml .volumeClaim | nindent 8 }}
  {{- end }}
{{- end }}

{{/*
A monitor of a workload's Service. Call with a dict of root, name, namespace.
*/}}
{{- define "standin.monitor" -}}
{{- if .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "standin.labels" . | nindent 4 }}
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
      app.kubernetes.io/instance: {{ .root.Release.Name }}
  endpoints:
    - port: http
{{- end }}
{{- end }}

{{- define "standin.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/*
CustomResourceDefinitions that accept everything. Call with a dict of group, version, kinds (kind → plural)
and scope.
*/}}
{{- define "standin.crds" -}}
{{- range $kind, $plural := .kinds }}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {{ $plural }}.{{ $.group }}
  annotations:
    helm.sh/resource-policy: keep
spec:
  group: {{ $.group }}
  scope: {{ $.scope | default "Namespaced" }}
  names:
    kind: {{ $kind }}
    listKind: {{ $kind }}List
    plural: {{ $plural }}
    singular: {{ lower $kind }}
  versions:
    - name: {{ $.version }}
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          x-kubernetes-preserve-unknown-fields: true
      subresources:
        status: {}
{{- end }}
{{- end }}

{{/*
A webhook that refuses what it cannot check. Call with a dict of root, name, namespace, group, versions, resources.
*/}}
{{- define "standin.webhook" -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: {{ .name }}
  labels:
    {{- include "standin.labels" . | nindent 4 }}
webhooks:
  - name: validate.{{ .group }}
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    clientConfig:
      service:
        name: {{ .name }}
        namespace: {{ .namespace }}
        path: /validate
    rules:
      - apiGroups: [{{ .group }}]
        apiVersions: {{ toJson .versions }}
        operations: [CREATE, UPDATE]
        resources: {{ toJson .resources }}
{{- end }}
