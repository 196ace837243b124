-- Entries in order, from a number on. (After fence.lua.)
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log
--   ARGV    1 from number (0: the first), 2 most entries, 3 most bytes (passed by one page)
-- Returns {1, first, last, entries as XRANGE gives them...}, {0} no such session, {-2, first} when
-- the number has been trimmed.
local page_entries = 32
local jrn = redis.call('HMGET', KEYS[1], 'first', 'last', 'starts')
if not jrn[1] then return {0} end
local first, last = tonumber(jrn[1]), tonumber(jrn[2])
local from = tonumber(ARGV[1])
if from == 0 then from = first end
if from < first then return {-2, first} end
local answer = {1, first, last}
if from > last then return answer end
local start = id_of(jrn[3], from)
local bytes = 0
while #answer - 3 < tonumber(ARGV[2]) and bytes < tonumber(ARGV[3]) do
  local page = redis.call('XRANGE', KEYS[2], start, '+', 'COUNT', page_entries)
  for _, entry in ipairs(page) do
    answer[#answer + 1] = entry
    bytes = bytes + 64 + #entry[2][6]
    start = '(' .. entry[1]
  end
  if #page < page_entries then break end
end
return answer
