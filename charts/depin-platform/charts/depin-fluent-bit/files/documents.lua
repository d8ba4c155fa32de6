-- From the records of the pipeline to the documents of docs/logs.md: Elastic Common Schema, of bounded size, without
-- secrets. The filter calls `document`.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
package.path = folder .. "?.lua;" .. package.path

local contract = require("fields")
local formats = require("formats")
local masking = require("masking")
local settings = require("settings")
local traces = require("traces")
local values = require("values")

local mask, is_secret = masking.new(settings.masking)

-- A structured line may have so many values, so deep; the rest is left out.
local MOST_VALUES, DEEPEST = 512, 8

local function put(document, path, value)
  local node = document
  for name in path:gmatch("([^.]+)%.") do
    if type(node[name]) ~= "table" then
      node[name] = {}
    end
    node = node[name]
  end
  node[path:match("[^.]+$")] = value
end

-- Nested maps as one of paths to plain values; a list of plain values as one text. False if something was left out.
local function flatten(node, prefix, depth, into)
  local complete = true
  for key, value in pairs(node) do
    local path = prefix .. tostring(key)
    if type(value) == "table" and type(value[1]) ~= "table" and #value > 0 then
      local texts = {}
      for index, item in ipairs(value) do
        texts[index] = type(item) == "table" and "{}" or values.printed(item)
      end
      value = table.concat(texts, ", ")
    end
    if type(value) == "table" then
      complete = depth < DEEPEST and flatten(value, path .. ".", depth + 1, into) and complete
    elseif into.count < MOST_VALUES then
      into.count = into.count + 1
      into.values[path] = value
    else
      complete = false
    end
  end
  return complete
end

-- Moves what the contract knows from `fields` into the document; gives the time, if there is one.
local function fill(document, fields, tags)
  local time
  for _, entry in ipairs(contract) do
    local value, from = fields[entry.field], entry.field
    for _, name in ipairs(entry.from) do
      if value == nil then
        value, from = fields[name], name
      end
    end
    -- The document's own kinds of values; others stay labels.
    local taken
    if value ~= nil then
      if entry.kind == "trace" then
        local trace, span = tostring(value):match("^%x%x%-(%x+)%-(%x+)%-%x%x$")
        if trace and #trace == 32 and #span == 16 then
          put(document, "trace.id", trace)
          put(document, "span.id", span)
          taken = trace
        end
      else
        taken = values[entry.kind](value)
        if taken ~= nil and entry.kind == "time" then
          time = taken
        elseif taken ~= nil then
          if entry.kind == "text" then
            local cut
            taken, cut = values.cut(taken, settings.message_bytes)
            tags.truncated = tags.truncated or cut
          end
          put(document, entry.field, taken)
        end
      end
      if taken ~= nil then
        fields[from] = nil
      end
    end
  end
  return time
end

-- What is left, as text, the first by name.
local function label(document, fields, tags)
  local names = {}
  for name, value in pairs(fields) do
    if value ~= "" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for index, name in ipairs(names) do
    if index > settings.label_count then
      tags.truncated = true
      break
    end
    local text, cut = values.cut(values.printed(fields[name]), settings.label_bytes)
    tags.truncated = tags.truncated or cut
    local kept = values.name(name)
    -- What is left of a long name may not tell that it is secret.
    if kept ~= name and is_secret(name) then
      text, tags.masked = masking.MASK, true
    end
    document.labels = document.labels or {}
    document.labels[kept] = text
  end
end

-- Which service, where: from Kubernetes, whatever the line says of itself.
local function place(document, kubernetes)
  local labels
  for name, value in pairs(kubernetes.labels or {}) do
    labels = labels or {}
    labels[values.name(name)] = value
  end
  document.kubernetes = {
    namespace = kubernetes.namespace_name,
    pod = { name = kubernetes.pod_name, uid = kubernetes.pod_id },
    container = { name = kubernetes.container_name },
    labels = labels,
  }
  local node = kubernetes.host or os.getenv("NODE_NAME")
  if node then
    document.kubernetes.node = { name = node }
    document.host = { name = node }
  end
  if kubernetes.container_image then
    document.container = { image = { name = kubernetes.container_image } }
  end
  document.orchestrator = { cluster = { name = settings.cluster } }
