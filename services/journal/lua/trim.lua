-- Forgets the beginning. (After fence.lua.) May be repeated.
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log
--   ARGV    1 epoch, 2 nonce, 3 utc_us, 4 up to number
-- Returns {1, first}, {-2, last} when there is no such number yet, {0}, {-1}.
local jrn, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
local first = tonumber(ARGV[4]) + 1
if first - 1 > jrn.last then return {-2, jrn.last} end
if first <= jrn.first then
  redis.call('HSET', KEYS[1], 'written', ARGV[3])
  return {1, jrn.first}
end
if first > jrn.last then
  redis.call('XTRIM', KEYS[2], 'MAXLEN', 0)
else
  redis.call('XTRIM', KEYS[2], 'MINID', id_of(jrn.starts, first))
end
-- Epochs that have nothing left are not needed any more.
local starts = ''
for e, n in string.gmatch(jrn.starts, '(%d+):(%d+) ') do
  if tonumber(n) <= first then starts = '' end
  starts = starts .. e .. ':' .. n .. ' '
end
redis.call('HSET', KEYS[1], 'first', first, 'starts', starts, 'written', ARGV[3])
return {1, first}
