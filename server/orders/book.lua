-- Carts and orders: steps of `server.orders.book`, each atomic.

-- [shared]
-- A step of a turn names the fence of its worker; one that no worker makes names none.
local function allowed() return fence == '' or call('HGET', box, 'fence') == fence end

-- [keep] keys: cart box
-- arguments: fence expected version row words
-- Puts the next version of a cart in the place of the one that was read. -1: the lease was lost; 0: it has changed meanwhile.
if not allowed() then return -1 end
if (call('HGET', cart, 'version') or '0') ~= expected then return 0 end
call('HSET', cart, 'version', version, 'row', row, 'said', words)
return 1

-- [place] keys: cart box rows index mine numbers news
-- arguments: fence expected version row words conversation id order created
-- Makes an order of a cart and empties it in the same breath; the order has the next number. An order of this id that is there
-- already is answered as it is. {-1}: the lease was lost; {0}: the cart has changed meanwhile.
if not allowed() then return {-1} end
local known = call('HGET', rows, id)
if known then return {1, known} end
if (call('HGET', cart, 'version') or '0') ~= expected then return {0} end
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

-- [change] keys: rows news
-- arguments: id old order conversation state event
-- Puts an order in the place of the one that was read, once; `state`: what its customer is to be told (empty: nothing), and
-- `event` what those who asked for it are. 0: it has changed meanwhile.
if call('HGET', rows, id) ~= old then return 0 end
call('HSET', rows, id, order)
if state ~= '' then call('SADD', news, id .. ' ' .. state) end
if event ~= '' then happened(event, conversation, id .. ' ' .. state .. ' ' .. now, cjson.decode(order)) end
tell('sg:events', rows)
return 1
