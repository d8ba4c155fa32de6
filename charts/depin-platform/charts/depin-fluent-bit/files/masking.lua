-- Secrets and personal data out of texts: by patterns, and by the names that values stand under. Texts are cut to
-- their greatest length before, so that the work is bounded; a pattern that no text of that length can keep busy
-- begins at the edge of a word (%f[…]), as the chart's own do.
local masking = {}

local MASK = "[masked]"

-- A name without case and punctuation: api_key, apiKey and X-API-Key are alike but for the X.
local function plain(name)
  return (name:lower():gsub("[^%w]", ""))
end

-- `settings` is that of settings.lua. Gives a function from a text to the masked text, and one that says whether
-- what stands under a name is secret whatever it is.
function masking.new(settings)
  local secret = {}
  for _, key in ipairs(settings.keys) do
    secret[plain(key)] = true
  end

  -- Of a path, any part: what is below a secret is one.
  local function is_secret(path)
    for name in path:gmatch("[^.]+") do
      if secret[plain(name)] then
        return true
      end
    end
    return false
  end

  local function value_of(name, between, value)
    if is_secret(name) and value ~= MASK and not value:find("[masked", 1, true) then
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
      -- name="value", "name": "value", and the same within JSON within JSON.
      masked = masked:gsub('%f[%w_-]([%w_-]+)(\\?["\']?%s*[=:]%s*\\?")([^"\\]*)', value_of)
      masked = masked:gsub("%f[%w_-]([%w_-]+)(\\?[\"']?%s*[=:]%s*')([^']*)", value_of)
      masked = masked:gsub("%f[%w_-]([%w_-]+)(\\?[\"']?%s*[=:]%s*)([^%s\"'\\,;&}]+)", value_of)
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
