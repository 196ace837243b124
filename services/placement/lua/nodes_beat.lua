-- A node says that it is alive, after what it wrote came back to it.
--   KEYS[1] attune:node:ID, KEYS[2] attune:nodes, KEYS[3] attune:gone
--   ARGV    1 ttl_ms, 2 node id, 3 incarnation, 4 born_ms or 0 at the first beat,
--           5.. names and values of what it says of itself
-- Returns born_ms, or -1 when this incarnation is dead.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
if redis.call('ZSCORE', KEYS[3], ARGV[3]) then return -1 end
local there = redis.call('HMGET', KEYS[1], 'incarnation', 'born_ms')
local born = tonumber(ARGV[4])
local theirs = tonumber(there[2] or '0')
if born == 0 then
  -- Born after whoever is there, also when the clock of this Redis is behind the last one's.
  born = math.max(now, theirs + 1)
elseif there[1] and there[1] ~= ARGV[3] and theirs >= born then
  return -1
end
redis.call('HSET', KEYS[1], 'incarnation', ARGV[3], 'born_ms', born, 'beat_ms', now,
           unpack(ARGV, 5))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[1]), ARGV[2])
return born
