-- First step of erasing a subject: its blobs. The entries are then copied into {session}:tmp
-- without its payloads (erase_find.lua, erase_copy.lua in turn), which takes the stream's place
-- (erase_end.lua): XDEL alone leaves the bytes in the stream's nodes, and so in every file that
-- Redis makes of them. A chain that broke off begins anew here. (After fence.lua.)
--   KEYS[1] {session}:jrn, KEYS[2] {session}:blob, KEYS[3] {session}:tmp
--   ARGV    1 epoch, 2 nonce, 3 utc_us, 4 subject
-- Returns {1}, {0}, {-1}.
local _, refused = owned(KEYS[1], ARGV[1], ARGV[2])
if refused then return refused end
redis.call('UNLINK', KEYS[3])
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(field, 1, 1) == 'h' then
    local head = redis.call('HGET', KEYS[2], field)
    if string.sub(head, 35) == ARGV[4] then
      redis.call('HDEL', KEYS[2], field, 'b' .. string.sub(field, 2))
    end
  end
end
redis.call('HSET', KEYS[1], 'written', ARGV[3])
return {1}
