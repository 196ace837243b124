-- A join code leads to a session, unless it leads to another one already.
--   KEYS[1] attune:code:CODE
--   ARGV    1 session, 2 for so many ms from now
-- Returns 1, or 0 when it leads to another one.
local there = redis.call('GET', KEYS[1])
if there and there ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
