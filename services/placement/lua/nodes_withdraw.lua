-- A node leaves for good. Its incarnation stays known, so that a beat that comes late does not
-- bring it back.
--   KEYS[1] attune:node:ID, KEYS[2] attune:nodes, KEYS[3] attune:gone, KEYS[4] attune:ping:ID
--   ARGV    1 node id, 2 incarnation, 3 remembered for so many ms
-- Returns 1.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[3]), ARGV[2])
if redis.call('HGET', KEYS[1], 'incarnation') == ARGV[2] then
  redis.call('DEL', KEYS[1], KEYS[4])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 1
