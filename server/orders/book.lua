-- Carts and orders: steps of `server.orders.book`, each atomic.

-- [shared]
-- A step of a turn names the fence of its worker; one that no worker makes names none.
local function allowed() return fence == '' or call('HGET', box, 'fence') == fence end
-- What orders took of a product: {id, at, pieces} each.
local function taken_of(key, ref)
  local row = call('HGET', key, ref)
  return row and cjson.decode(row) or {}
end
local function keep_taken(key, ref, rows)
  if #rows == 0 then call('HDEL', key, ref) else call('HSET', key, ref, cjson.encode(rows)) end
end

-- [keep] keys: cart box
-- arguments: fence expected version row words
-- Puts the next version of a cart in the place of the one that was read. -1: the lease was lost; 0: it has changed meanwhile.
if not allowed() then return -1 end
if (call('HGET', cart, 'version') or '0') ~= expected then return 0 end
call('HSET', cart, 'version', version, 'row', row, 'said', words)
return 1

-- [place] keys: cart box rows index mine numbers news taken
-- arguments: fence expected version row words conversation id order created
-- Makes an order of a cart and empties it in the same breath; the order has the next number. An order of this id that is there
-- already is answered as it is. `rest`: each product whose pieces are counted, as {ref, pieces, left, since}; the order takes
-- them off what others left, or is not placed. {-1}: the lease was lost; {0}: the cart has changed meanwhile; {3}: there are
-- fewer pieces left.
if not allowed() then return {-1} end
local known = call('HGET', rows, id)
if known then return {1, known} end
if (call('HGET', cart, 'version') or '0') ~= expected then return {0} end
local takes = {}
for i = rest, #ARGV do
  local line, kept, gone = cjson.decode(ARGV[i]), {}, 0
  for _, one in ipairs(taken_of(taken, line.ref)) do
    if one.at > line.since then gone = gone + one.pieces end
    -- what an older list than this one has counted: another process may still read that one, and a count that was entered
    -- by hand may be taken back
    if one.at > math.min(line.since - 86400000, now - 2592000000) then kept[#kept + 1] = one end
  end
  if gone + line.pieces > line.left then return {3} end
  kept[#kept + 1] = {id = id, at = now, pieces = line.pieces}
  takes[#takes + 1] = {line.ref, kept}
end
for _, one in ipairs(takes) do keep_taken(taken, one[1], one[2]) end
local number = call('INCR', numbers)
local placed = string.gsub(order, '"number":0', '"number":' .. string.format('%.0f', number), 1)
call('HSET', rows, id, placed)
call('ZADD', index, created, id)
call('ZADD', mine, created, id)
call('SADD', news, id .. ' new')
call('HSET', cart, 'version', version, 'row', row, 'said', words)
figure('orders')
of_ad(conversation, 'orders')
happened('order_created', conversation, id, cjson.decode(placed))
tell('sg:events', rows)
return {2, placed}

-- [change] keys: rows news taken
-- arguments: id old order conversation state event value currency worth
-- Puts an order in the place of the one that was read, once; `state`: what its customer is to be told (empty: nothing), and
-- `event` what those who asked for it are. One that is paid is a purchase; one that is cancelled gives back what it took. 0: it
-- has changed meanwhile.
if call('HGET', rows, id) ~= old then return 0 end
call('HSET', rows, id, order)
if state ~= '' then call('SADD', news, id .. ' ' .. state) end
if state == 'cancelled' then
  for _, line in ipairs(cjson.decode(order).lines) do
    local kept = {}
    for _, one in ipairs(taken_of(taken, line.ref)) do
      if one.id ~= id then kept[#kept + 1] = one end
    end
    keep_taken(taken, line.ref, kept)
  end
end
if event ~= '' then happened(event, conversation, id .. ' ' .. state .. ' ' .. now, cjson.decode(order)) end
if state == 'paid' then bought(conversation, id, value, currency, worth) end
tell('sg:events', rows)
return 1
