-- Takes a session over, making it if need be. May be repeated.
--   KEYS[1] {session}:jrn, KEYS[2] {session}:tmp
--   ARGV    1 epoch, 2 nonce, 3 utc_us
-- Returns {1, epoch before, nonce before, last, first, label}, epoch 0 of a new one; {-1} when the
-- fence is stale.
local jrn = redis.call('HMGET', KEYS[1], 'epoch', 'nonce', 'last', 'first', 'label')
redis.call('UNLINK', KEYS[2])
if not jrn[1] then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'nonce', ARGV[2], 'last', 0, 'first', 1,
             'starts', '', 'label', '', 'written', ARGV[3])
  return {1, '0', '', 0, 1, ''}
end
local held = tonumber(jrn[1])
if tonumber(ARGV[1]) < held or (jrn[1] == ARGV[1] and jrn[2] ~= ARGV[2]) then return {-1} end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'nonce', ARGV[2], 'written', ARGV[3])
return {1, jrn[1], jrn[2], tonumber(jrn[3]), tonumber(jrn[4]), jrn[5]}
