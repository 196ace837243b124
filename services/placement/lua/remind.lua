-- Puts sessions into the index that are not in it: due after one lease, unless their owners say
-- otherwise before.
--   KEYS[1] attune:due:B
--   ARGV    1 ttl_ms, 2.. sessions
-- Returns how many were not in it.
local t = redis.call('TIME')
local ends = t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[1])
local due = {}
for i = 2, #ARGV do
  due[#due + 1] = ends
  due[#due + 1] = ARGV[i]
end
return redis.call('ZADD', KEYS[1], 'NX', unpack(due))
