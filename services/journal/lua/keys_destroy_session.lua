-- Destroys all keys of a session: its epoch and a tombstone stay. May be repeated.
--   KEYS[1] {session}:keys
-- Returns {1}.
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 1) == 'k' then redis.call('HDEL', KEYS[1], field) end
end
redis.call('HSET', KEYS[1], 'erased', '1')
return {1}
