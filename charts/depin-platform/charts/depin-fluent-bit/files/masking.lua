-- Secrets and personal data out of texts: by patterns, and by the names that values stand under. Texts are cut to
-- their greatest length before, so that the work is bounded; a pattern that no text of that length can keep busy
-- begins at the edge of a word (%f[…]), as the chart's own do.
local masking = {}

local MASK = "[masked]"

-- A name without case and punctuation: api_key, apiKey and API-Key are alike.
local function plain(name)
  return (name:lower():gsub("[^%w]", ""))
end

-- Headers, whose values have several words: to the end of the line or of the quote.
local HEADERS = {}
for index, name in ipairs({ "authorization", "cookie" }) do
  local letters = name:gsub("%a", function(letter)
    return "[" .. letter:upper() .. letter .. "]"
  end)
  HEADERS[index] = "%f[%w_-]([%w_-]*" .. letters .. ")(\\?[\"']?%s*:%s*\\?[\"']?)([^\"'\\\r\n]+)"
end

-- A quoted value goes on to the quote that no backslash stands before: past what Lua's patterns can say.
local function closing_quote(text, from)
  local place = text:find('["\\]', from)
  while place and text:sub(place, place) == "\\" do
    place = text:find('["\\]', place + 2)
  end
  return place or #text + 1
end

-- name="value" and "name": "value".
local function mask_quoted(text, is_secret)
  local parts, from = {}, 1
  while true do
    local first, last, name = text:find('%f[%w_-]([%w_-]+)["\']?%s*[=:]%s*"', from)
    if not first then
      break
    end
    parts[#parts + 1] = text:sub(from, last)
    from = last + 1
    if is_secret(name) then
      local close = closing_quote(text, from)
      if close > from then
        parts[#parts + 1] = MASK
      end
      from = close
    end
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts)
end

-- `settings` is that of settings.lua. Gives a function from a text to the masked text, and one that says whether
-- what stands under a name is secret whatever it is.
function masking.new(settings)
  local secret, lengths = {}, {}
  for _, key in ipairs(settings.keys) do
    secret[plain(key)] = true
    lengths[#plain(key)] = true
  end

  -- Of a path, any part that ends in a secret name: db_password, and what is below a secret.
  local function is_secret(path)
    for name in path:gmatch("[^.]+") do
      local word = plain(name)
      for length in pairs(lengths) do
        if secret[word:sub(-length)] then
          return true
        end
      end
    end
    return false
  end

  local function value_of(name, between, value)
    if is_secret(name) and not value:find("[masked", 1, true) then
      return name .. between .. MASK
    end
  end

  local function mask(text)
    local masked = text
    for _, pattern in ipairs(settings.patterns) do
      if pattern.contains == "" or masked:find(pattern.contains, 1, true) then
        masked = masked:gsub(pattern.pattern, pattern.replacement)
      end
    end
    if masked:find("[=:]") then
      for _, header in ipairs(HEADERS) do
        masked = masked:gsub(header, function(name, between, value)
          return is_secret(name) and value:sub(1, #MASK) ~= MASK and name .. between .. MASK or nil
        end)
      end
      masked = mask_quoted(masked, is_secret)
      -- The same within JSON within JSON, in other quotes, and without any.
      masked = masked:gsub('%f[%w_-]([%w_-]+)(\\["\']?%s*[=:]%s*\\")([^"\\]*)', value_of)
      masked = masked:gsub("%f[%w_-]([%w_-]+)(\\?[\"']?%s*[=:]%s*')([^']*)", value_of)
      masked = masked:gsub("%f[%w_-]([%w_-]+)(\\?[\"']?%s*[=:]%s*)([^%s\"'\\,;&}]+)", value_of)
    end
    if masked:find("--", 1, true) then
      -- A program's arguments.
      masked = masked:gsub("%f[-]%-%-([%w-]+)(%s+)([^%s-]%S*)", function(name, between, value)
        return is_secret(name) and "--" .. name .. between .. MASK or nil
      end)
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
