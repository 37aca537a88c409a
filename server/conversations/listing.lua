-- Looking for words in what was said. `server.conversations.listing` calls it.

-- [search] keys: any
-- arguments: terms lines
-- The conversation ids follow. Every term (a list of its spellings, Latin letters small) must stand in the contact's name, company
-- or address, or in one of the last 200 lines of the transcript. Answers how many conversations were looked at before `lines` lines were read, and for each that
-- matches its id and a line that does.
local call = redis.call
local root = string.match(any, '^.-}:')
terms = cjson.decode(terms)
local read, looked, found = 0, 0, {}
local function has(text, term)
  for _, spelling in ipairs(term) do
    if string.find(text, spelling, 1, true) then return true end
  end
end
for i = rest, #ARGV do
  local id = ARGV[i]
  looked = looked + 1
  local open, matching = {}, ''
  local card = call('HMGET', root .. 'contact:' .. id, 'name', 'p:name', 'p:last_name', 'p:company', 'p:email', 'wa_id', 'p:phone')
  for n = 1, 7 do card[n] = card[n] or '' end
  local known = string.lower(table.concat(card, '\n'))
  for _, term in ipairs(terms) do if not has(known, term) then open[#open + 1] = term end end
  if #open > 0 then
    local texts = call('LRANGE', root .. 'transcript:' .. id, -200, -1)
    read = read + #texts
    for n = 1, #texts do texts[n] = string.match(texts[n], '"text": ?(".-"), ?"at"') or '' end
    local states = call('HGETALL', root .. 'status:' .. id)
    for n = 1, #states, 2 do
      if string.sub(states[n], 1, 6) == 'heard:' then texts[#texts + 1] = states[n + 1] end
    end
    for n = #texts, 1, -1 do
      local text = string.lower(texts[n])
      for t = #open, 1, -1 do
        if has(text, open[t]) then
          matching = matching == '' and texts[n] or matching
          table.remove(open, t)
        end
      end
      if #open == 0 then break end
    end
  end
  if #open == 0 then
    found[#found + 1] = id
    found[#found + 1] = matching
  end
  if read > tonumber(lines) then break end
end
return {looked, unpack(found)}
