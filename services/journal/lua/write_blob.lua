-- Replaces a blob; the revision before stays in the other slot. (After fence.lua.) May be repeated.
-- {session}:blob is a hash: h0NAME and h1NAME, the heads of the slots (20 digits of revision, 10 of
-- epoch, 4 bytes of checksum, subject), b0NAME and b1NAME, the bytes.
--   KEYS[1] {session}:jrn, KEYS[2] {session}:blob
--   ARGV    1 epoch, 2 nonce, 3 utc_us, 4 name, 5 head, 6 bytes
-- Returns {1}, {-2, revision} when a newer one is stored, {0}, {-1}.
local _, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
local revision = string.sub(ARGV[5], 1, 20)
local heads = redis.call('HMGET', KEYS[2], 'h0' .. ARGV[4], 'h1' .. ARGV[4])
local zero = heads[1] and string.sub(heads[1], 1, 20) or ''
local one = heads[2] and string.sub(heads[2], 1, 20) or ''
local newest = one > zero and 1 or 0
local top = newest == 1 and one or zero
if revision < top then return {-2, top} end
local slot = revision == top and newest or 1 - newest
redis.call('HSET', KEYS[2], 'h' .. slot .. ARGV[4], ARGV[5], 'b' .. slot .. ARGV[4], ARGV[6])
redis.call('HSET', KEYS[1], 'written', ARGV[3])
return {1}
