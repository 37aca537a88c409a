-- What providers told of a number. `server.observability.health.kept` explains the keys and calls the script.

-- [tell] keys: health told numbers
-- arguments: notice at most account
-- A notice joins the last `most` ones; 0 for one that was told before. Aspects (name, JSON with `at`, ...) take the place of older
-- ones: what comes late changes nothing that is newer.
local call = redis.call
call('SADD', numbers, account)
local new = call('ZADD', told, 'NX', at, notice)
call('ZREMRANGEBYRANK', told, 0, -1 - most)
for i = rest, #ARGV, 2 do
  local old = call('HGET', health, ARGV[i])
  local read, row = pcall(cjson.decode, old or '')
  local before = read and type(row) == 'table' and tonumber(row.at) or -1
  if before <= tonumber(at) then call('HSET', health, ARGV[i], ARGV[i + 1]) end
end
return new
