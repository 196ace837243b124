-- Puts back what a store has lost that failed over or was emptied: the fence if it holds none or
-- the one that was held before, the label, entries. Never over another owner. (After fence.lua.)
-- May be repeated.
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log
--   ARGV    1 epoch, 2 nonce, 3 epoch before, 4 nonce before, 5 utc_us, 6 label;
--           per entry: epoch, number, subject, checksum, 'd' or 'e', payload
-- Returns {1, last}, {-1} when the session has another owner.
local jrn = redis.call('HMGET', KEYS[1], 'epoch', 'nonce', 'last', 'starts')
if jrn[1] and not (jrn[1] == ARGV[1] and jrn[2] == ARGV[2]) and
   not (jrn[1] == ARGV[3] and jrn[2] == ARGV[4]) then
  return {-1}
end
local last, starts = tonumber(jrn[3] or '0'), jrn[4] or ''
if not jrn[1] then
  redis.call('UNLINK', KEYS[2])
  redis.call('HSET', KEYS[1], 'first', 1)
end
for i = 7, #ARGV, 6 do
  local number = tonumber(ARGV[i + 1])
  if number == last + 1 then
    starts = started(starts, ARGV[i], number)
    redis.call('XADD', KEYS[2], ARGV[i] .. '-' .. number, 's', ARGV[i + 2], 'c', ARGV[i + 3],
               ARGV[i + 4], ARGV[i + 5])
    last = number
  end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'nonce', ARGV[2], 'label', ARGV[6], 'last', last,
           'starts', starts, 'written', ARGV[5])
return {1, last}
