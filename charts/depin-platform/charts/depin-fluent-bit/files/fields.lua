-- The field contract (docs/logs.md, held together by a test): which fields of a structured line become which field of
-- a document. Names are paths: `depin.job.id` is {"depin": {"job": {"id": …}}} as well as {"depin.job.id": …}.
--
-- kind   text    as it is, however long a message may be
--        word    text of at most 1024 bytes
--        whole   a whole number; a text that is one is taken too
--        number  a number, the same way
--        ip      an address of IP
--        level   one of trace, debug, info, warn, error, fatal
--        time    the document's time: RFC 3339, or seconds, milliseconds … since 1970
--        trace   W3C's traceparent: trace.id and span.id
-- from   other names that it may come under, the first that is there
return {
  { field = "@timestamp", kind = "time", from = { "ts", "time", "timestamp" } },
  { field = "message", kind = "text", from = { "msg" } },
  { field = "log.level", kind = "level", from = { "level", "severity", "lvl", "levelname" } },
  { field = "log.logger", kind = "word", from = { "logger", "logger_name", "component" } },
  { field = "service.name", kind = "word", from = { "service" } },
  { field = "service.version", kind = "word", from = { "version" } },
  { field = "event.dataset", kind = "word", from = {} },
  { field = "event.duration", kind = "whole", from = {} },
  { field = "error.message", kind = "text", from = { "error", "err.message", "err", "exception.message" } },
  { field = "error.type", kind = "word", from = { "err.type", "exception.type", "error.kind" } },
  { field = "error.stack_trace", kind = "text", from = { "error.stack", "err.stack", "stack_trace", "stacktrace", "stack", "exception.stacktrace" } },
  { field = "trace.id", kind = "word", from = { "trace_id", "traceId", "traceID", "traceid" } },
  { field = "span.id", kind = "word", from = { "span_id", "spanId", "spanID", "spanid" } },
  { field = "transaction.id", kind = "word", from = { "transaction_id" } },
  { field = "traceparent", kind = "trace", from = {} },
  { field = "http.request.method", kind = "word", from = {} },
  { field = "http.request.id", kind = "word", from = { "request_id" } },
  { field = "http.request.referrer", kind = "word", from = {} },
  { field = "http.request.bytes", kind = "whole", from = {} },
  { field = "http.request.body.bytes", kind = "whole", from = {} },
  { field = "http.response.status_code", kind = "whole", from = {} },
  { field = "http.response.mime_type", kind = "word", from = {} },
  { field = "http.response.bytes", kind = "whole", from = {} },
  { field = "http.response.body.bytes", kind = "whole", from = {} },
  { field = "http.version", kind = "word", from = {} },
  { field = "url.original", kind = "word", from = {} },
  { field = "url.full", kind = "word", from = {} },
  { field = "url.scheme", kind = "word", from = {} },
  { field = "url.domain", kind = "word", from = {} },
  { field = "url.port", kind = "whole", from = {} },
  { field = "url.path", kind = "word", from = {} },
  { field = "url.query", kind = "word", from = {} },
  { field = "user_agent.original", kind = "word", from = { "user_agent" } },
  { field = "source.ip", kind = "ip", from = {} },
  { field = "depin.node.id", kind = "word", from = {} },
  { field = "depin.node.region", kind = "word", from = {} },
  { field = "depin.job.id", kind = "word", from = {} },
  { field = "depin.job.state", kind = "word", from = {} },
  { field = "depin.job.duration", kind = "number", from = {} },
  { field = "depin.gpu.uuid", kind = "word", from = {} },
  { field = "depin.peer.id", kind = "word", from = {} },
  { field = "depin.edge.latency_ms", kind = "number", from = {} },
  { field = "depin.edge.loss_ratio", kind = "number", from = {} },
  { field = "depin.reward.amount", kind = "number", from = {} },
}
