-- Stack traces that the multiline filter has put together.
local values = require("values")

local traces = {}

-- "package.Type: message", its two halves; the second may be missing.
local function exception(line)
  local kind, message = line:match("^([%a_][%w_.$]*):%s*(.*)$")
  if not kind then
    kind = line:match("^([%a_][%w_.$]*)$")
  end
  return kind, message ~= "" and message or nil
end

local function last_line(text)
  text = values.trimmed(text, " \t\r\n")
  return text:match("^.*\n(.*)$") or text
end

local function python(text)
  local line = last_line(text)
  local kind, message = exception(line)
  return line, kind, message, "error"
end

local function go(text)
  local line = text:match("^[^\n]*")
  local message = line:match("panic: (.*)$") or line:match("panic serving %S+: (.*)$")
  return line, "panic", message, line:find("panic serving", 1, true) and "error" or "fatal"
end

local function java(text)
  local line = text:match("^[^\n]*")
  local kind, message = line:match("%f[%w_.$]([%a_][%w_.$]*%.[%w_$]*[%w_]):%s*(.*)$")
  if not kind then
    kind = line:match("%f[%w_.$]([%a_][%w_.$]*)\r?$")
  end
  return line, kind, message ~= "" and message or nil, "error"
end

local function kind_of(text)
  if text:find("^Traceback %(most recent call last%):") then
    return python
  elseif text:find("\ngoroutine %d+ %[") then
    return go
  elseif text:find("\n[\t ]+at ") then
    return java
  end
end

-- The fields of a trace; nil if the text is none.
function traces.fields(text)
  if not text:find("\n", 1, true) then
    return nil
  end
  local read = kind_of(text)
  if not read then
    return nil
  end
  local line, kind, message, level = read(text)
  return {
    ["message"] = line,
    ["log.level"] = level,
    ["error.type"] = kind,
    ["error.message"] = message,
    ["error.stack_trace"] = text,
  }
end

return traces
