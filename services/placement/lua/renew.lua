-- Prolongs a lease that is in force, and puts one back that Redis has forgotten.
--   KEYS[1] {session}:own, KEYS[2] attune:server
--   ARGV    1 run_id, 2 ttl_ms, 3 owner, 4 address, 5 nonce, 6 epoch
-- Returns 1 prolonged, 2 put back, 0 no longer in force.
local now, wait = quarantine(KEYS[2], ARGV[1], tonumber(ARGV[2]))
local own = redis.call('HMGET', KEYS[1], 'owner', 'nonce', 'epoch')
local ends = now + tonumber(ARGV[2])
if own[1] == ARGV[3] and own[2] == ARGV[5] and own[3] == ARGV[6] then
  redis.call('HSET', KEYS[1], 'until_ms', ends)
  return 1
end
-- Only in the quarantine: nobody can have acquired since, so what is on record is older than mine.
if wait > 0 and tonumber(own[3] or '0') < tonumber(ARGV[6]) then
  redis.call('HSET', KEYS[1], 'owner', ARGV[3], 'address', ARGV[4], 'nonce', ARGV[5],
             'epoch', ARGV[6], 'until_ms', ends)
  return 2
end
return 0
