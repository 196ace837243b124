-- Destroys a subject's key: a tombstone stays. May be repeated. (lua/keys_get.lua)
--   KEYS[1] {session}:keys
--   ARGV    1 subject
-- Returns {1}.
redis.call('HSET', KEYS[1], 'k' .. ARGV[1], '')
return {1}
