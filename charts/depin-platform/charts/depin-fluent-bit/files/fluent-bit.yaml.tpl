{{- $conf := "/fluent-bit/etc/conf" }}
{{- $state := "/fluent-bit/state" -}}
# Container logs of this node, as documents of docs/logs.md, into one data stream.
includes:
  - parsers.yaml
  {{- if .Values.parsers }}
  - own-parsers.yaml
  {{- end }}

service:
  daemon: off
  flush: {{ .Values.flush }}
  log_level: {{ .Values.logLevel }}
  # Metrics, health and hot reload.
  http_server: on
  http_listen: 0.0.0.0
  http_port: 2020
  health_check: on
  hot_reload: on
  storage.path: {{ $state }}/buffer
  storage.sync: normal
  storage.metrics: on
  storage.max_chunks_up: {{ int .Values.buffer.chunksInMemory }}
  storage.backlog.mem_limit: 16M
  # What is given up after all retries is kept, for somebody to look at.
  storage.keep.rejected: on
  storage.rejected.path: rejected
  storage.rejected.limit: {{ .Values.buffer.rejected }}
  # The runtime cuts long lines into pieces of 16 KB; what does not fit when they are put together is cut off.
  multiline_buffer_limit: {{ .Values.buffer.line }}

pipeline:
  inputs:
    - name: tail
      alias: containers
      tag: kube.*
      path: /var/log/containers/*.log
      {{- with .Values.excludedNamespaces }}
      exclude_path: "{{ range $index, $namespace := . }}{{ if $index }},{{ end }}/var/log/containers/*_{{ $namespace }}_*.log{{ end }}"
      {{- end }}
      multiline.parser: docker, cri
      read_from_head: {{ .Values.readFromHead }}
      # New pods' files.
      refresh_interval: 5
      # How long a file is still read that the kubelet has rotated away.
      rotate_wait: 60
      db: {{ $state }}/tail.db
      db.locking: on
      buffer_chunk_size: 64K
      buffer_max_size: {{ .Values.buffer.line }}
      # One line longer than the buffer: its beginning, instead of no more of the file at all.
      truncate_long_lines: on
      skip_long_lines: on
      storage.type: filesystem
      storage.pause_on_chunks_overlimit: {{ ternary "on" "off" .Values.buffer.pauseInput }}

  filters:
    {{- if .Values.multiline }}
    # Stack traces. First: it hands records back to the pipeline's beginning.
    - name: multiline
      alias: stack_traces
      match: kube.*
      multiline.key_content: log
      multiline.parser: depin-python, go, java
      buffer: on
      flush_ms: 2000
      emitter_storage.type: filesystem
      emitter_mem_buf_limit: 16M
    {{- end }}

    # JSON, or what a pod's annotation fluentbit.io/parser makes of its lines, becomes `parsed`.
    - name: kubernetes
      alias: metadata
      match: kube.*
      kube_tag_prefix: kube.var.log.containers.
      merge_log: on
      merge_log_key: parsed
      keep_log: on
      k8s-logging.parser: on
      k8s-logging.exclude: on
      labels: on
      annotations: off
      buffer_size: 512K
      # A container that started anew is asked for at once, labels that changed after this.
      cache_use_docker_id: on
      kube_meta_cache_ttl: 5m

    # What the platform's own services write that is not JSON. The first that matches; see parsers.yaml.
    - name: parser
      alias: formats
      match: kube.*
      key_name: log
      reserve_data: on
      preserve_key: on
      parser:
        - klog
        - logfmt-line
        - nginx-access
        - nginx-error
        - fluent-bit-own

    # Everything into the fields of fields.lua, secrets out.
    - name: lua
      alias: documents
      match: kube.*
      script: {{ $conf }}/documents.lua
      call: document
      time_as_table: on
      protected_mode: on
    # Where the script fails as a whole, Fluent Bit goes on with what it was given: that is not masked, and stops here.
    - name: grep
      alias: documents_only
      match: kube.*
      regex: $event['dataset'] [\s\S]
    {{- with .Values.filters }}

    # The environment's own, on finished documents.
    {{- toYaml . | nindent 4 }}
    {{- end }}

  outputs:
    - name: es
      alias: elasticsearch
      match: kube.*
      host: {{ .Values.elasticsearch.host }}
      port: {{ int .Values.elasticsearch.port }}
      http_user: ${ELASTICSEARCH_USERNAME}
      http_passwd: ${ELASTICSEARCH_PASSWORD}
      tls: on
      tls.verify: on
      tls.verify_hostname: on
      tls.ca_file: /fluent-bit/elasticsearch/ca.crt
      # The data stream; its template names the ingest pipeline. Of two equal documents it takes one: a request
      # that is sent again makes no second copy.
      index: depin-logs
      write_operation: create
      generate_id: on
      suppress_type_name: on
      logstash_format: off
      time_key: "@timestamp"
      time_key_nanos: on
      replace_dots: off
      # Answers repeat what was sent.
      trace_output: off
      trace_error: off
      compress: gzip
      # An answer names every record of a request; one that does not fit counts as none.
      buffer_size: 16M
      retry_limit: {{ int .Values.retries }}
      storage.total_limit_size: {{ .Values.buffer.size }}
