-- Sets the session's label. (After fence.lua.) May be repeated.
--   KEYS[1] {session}:jrn, KEYS[2] not used
--   ARGV    1 epoch, 2 nonce, 3 utc_us, 4 label
-- Returns {1}, {0}, {-1}.
local _, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
redis.call('HSET', KEYS[1], 'label', ARGV[4], 'written', ARGV[3])
return {1}