end

local function classify(document, fields, labels, container)
  document.event = document.event or {}
  document.service = document.service or {}
  local service = document.service.name
  if fields["ecs.version"] and (fields["service.node.roles"] or labels.app == "kibana") then
    document.event.dataset, service = "kibana.log", "kibana"
  elseif service == "ES_ECS" then
    service = "elasticsearch"
  end
  document.event.dataset = document.event.dataset
    or (document.depin or labels["app.kubernetes.io/part-of"] == "depin") and "depin.log"
    or "kubernetes.container"
  document.service.name = service or labels["app.kubernetes.io/name"] or labels.app or container
  local job = document.depin and document.depin.job
  -- Within 64 bits: infinity would be no JSON.
  if job and job.duration and math.abs(job.duration) < 9e9 and not document.event.duration then
    document.event.duration = math.floor(job.duration * 1e9 + 0.5)
  end
end

-- The fields of a record by where they come from: JSON or a parser that the pod asked for, a format, a trace, or text.
local function read(record, text, tags)
  if type(record.parsed) == "table" then
    local fields = formats.fields(record.parsed, text)
    if fields then
      return fields
    end
    local flat = { values = {}, count = 0 }
    tags.truncated = not flatten(record.parsed, "", 1, flat) or nil
    if flat.values.message == nil and flat.values.msg == nil then
      flat.values.message = text
    end
    return flat.values
  end
  if text:find("^%s*{") then
    tags.parse_failure = true
    return { message = text }
  end
  return formats.fields(record, text) or traces.fields(text) or formats.plain(text)
end

local ORDER = { "multiline", "truncated", "parse_failure", "masked" }

-- A parser that a pod asked for and that knows no time gives the present; the runtime's is still in the record.
local function written(record, timestamp)
  local time = type(record.parsed) == "table" and values.time(record.time or "")
  if time and time.sec ~= timestamp.sec and os.time() - timestamp.sec <= 2 then
    return time
  end
  return timestamp
end

local function build(record, timestamp)
  local text = values.trimmed(type(record.log) == "string" and record.log or "", "\r\n")
  text = text:gsub("\27%[[%d;]*m", "")
  local whole
  if record.stream == nil then
    -- A line that did not fit into the buffer: its end is missing, and nobody has read its beginning.
    local stamp, rest = text:match("^(%S+) std%l+ [FP] (.*)$")
    text, whole = rest or text, stamp and values.time(stamp)
  end
  local kubernetes = record.kubernetes or {}
  local labels = kubernetes.labels or {}
  local document, tags = {}, {}
  tags.multiline = text:find("\n", 1, true) and true or nil

  local fields = read(record, text, tags)
  if tags.parse_failure then
    put(document, "event.original", (values.cut(text, settings.message_bytes)))
  end
  local time = fill(document, fields, tags)
  classify(document, fields, labels, kubernetes.container_name)
  fields["ecs.version"], fields["service.node.roles"] = nil, nil
  label(document, fields, tags)

  tags.masked = masking.apply(document, mask, is_secret) or tags.masked
  place(document, kubernetes)
  for _, tag in ipairs(ORDER) do
    if tags[tag] then
      document.tags = document.tags or {}
      table.insert(document.tags, tag)
    end
  end
  return time or whole or written(record, timestamp), document
end

-- Where a record breaks the above, its text alone; a text that cannot be masked is not sent at all.
local function bare(record)
  local document = { tags = { "parse_failure" }, event = { dataset = "kubernetes.container" } }
  local done, text = pcall(function()
    return mask((values.cut(record.log, settings.message_bytes)))
  end)
  document.message = done and text or "a line that could not be read"
  pcall(place, document, record.kubernetes or {})
  return document
end

function document(_, timestamp, record)
  local done, time, built = pcall(build, record, timestamp)
  if not done then
    return 1, timestamp, bare(record)
  end
  return 1, time, built
end
