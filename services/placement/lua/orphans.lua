-- Sessions whose lease has ended, or that were given up and go on. What is told to one caller is
-- not told to the next for one lease.
--   KEYS[1..] attune:due:B, in the order in which to look
--   ARGV      1 at most so many, 2 ttl_ms
-- Returns the sessions.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found = {}
for i = 1, #KEYS do
  local left = tonumber(ARGV[1]) - #found
  if left <= 0 then break end
  local due = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', now, 'LIMIT', 0, left)
  local later = {}
  for _, session in ipairs(due) do
    found[#found + 1] = session
    later[#later + 1] = now + tonumber(ARGV[2])
    later[#later + 1] = session
  end
  if #later > 0 then redis.call('ZADD', KEYS[i], 'XX', unpack(later)) end
end
return found
