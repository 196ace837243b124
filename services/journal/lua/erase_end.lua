-- The copy takes the place of the stream. (After fence.lua.)
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log, KEYS[3] {session}:tmp
--   ARGV    1 epoch, 2 nonce, 3 utc_us
-- Returns {1}, {0}, {-1}.
local _, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('RENAME', KEYS[3], KEYS[2]) end
redis.call('HSET', KEYS[1], 'written', ARGV[3])
return {1}
