-- A join code leads nowhere any more, if it leads to this session.
--   KEYS[1] attune:code:CODE
--   ARGV    1 session
-- Returns 1, or 0 when it did not.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
