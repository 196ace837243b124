-- Prolongs leases that are in force, and puts back those that Redis has forgotten: many at a time,
-- all of one bucket of the index.
--   KEYS[1] attune:server, KEYS[2] attune:due:B, KEYS[3..] {session}:own
--   ARGV    1 run_id, 2 ttl_ms, 3 owner, 4 address; then for each session: its id, nonce, epoch
-- Returns for each 1 prolonged, 2 put back, 0 no longer in force.
local now, wait = quarantine(KEYS[1], ARGV[1], tonumber(ARGV[2]))
local ends = now + tonumber(ARGV[2])
local answers, due = {}, {}
for i = 3, #KEYS do
  local at = 5 + 3 * (i - 3)
  local nonce, epoch = ARGV[at + 1], ARGV[at + 2]
  local own = redis.call('HMGET', KEYS[i], 'owner', 'nonce', 'epoch')
  local answer = 0
  if own[1] == ARGV[3] and own[2] == nonce and own[3] == epoch then
    redis.call('HSET', KEYS[i], 'until_ms', ends)
    answer = 1
  elseif wait > 0 and tonumber(own[3] or '0') < tonumber(epoch) then
    -- Only in the quarantine: nobody can have acquired since, so what is on record is older.
    redis.call('HSET', KEYS[i], 'owner', ARGV[3], 'address', ARGV[4], 'nonce', nonce,
               'epoch', epoch, 'until_ms', ends)
    redis.call('PERSIST', KEYS[i])
    answer = 2
  end
  answers[i - 2] = answer
  if answer > 0 then
    due[#due + 1] = ends
    due[#due + 1] = ARGV[at]
  end
end
if #due > 0 then redis.call('ZADD', KEYS[2], unpack(due)) end
return answers
