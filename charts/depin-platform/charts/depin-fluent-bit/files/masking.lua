-- Secrets and personal data out of texts: by patterns, and by the names that values stand under. Texts are cut to
-- their greatest length before, so that the work is bounded; a pattern that no text of that length can keep busy
-- begins at the edge of a word (%f[…]), as the chart's own do.
local masking = {}

local MASK = "[masked]"
masking.MASK = MASK
local CLOSING = { ["["] = "]", ["{"] = "}", ["("] = ")" }

-- A name without case and punctuation: api_key, apiKey and API-Key are alike.
local function plain(name)
  return (name:lower():gsub("[^%w]", ""))
end

-- Where the quote closes that was opened before `from`: at one that no backslash stands before.
local function closing_quote(text, from, quote)
  local place = text:find("[\\" .. quote .. "]", from)
  while place and text:sub(place, place) == "\\" do
    place = text:find("[\\" .. quote .. "]", place + 2)
  end
  return place or #text + 1
end

-- Where the bracket at `from` closes, whatever is quoted within.
local function closing_bracket(text, from)
  local depth, place = 0, from
  while place do
    local character = text:sub(place, place)
    if character == '"' or character == "'" then
      place = closing_quote(text, place + 1, character)
    elseif CLOSING[character] then
      depth = depth + 1
    else
      depth = depth - 1
      if depth == 0 then
        return place
      end
    end
    place = text:find("[%[%]{}()\"']", place + 1)
  end
  return #text
end

-- First and last place of the value that begins at `from`; the last is before the first where there is none.
local function extent(text, from)
  local escaped = text:match("^\\([\"'])", from)
  if escaped then
    -- Within a quoted text: quotes of the value itself have more backslashes.
    local close, last, backslashes = from + 1, from + 1, ""
    repeat
      close, last, backslashes = text:find("%f[\\](\\+)" .. escaped, last + 1)
    until not close or #backslashes == 1
    return from + 2, (close or #text + 1) - 1
  elseif text:sub(from, from + #MASK - 1) == MASK and text:find("^[%s\"'\\,;&}%])]", from + #MASK) then
    return from, from - 1
  end
  -- Of Python and Rust: b"…", Some("…").
  local opening = text:match("^[bru]()[\"']", from) or text:match("^[%a_][%w_]*()%(", from) or from
  local first = text:sub(opening, opening)
  if first == '"' or first == "'" then
    return opening + 1, closing_quote(text, opening + 1, first) - 1
  elseif CLOSING[first] and text:sub(opening, opening + #MASK - 1) ~= MASK then
    return from, closing_bracket(text, opening)
  end
  local _, last = text:find("^[^%s\"'\\,;&})]+", from)
  return from, last or from - 1
end

-- The same of a header, whose value has several words: to the end of the line, or of the quote that it stands in.
local function header_extent(text, from, quote)
  local last = quote == "" and (text:find("[\r\n]", from) or #text + 1) or closing_quote(text, from, quote)
  return from, last - 1
end

local function is_header(name)
  return name:lower():find("authorization$") or name:lower():find("cookie$")
end

-- Masks what follows a match of `pattern`, whose captures are a name and the quote after it, where the name is secret.
-- `arguments`: the next argument is no value.
local function mask_values(text, pattern, is_secret, arguments)
  local parts, from, search = {}, 1, 1
  while true do
    local first, last, name, after = text:find(pattern, search)
    if not first then
      break
    end
    search = last + 1
    if is_secret(name) and not (arguments and text:sub(search, search) == "-") then
      local start, stop
      if not arguments and is_header(name) and after == "" and not text:find("^\\?[\"']", search) then
        start, stop = header_extent(text, search, text:sub(first - 1, first - 1):match("[\"']") or "")
      else
        start, stop = extent(text, search)
      end
      if stop >= start then
        parts[#parts + 1] = text:sub(from, start - 1) .. MASK
        from, search = stop + 1, stop + 1
      end
    end
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts)
end

-- `settings` is that of settings.lua. Gives a function from a text to the masked text, and one that says whether
-- what stands under a name is secret whatever it is.
function masking.new(settings)
  local secret, lengths = {}, {}
  for key, on in pairs(settings.keys) do
    secret[plain(key)] = on
    lengths[#lengths + 1] = #plain(key)
  end
  table.sort(lengths, function(one, other)
    return one > other
  end)

  -- Of a path, any part that ends in a secret name: db_password, and what is below a secret. The longest name counts.
  local function is_secret(path)
    for name in path:gmatch("[^.]+") do
      local word = plain(name)
      for _, length in ipairs(lengths) do
        local on = secret[word:sub(-length)]
        if on then
          return true
        elseif on == false then
          break
        end
      end
    end
    return false
  end

  local function mask(text)
    local masked = text
    for _, pattern in ipairs(settings.patterns) do
      if pattern.contains == "" or masked:find(pattern.contains, 1, true) then
        masked = masked:gsub(pattern.pattern, pattern.replacement)
      end
    end
    if masked:find("[=:]") then
      masked = mask_values(masked, "%f[%w_-]([%w_-]+)(\\?[\"']?)%s*[=:]+>?%s*", is_secret)
    end
    if masked:find("-", 1, true) then
      -- A program's arguments.
      masked = mask_values(masked, "%f[%w-]%-%-?(%a[%w_.-]*)([\"']?)[%s,]%s*", is_secret, true)
    end
    return masked
  end

  return mask, is_secret
end

-- Everything below `node` that is text, in place; whether anything was masked.
function masking.apply(node, mask, is_secret)
  local changed = false
  for key, value in pairs(node) do
    if type(value) == "table" then
      changed = masking.apply(value, mask, is_secret) or changed
    elseif type(key) == "string" and is_secret(key) then
      node[key] = MASK
      changed = true
    elseif type(value) == "string" then
      local masked = mask(value)
      if masked ~= value then
        node[key] = masked
        changed = true
      end
    end
  end
  return changed
end

return masking
