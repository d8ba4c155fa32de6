{{/*
Text with the subchart's values put in, each named by its path: "${a.b}" with its quotes becomes a JSON value of
whatever kind, so that a payload is JSON before and after; ${a.b} without becomes text. Call with a dict of root and text.
*/}}
{{- define "depin.filled" -}}
{{- $root := .root -}}
{{- $text := .text -}}
{{- range $mark := regexFindAll "\"?\\$\\{[A-Za-z0-9.]+\\}\"?" $text -1 | uniq -}}
{{- $value := $root.Values -}}
{{- range $part := regexFind "[A-Za-z0-9.]+" $mark | splitList "." -}}
{{- if not (and (kindIs "map" $value) (hasKey $value $part)) -}}
{{- fail (printf "%s: there is no value %s" $root.Chart.Name $mark) -}}
{{- end -}}
{{- $value = get $value $part -}}
{{- end -}}
{{- $text = replace $mark (ternary (toJson $value) (toString $value) (hasPrefix "\"" $mark)) $text -}}
{{- end -}}
{{- $text -}}
{{- end }}

{{/*
What the Job below reads, as JSON: the script, the list of requests that these values ask for, and their payloads, where
"@NAME.painless" is the text of that file.
Call with a dict of root.
*/}}
{{- define "depin.setup.data" -}}
{{- $root := .root -}}
{{- $data := dict "apply.sh" (include "depin-platform/templates/_apply.sh.tpl" $root) -}}
{{- $lines := list -}}
{{- $listed := $root.Files.Get "files/requests.yaml" | fromYaml -}}
{{- with $listed.Error }}{{ fail (printf "%s: requests.yaml: %s" $root.Chart.Name .) }}{{ end -}}
{{- range $request := $listed.requests -}}
{{- $asked := true -}}
{{- with $request.when -}}{{- $asked = eq "true" (include "depin.filled" (dict "root" $root "text" (printf "${%s}" .))) -}}{{- end -}}
{{- with $request.unless -}}{{- $asked = eq "false" (include "depin.filled" (dict "root" $root "text" (printf "${%s}" .))) -}}{{- end -}}
{{- if $asked -}}
{{- $line := printf "%s %s" (include "depin.filled" (dict "root" $root "text" $request.send)) ($request.expect | default "200") -}}
{{- with $request.payload -}}
{{- $text := $root.Files.Get (printf "files/%s" .) | required (printf "%s: there is no files/%s" $root.Chart.Name .) -}}
{{- range $script := regexFindAll "\"@[a-z-]+\\.painless\"" $text -1 -}}
{{- $file := printf "files/%s" (trimAll "\"@" $script) -}}
{{- $source := $root.Files.Get $file | required (printf "%s: there is no %s" $root.Chart.Name $file) -}}
{{- $text = replace $script (toJson $source) $text -}}
{{- end -}}
{{- $_ := set $data . (include "depin.filled" (dict "root" $root "text" $text)) -}}
{{- $line = printf "%s %s" $line . -}}
{{- end -}}
{{- $lines = append $lines $line -}}
{{- end -}}
{{- end -}}
{{- $_ := set $data "requests" (printf "%s\n" (join "\n" $lines)) -}}
{{- toJson $data -}}
{{- end }}

{{/*
A Job that sends them, and its ConfigMap. Their name ends in a digest of all that the Job does: what has not changed
is not run again, and what has changed is another Job, since neither can be changed in place. It keeps what a finished
one says, for `depin-helm status`. Call with a dict of root, name, url, and caSecret: with the server's authority.
*/}}
{{- define "depin.setup" -}}
{{- $root := .root -}}
{{- $data := include "depin.setup.data" . | fromJson -}}
{{- $template := include "depin.setup.pod" . | fromYaml -}}
{{- $name := printf "%s-%s" .name (list $data $template | toJson | sha256sum | trunc 10) -}}
{{- $_ := set (first $template.spec.volumes) "configMap" (dict "name" $name) -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  namespace: logging
  labels:
    {{- include "depin.labels" $root | nindent 4 }}
immutable: true
data:
  {{- toYaml $data | nindent 2 }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $name }}
  namespace: logging
  labels:
    {{- include "depin.labels" $root | nindent 4 }}
spec:
  # Each try has a deadline of its own. This many outlast a slow start; `depin-helm install` starts a new Job after.
  backoffLimit: 6
  template:
    {{- toYaml $template | nindent 4 }}
{{- end }}

{{- define "depin.setup.pod" -}}
{{- $setup := .root.Values.setup -}}
metadata:
  labels:
    # Network policies know it by this.
    app.kubernetes.io/name: {{ .name }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: setup
      image: {{ .root.Values.global.platform.setupImage }}
      command: [bash, /setup/apply.sh]
      env:
        - name: URL
          value: {{ .url }}
        - name: REQUESTS
          value: /setup/requests
        - name: CREDENTIALS
          value: /credentials
        {{- if .caSecret }}
        - name: CA
          value: /authority/ca.crt
        {{- end }}
        - name: DEADLINE
          value: {{ $setup.deadlineSeconds | int | quote }}
      # The script's last line becomes the reason that `kubectl` and `depin-helm` show.
      terminationMessagePolicy: FallbackToLogsOnError
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      resources:
        {{- toYaml $setup.resources | nindent 8 }}
      volumeMounts:
        - name: requests
          mountPath: /setup
          readOnly: true
        - name: credentials
          mountPath: /credentials
          readOnly: true
        {{- if .caSecret }}
        - name: authority
          mountPath: /authority
          readOnly: true
        {{- end }}
  volumes:
    - name: requests
    - name: credentials
      secret:
        secretName: elasticsearch-setup
        # fsGroup adds the group's right to read.
        defaultMode: 0400
        items:
          - key: username
            path: username
          - key: password
            path: password
    {{- if .caSecret }}
    - name: authority
      secret:
        secretName: {{ .caSecret }}
        items:
          - key: ca.crt
            path: ca.crt
    {{- end }}
{{- end }}
