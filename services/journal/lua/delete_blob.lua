-- Deletes a blob. (After fence.lua.) May be repeated.
--   KEYS[1] {session}:jrn, KEYS[2] {session}:blob
--   ARGV    1 epoch, 2 nonce, 3 utc_us, 4 name
-- Returns {1}, {0}, {-1}.
local _, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
redis.call('HDEL', KEYS[2], 'h0' .. ARGV[4], 'h1' .. ARGV[4], 'b0' .. ARGV[4], 'b1' .. ARGV[4])
redis.call('HSET', KEYS[1], 'written', ARGV[3])
return {1}
