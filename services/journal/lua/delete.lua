-- Removes everything of a session, its fence too. (After fence.lua.) May be repeated.
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log, KEYS[3] {session}:blob, KEYS[4] {session}:tmp
--   ARGV    1 epoch, 2 nonce
-- Returns {1}, {0} when there is none, {-1}.
local _, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return {1}
