-- Raises the session's epoch. May be repeated with the same token.
--   KEYS[1] {session}:keys
--   ARGV    1 epoch, 2 token of the caller
-- Returns {1, all fields and values...}, or {-1, epoch} when it is not above the last one.
local held = redis.call('HMGET', KEYS[1], 'epoch', 'by')
local last = tonumber(held[1] or '0')
local again = held[1] == ARGV[1] and held[2] == ARGV[2]
if tonumber(ARGV[1]) <= last and not again then return {-1, last} end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'by', ARGV[2])
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, 1)
return answer
