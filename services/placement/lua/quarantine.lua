-- Part of every script that follows. After Redis has restarted, failed over or been emptied it may
-- have forgotten leases that are still honoured by their owners. `run_id` tells one server process
-- from the next: when it is not the one on record, a quarantine of one lease begins, in which
-- nobody may acquire and an owner may put its own forgotten lease back.
--
-- Returns the present time and what is left of the quarantine, both in ms.
local function quarantine(key, run_id, ttl_ms)
  local t = redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  local server = redis.call('HMGET', key, 'run_id', 'since_ms')
  if server[1] ~= run_id then
    redis.call('HSET', key, 'run_id', run_id, 'since_ms', now)
    return now, ttl_ms
  end
  return now, math.max(0, tonumber(server[2]) + ttl_ms - now)
end
