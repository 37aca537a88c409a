-- Looking for words in what was said, and reading it for an index. `server.conversations.search.scan` calls it.

-- [shared]
local call = redis.call
local root = string.match(KEYS[1], '^.-}:')
-- Lines of a transcript that are read in one go: of a long one the later lines often do.
local page = 200
-- The contact's name, company and addresses.
local function card_of(id)
  local card = call('HMGET', root .. 'contact:' .. id, 'name', 'p:name', 'p:last_name', 'p:company', 'p:email', 'wa_id', 'p:phone')
  for n = 1, 7 do card[n] = card[n] or '' end
  return table.concat(card, '\n')
end
-- The words of a line, out of its JSON.
local function words_of(line)
  local text = string.match(line, '"text": ?(".-"), ?"at"')
  if not text then
    local ok, entry = pcall(cjson.decode, line)
    return ok and type(entry) == 'table' and type(entry.text) == 'string' and entry.text or ''
  end
  if string.find(text, '\\', 1, true) then
    local ok, plain = pcall(cjson.decode, '[' .. text .. ']')
    if ok and type(plain[1]) == 'string' then return plain[1] end
  end
  return string.sub(text, 2, -2)
end
-- What was heard in voice messages.
local function heard_of(id)
  local found, states = {}, call('HGETALL', root .. 'status:' .. id)
  for n = 1, #states, 2 do
    if string.sub(states[n], 1, 6) == 'heard:' then found[#found + 1] = states[n + 1] end
  end
  return found
end

-- [search] keys: any
-- arguments: terms lines
-- The conversation ids follow. Every term (a list of its spellings, Latin letters small) must stand in the contact's name, company
-- or address, in a line of the transcript, or in what was heard. Answers how many conversations were looked at before `lines`
-- lines were read, and for each that matches its id and a line that does.
terms = cjson.decode(terms)
local read, looked, found = 0, 0, {}
local open, matching
local function has(text, term)
  for _, spelling in ipairs(term) do
    if string.find(text, spelling, 1, true) then return true end
  end
end
-- Whether nothing is open any more once a text was looked at.
local function settled(words)
  local text = string.lower(words)
  for t = #open, 1, -1 do
    if has(text, open[t]) then
      matching = matching == '' and words or matching
      table.remove(open, t)
    end
  end
  return #open == 0
end
local function said(id)
  for _, words in ipairs(heard_of(id)) do if settled(words) then return true end end
  local last = -1
  while true do
    local lines = call('LRANGE', root .. 'transcript:' .. id, last - page + 1, last)
    read = read + #lines
    for n = #lines, 1, -1 do if settled(words_of(lines[n])) then return true end end
    if #lines < page then return false end
    last = last - page
  end
end
for i = rest, #ARGV do
  local id = ARGV[i]
  looked = looked + 1
  open, matching = {}, ''
  local known = string.lower(card_of(id))
  for _, term in ipairs(terms) do if not has(known, term) then open[#open + 1] = term end end
  if #open == 0 or said(id) then
    found[#found + 1] = id
    found[#found + 1] = matching
  end
  if read > tonumber(lines) then break end
end
return {looked, unpack(found)}

-- [read] keys: any
-- arguments: lines
-- The conversation ids follow. Answers the clock (ms), and for each conversation, until `lines` lines were read, when it was last
-- active and last changed otherwise (empty: never), and its texts: the contact's own first. Changes nothing.
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead
local read, found = 0, {}
for i = rest, #ARGV do
  local id = ARGV[i]
  local texts = heard_of(id)
  local lines_of = call('LRANGE', root .. 'transcript:' .. id, 0, -1)
  for n = 1, #lines_of do texts[#texts + 1] = words_of(lines_of[n]) end
  table.insert(texts, 1, card_of(id))
  found[#found + 1] = {
    call('ZSCORE', root .. 'active', id) or '', call('ZSCORE', root .. 'changed', id) or '', texts}
  read = read + #lines_of
  if read > tonumber(lines) then break end
end
return {string.format('%.0f', now), found}
