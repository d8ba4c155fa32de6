-- Kinds of values (fields.lua): each function gives the value that a document has, or nil for what is none.
local values = {}

local LEVELS = {
  trace = "trace", finest = "trace", finer = "trace", silly = "trace",
  debug = "debug", dbug = "debug", fine = "debug", verbose = "debug", d = "debug",
  info = "info", information = "info", informational = "info", notice = "info", i = "info", config = "info",
  warn = "warn", warning = "warn", w = "warn", deprecation = "warn",
  error = "error", err = "error", eror = "error", severe = "error", e = "error",
  fatal = "fatal", critical = "fatal", crit = "fatal", panic = "fatal", dpanic = "fatal", alert = "fatal",
  emerg = "fatal", emergency = "fatal", f = "fatal",
}
local WORD = 1024

-- A number as people write it: no exponent where none is needed, all digits of a whole one.
function values.printed(value)
  if type(value) ~= "number" then
    return tostring(value)
  end
  if value % 1 == 0 and math.abs(value) < 1e15 then
    return string.format("%d", value)
  end
  return string.format("%.14g", value)
end

-- The first `bytes` of a text, without half a character at its end; and whether anything was cut off.
function values.cut(text, bytes)
  if #text <= bytes then
    return text, false
  end
  local last = bytes
  while last > 0 and bytes - last < 4 and text:byte(last + 1) >= 0x80 and text:byte(last + 1) < 0xC0 do
    last = last - 1
  end
  return text:sub(1, last), true
end

-- Without what `characters` holds at its end. A pattern would begin anew at each of them.
function values.trimmed(text, characters)
  local last = #text
  while last > 0 and characters:find(text:sub(last, last), 1, true) do
    last = last - 1
  end
  return text:sub(1, last)
end

-- What Java takes for blank and Lua does not: U+1680, most of U+2000 to U+200A, U+2028, U+2029, U+205F, U+3000.
local BLANK = { "\225\154\128", "\226\128[\128-\134]", "\226\128[\136-\138]", "\226\128[\168\169]", "\226\129\159", "\227\128\128" }

-- A name that Elasticsearch takes below a `flattened` field: not long, no NUL, and no part between dots that is blank.
function values.name(text)
  local parts = {}
  for part in text:gsub("%z", ""):gmatch("[^.]+") do
    local visible = part:gsub("[%s\28-\31]", "")
    for _, blank in ipairs(BLANK) do
      visible = visible:find("[\128-\255]") and visible:gsub(blank, "") or visible
    end
    if visible ~= "" then
      parts[#parts + 1] = part
    end
  end
  return #parts > 0 and (values.cut(table.concat(parts, "."), WORD)) or "_"
end

function values.text(value)
  if type(value) == "table" then
    return nil
  end
  return values.printed(value)
end

function values.word(value)
  local text = values.text(value)
  if text == nil or text == "" then
    return nil
  end
  return (values.cut(text, WORD))
end

function values.number(value)
  local number = tonumber(value)
  if number == nil or number ~= number or math.abs(number) == math.huge then
    return nil
  end
  return number
end

function values.whole(value)
  local number = values.number(value)
  if number == nil or number % 1 ~= 0 or math.abs(number) >= 2 ^ 63 then
    return nil
  end
  return number
end

-- Names of any case, syslog's and klog's too, and the numbers of bunyan and pino.
function values.level(value)
  local number = tonumber(value)
  if number and number >= 10 and number % 10 == 0 then
    return ({ "trace", "debug", "info", "warn", "error", "fatal" })[number / 10]
  end
  local text = tostring(value)
  return #text <= 32 and LEVELS[text:lower():match("^%s*(.-)%s*$")] or nil
end

-- What Elasticsearch's kind `ip` takes.
function values.ip(value)
  local text = tostring(value)
  if #text > 45 then
    return nil
  end
  local parts = { text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
  for _, part in ipairs(parts) do
    if tonumber(part) > 255 then
      return nil
    end
  end
  if #parts == 4 or (text:find(":.*:") and text:find("^[%x:.]+$")) then
    return text
  end
  return nil
end

-- Days since 1970 of a date in the Gregorian calendar (Howard Hinnant's days_from_civil).
local function days(year, month, day)
  year = month <= 2 and year - 1 or year
  local era = math.floor(year / 400)
  local of_era = year - era * 400
  local of_year = math.floor((153 * (month + (month > 2 and -3 or 9)) + 2) / 5) + day - 1
  return era * 146097 + of_era * 365 + math.floor(of_era / 4) - math.floor(of_era / 100) + of_year - 719468
end

-- From 1990 to 2100. Elasticsearch refuses what nanoseconds since 1970 cannot say, such as Go's zero time.
local function plausible(seconds)
  return seconds >= 631152000 and seconds <= 4102444800
end

-- A time as {sec, nsec}: RFC 3339, or a number since 1970 whose size tells its unit.
function values.time(value)
  local number = tonumber(value)
  if number then
    local unit = number > 1e17 and 1e9 or number > 1e14 and 1e6 or number > 1e11 and 1e3 or 1
    local seconds = math.floor(number / unit)
    if not plausible(seconds) then
      return nil
    end
    return { sec = seconds, nsec = math.floor((number / unit - seconds) * 1e6 + 0.5) * 1e3 }
  end
  local year, month, day, hour, minute, second, rest =
    tostring(value):match("^(%d%d%d%d)-(%d%d)-(%d%d)[T ](%d%d):(%d%d):(%d%d)(.*)$")
  if not year then
    return nil
  end
  local fraction, zone = rest:match("^[.,](%d+)(.*)$")
  zone = zone or rest
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign and zone ~= "Z" and zone ~= "z" then
    return nil
  end
  if tonumber(month) < 1 or tonumber(month) > 12 or tonumber(day) < 1 or tonumber(day) > 31 or tonumber(hour) > 23 then
    return nil
  end
  local offset = sign and (tonumber(hours) * 3600 + tonumber(minutes) * 60) * (sign == "-" and -1 or 1) or 0
  local seconds = days(tonumber(year), tonumber(month), tonumber(day)) * 86400
    + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second) - offset
  if not plausible(seconds) then
    return nil
  end
  return { sec = seconds, nsec = tonumber(((fraction or "") .. "000000000"):sub(1, 9)) }
end

return values
