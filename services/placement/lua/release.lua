-- Gives a session up, or over to another node, who alone may acquire it for one lease, or closes
-- it. The epoch stays: it must never be given twice.
--   KEYS[1] {session}:own, KEYS[2] attune:due:B of the session
--   ARGV    1 owner, 2 nonce, 3 epoch, 4 ttl_ms, 5 next owner or empty, 6 its address, 7 session,
--           8 remembered for so many ms when it is closed, 0 when it is not
-- Returns 1, or 0 when the lease is no longer in force.
local own = redis.call('HMGET', KEYS[1], 'owner', 'nonce', 'epoch')
if own[1] ~= ARGV[1] or own[2] ~= ARGV[2] or own[3] ~= ARGV[3] then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = 0
if ARGV[5] ~= '' then ends = now + tonumber(ARGV[4]) end
redis.call('HSET', KEYS[1], 'owner', ARGV[5], 'address', ARGV[6], 'nonce', '', 'until_ms', ends)
if ARGV[8] ~= '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
  redis.call('ZREM', KEYS[2], ARGV[7])
else
  redis.call('ZADD', KEYS[2], math.max(ends, now), ARGV[7])
end
return 1
