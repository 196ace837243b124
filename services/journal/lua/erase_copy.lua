-- Copies entries, those of the subject without their payload. (After fence.lua.)
--   KEYS[1] {session}:jrn, KEYS[2] {session}:log, KEYS[3] {session}:tmp
--   ARGV    1 epoch, 2 nonce, 3 after which id ('-': from the first), 4 up to which id;
--           per entry of the subject: its id, its checksum from now on
-- Returns {1}, {0}, {-1}.
local _, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
local erased = {}
for i = 5, #ARGV, 2 do erased[ARGV[i]] = ARGV[i + 1] end
local from = ARGV[3] == '-' and '-' or '(' .. ARGV[3]
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], from, ARGV[4])) do
  local fields = entry[2]
  if erased[entry[1]] then fields = {'s', fields[2], 'c', erased[entry[1]], 'e', '1'} end
  redis.call('XADD', KEYS[3], entry[1], unpack(fields))
end
return {1}
