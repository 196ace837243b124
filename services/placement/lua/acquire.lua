-- Takes a session that is free, expired, or one's own.
--   KEYS[1] {session}:own, KEYS[2] attune:server, KEYS[3] attune:due:B of the session
--   ARGV    1 run_id, 2 ttl_ms, 3 owner (incarnation), 4 address, 5 nonce, 6 epoch_floor,
--           7 max_epoch, 8 session
-- Returns {1, epoch}, {0, epoch, address, ms left} when another has it, {-1} when there are no
-- epochs left, {-2, ms} while nobody may acquire.
local now, wait = quarantine(KEYS[2], ARGV[1], tonumber(ARGV[2]))
local own = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'until_ms', 'address')
local epoch = tonumber(own[2] or '0')
local left = tonumber(own[3] or '0') - now
if own[1] and own[1] ~= '' and own[1] ~= ARGV[3] and left > 0 then
  return {0, epoch, own[4], left}
end
if wait > 0 then return {-2, wait} end
local floor = math.max(epoch, tonumber(ARGV[6]))
if floor >= tonumber(ARGV[7]) then return {-1} end
local ends = now + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'owner', ARGV[3], 'address', ARGV[4], 'nonce', ARGV[5],
           'epoch', floor + 1, 'until_ms', ends)
-- A session that was closed has an end date; a lease must not vanish at it.
redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[3], ends, ARGV[8])
return {1, floor + 1}
