-- A wrapped key, made if there is none yet. {session}:keys is a hash: k and the subject, a wrapped
-- key, or empty when it was destroyed; epoch and by, the highest epoch and who raised it; erased.
--   KEYS[1] {session}:keys
--   ARGV    1 subject, 2 the wrapped key to store (empty: none)
-- Returns {1, wrapped key}, {0} there is none, {-1} erased.
local field = 'k' .. ARGV[1]
local found = redis.call('HMGET', KEYS[1], 'erased', field)
if found[1] or found[2] == '' then return {-1} end
if found[2] then
  -- Also when nothing changes: WAIT needs a write to wait for.
  if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], field, found[2]) end
  return {1, found[2]}
end
if ARGV[2] == '' then return {0} end
redis.call('HSET', KEYS[1], field, ARGV[2])
return {1, ARGV[2]}
