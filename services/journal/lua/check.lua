-- What the store has of a session, to be compared with what it should have.
--   KEYS[1] {session}:jrn, KEYS[2] {session}:blob
-- Returns {1, epoch, nonce, last, then name and revision of each blob's slots...}, {0}.
local jrn = redis.call('HMGET', KEYS[1], 'epoch', 'nonce', 'last')
if not jrn[1] then return {0} end
local answer = {1, jrn[1], jrn[2], tonumber(jrn[3])}
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(field, 1, 1) == 'h' then
    answer[#answer + 1] = string.sub(field, 3)
    answer[#answer + 1] = string.sub(redis.call('HGET', KEYS[2], field), 1, 20)
  end
end
return answer
