-- Which of the next entries are the subject's. (After fence.lua.)
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log
--   ARGV    1 epoch, 2 nonce, 3 after which id ('-': from the first), 4 most entries, 5 subject
-- Returns {1, id of the last one looked at (empty: none left), ids of the subject's...}, {0}, {-1}.
local _, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
local from = ARGV[3] == '-' and '-' or '(' .. ARGV[3]
local answer = {1, ''}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', ARGV[4])) do
  answer[2] = entry[1]
  if entry[2][2] == ARGV[5] and entry[2][5] == 'd' then answer[#answer + 1] = entry[1] end
end
return answer
