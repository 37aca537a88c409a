-- What people decide about suggestions: steps of `server.operators.learning.decisions`, each atomic.

-- [claim] keys: learning
-- arguments: id token documents by stale
-- Nobody else accepts the suggestion meanwhile. A claim is `TOKEN MS DOCUMENTS BY`; one older than `stale` (ms) was cut off and
-- gives way, and the documents that it may have left behind are named in the new one. Answers the claim that stands.
local there = call('HGET', learning, id)
if there then
  local at, left = string.match(there, '^%S+ (%d+) (%S+)')
  if at and tonumber(at) > now - tonumber(stale) then return there end
  if left then documents = documents .. ',' .. left end
end
local claim = table.concat({token, string.format('%.0f', now), documents, by}, ' ')
call('HSET', learning, id, claim)
return claim

-- [commit] keys: learning learned saved
-- arguments: id token decision conversation
-- The decision and its saved conversation are kept together; 0, and nothing, where the claim is not ours any more.
local there = call('HGET', learning, id)
if not there or string.match(there, '^%S+') ~= token then return 0 end
call('HSET', learned, id, decision)
if conversation ~= '' then call('HSET', saved, id, conversation) end
call('HDEL', learning, id)
return 1

-- [release] keys: learning
-- arguments: id token
-- The claim is given up; 0 where it is not ours any more.
local there = call('HGET', learning, id)
if not there or string.match(there, '^%S+') ~= token then return 0 end
return call('HDEL', learning, id)
