-- Puts back what an emptied or older store has lost. A tombstone wins over a key, whoever comes
-- first; keys and epoch are put back only where nobody with a higher epoch has come. May be repeated.
--   KEYS[1] {session}:keys
--   ARGV    1 epoch, 2 token, 3 '1' when the session is erased; then per subject: subject, wrapped
--           key, or empty for a tombstone
-- Returns {1}.
local held = redis.call('HMGET', KEYS[1], 'epoch', 'erased')
local newer = tonumber(held[1] or '0') > tonumber(ARGV[1])
local erased = held[2] or ARGV[3] == '1'
if not newer then redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'by', ARGV[2]) end
for i = 4, #ARGV, 2 do
  local field = 'k' .. ARGV[i]
  if ARGV[i + 1] == '' then
    if not erased then redis.call('HSET', KEYS[1], field, '') end
  elseif not newer and not erased and redis.call('HGET', KEYS[1], field) ~= '' then
    redis.call('HSET', KEYS[1], field, ARGV[i + 1])
  end
end
if ARGV[3] == '1' then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 1) == 'k' then redis.call('HDEL', KEYS[1], field) end
  end
  redis.call('HSET', KEYS[1], 'erased', '1')
end
return {1}
