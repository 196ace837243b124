-- Who owns a session.
--   KEYS[1] {session}:own
-- Returns {owner, address, epoch, nonce}, or nil when it is free.
local own = redis.call('HMGET', KEYS[1], 'owner', 'address', 'epoch', 'nonce', 'until_ms')
if not own[1] or own[1] == '' then return nil end
local t = redis.call('TIME')
if tonumber(own[5]) <= t[1] * 1000 + math.floor(t[2] / 1000) then return nil end
return {own[1], own[2], tonumber(own[3]), own[4]}
