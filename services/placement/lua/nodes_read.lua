-- The nodes there are; takes those out of the index that are not there any more.
--   KEYS[1] attune:nodes (the keys attune:node:ID are made from what it holds)
--   ARGV    1 at most so many, drawn at random, or 0 for all; 2.. names of what is asked of each
-- Returns for each {node id, ms since its last beat, what is asked ...}.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local most, ids = tonumber(ARGV[1]), nil
if most == 0 then
  ids = redis.call('ZRANGE', KEYS[1], 0, -1)
else
  ids = redis.call('ZRANDMEMBER', KEYS[1], most)
end
local nodes = {}
for _, id in ipairs(ids) do
  local node = redis.call('HMGET', 'attune:node:' .. id, 'beat_ms', unpack(ARGV, 2))
  if node[1] then
    node[1] = now - tonumber(node[1])
    table.insert(node, 1, id)
    nodes[#nodes + 1] = node
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return nodes
