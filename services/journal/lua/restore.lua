-- Begins the entries anew after a number. (After fence.lua.) May be repeated.
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log
--   ARGV    1 epoch, 2 nonce, 3 utc_us, 4 last number
-- Returns {1}, {-2, last} when there are later entries, {0}, {-1}.
local jrn, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
local last = tonumber(ARGV[4])
if last < jrn.last then return {-2, jrn.last} end
redis.call('XTRIM', KEYS[2], 'MAXLEN', 0)
redis.call('HSET', KEYS[1], 'first', last + 1, 'last', last, 'starts', '', 'written', ARGV[3])
return {1}
