-- Appends what several calls have gathered; each call wholly or not at all. (After fence.lua.)
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log
--   ARGV    1 epoch, 2 nonce, 3 utc_us, 4 how many calls;
--           per call: its first number, how many entries, 1 if it may have been executed before;
--           then per entry: subject, checksum, payload
-- Returns {1, last, per call: 0, or the number that would have been in turn}, {0}, {-1}.
local jrn, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
local calls = tonumber(ARGV[4])
local at = 5 + 3 * calls
local answer = {1, 0}
local last = jrn.last
local starts = jrn.starts

-- Whether the entries are there: the call was executed, and its answer lost.
local function there(first, count)
  if first + count - 1 > last then return false end
  for i = 0, count - 1 do
    local id = id_of(starts, first + i)
    local found = redis.call('XRANGE', KEYS[2], id, id)[1]
    if not found or found[2][4] ~= ARGV[at + 3 * i + 1] then return false end
  end
  return true
end

for call = 0, calls - 1 do
  local first = tonumber(ARGV[5 + 3 * call])
  local count = tonumber(ARGV[6 + 3 * call])
  local result = 0
  if count > 0 then
    if first == last + 1 then
      starts = started(starts, ARGV[1], first)
      for i = 0, count - 1 do
        local from = at + 3 * i
        redis.call('XADD', KEYS[2], ARGV[1] .. '-' .. (first + i), 's', ARGV[from],
                   'c', ARGV[from + 1], 'd', ARGV[from + 2])
      end
      last = first + count - 1
    elseif ARGV[7 + 3 * call] ~= '1' or not there(first, count) then
      result = last + 1
    end
  end
  at = at + 3 * count
  answer[#answer + 1] = result
end
-- Also when there was nothing to add: WAIT needs a write to wait for.
redis.call('HSET', KEYS[1], 'last', last, 'starts', starts, 'written', ARGV[3])
answer[2] = last
return answer
