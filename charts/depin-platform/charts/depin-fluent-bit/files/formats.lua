-- What the formats of parsers.yaml mean: from the parts of a line to the names of fields.lua. What a format has
-- beyond them becomes a label.
local formats = {}

-- A line may have so many pairs; the rest is left out.
local MOST_PAIRS = 256

-- key=value and key="quoted value" pairs; a key alone is true.
local function pairs_of(text, into)
  local at = 1
  for _ = 1, MOST_PAIRS do
    local from, to, key = text:find("^%s*([^%s=\"]+)", at)
    if not from then
      from, to = text:find("^%s*\"", at)
      if not from then
        break
      end
      at = to + 1
    elseif text:sub(to + 1, to + 1) ~= "=" then
      into[key] = into[key] or "true"
      at = to + 1
    elseif text:sub(to + 2, to + 2) == '"' then
      local stop = to + 3
      while true do
        local found = text:find('["\\]', stop)
        if not found then
          stop = #text + 1
          break
        elseif text:sub(found, found) == '"' then
          stop = found
          break
        end
        stop = found + 2
      end
      local value = text:sub(to + 3, stop - 1)
      into[key] = value:gsub("\\(.)", { n = "\n", t = "\t", ['"'] = '"', ["\\"] = "\\" })
      at = stop + 1
    else
      local _, stop, value = text:find("^(%S*)", to + 2)
      into[key] = value ~= "" and value or nil
      at = stop + 1
    end
  end
  return into
end

-- `"text" key="value" …` as structured klog writes it; any other text is itself.
local function klog(parts)
  local text = parts.klog_text or ""
  local fields = {}
  local message, rest = text:match('^"(.-[^\\])"(.*)$')
  if message then
    pairs_of(rest, fields)
    message = message:gsub('\\"', '"')
  end
  fields["message"] = message or text
  fields["log.level"] = parts.klog_severity
  fields["origin"] = parts.klog_origin
  return fields
end

local function logfmt(parts)
  local fields = pairs_of(parts.logfmt_line, {})
  fields["ts"] = fields["ts"] or fields["t"]
  fields["t"] = nil
  return fields
end

local function access(parts, text)
  local function given(value)
    return value ~= "-" and value ~= "_" and value or nil
  end
  local path, query = (parts.access_url or ""):match("^([^?]*)%??(.*)$")
  return {
    ["message"] = text,
    ["event.dataset"] = "nginx.access",
    ["source.ip"] = parts.access_ip,
    ["http.request.method"] = parts.access_method,
    ["http.version"] = parts.access_version,
    ["http.request.referrer"] = given(parts.access_referrer),
    ["http.request.bytes"] = parts.access_request_bytes,
    ["http.request.id"] = given(parts.access_id),
    ["http.response.status_code"] = parts.access_status,
    ["http.response.body.bytes"] = parts.access_bytes,
    ["url.original"] = parts.access_url,
    ["url.path"] = path ~= "" and path or nil,
    ["url.query"] = query ~= "" and query or nil,
    ["url.domain"] = given(parts.access_host),
    ["user_agent.original"] = given(parts.access_agent),
    ["event.duration"] = parts.access_seconds and math.floor(tonumber(parts.access_seconds) * 1e9 + 0.5),
    ["upstream.name"] = given(parts.access_upstream),
    ["upstream.address"] = given(parts.access_address),
    ["user"] = given(parts.access_user),
  }
end

local function failure(parts)
  local text = parts.error_text
  local method, url = text:match(', request: "(%u+) (%S+)')
  return {
    ["message"] = text,
    ["event.dataset"] = "nginx.error",
    ["log.level"] = parts.error_level,
    ["source.ip"] = text:match(", client: ([%x:.]+)"),
    ["http.request.method"] = method,
    ["url.original"] = url,
    ["url.domain"] = text:match(', host: "([^":]+)'),
    ["upstream.url"] = text:match(', upstream: "([^"]+)"'),
  }
end

local function agent(parts)
  return {
    ["message"] = parts.agent_text,
    ["event.dataset"] = "fluentbit.log",
    ["log.level"] = parts.agent_level,
    ["log.logger"] = parts.agent_part,
  }
end

local KNOWN = {
  { "klog_text", klog },
  { "logfmt_line", logfmt },
  { "access_ip", access },
  { "error_text", failure },
  { "agent_text", agent },
}

-- The fields of a line that one of the parsers took apart; nil if none did.
function formats.fields(parts, text)
  for _, known in ipairs(KNOWN) do
    if type(parts[known[1]]) == "string" then
      return known[2](parts, text)
    end
  end
  return nil
end

local WORDS = { TRACE = 1, DEBUG = 1, INFO = 1, NOTICE = 1, WARN = 1, WARNING = 1, ERROR = 1, SEVERE = 1, CRITICAL = 1, FATAL = 1, PANIC = 1 }

-- A line of no known format: a level in capitals near its beginning.
function formats.plain(text)
  for word in text:sub(1, 80):gmatch("%f[%w](%u+)%f[^%w]") do
    if WORDS[word] then
      return { ["message"] = text, ["log.level"] = word }
    end
  end
  return { ["message"] = text }
end

return formats
