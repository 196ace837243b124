-- A revision of a blob (write_blob.lua).
--   KEYS[1] {session}:jrn, KEYS[2] {session}:blob
--   ARGV    1 name, 2 which: 1 the newest, 2 the one before
-- Returns {1, head, bytes}, {1} when there is none, {0} no such session.
if redis.call('EXISTS', KEYS[1]) == 0 then return {0} end
local heads = redis.call('HMGET', KEYS[2], 'h0' .. ARGV[1], 'h1' .. ARGV[1])
local zero = heads[1] and string.sub(heads[1], 1, 20) or ''
local one = heads[2] and string.sub(heads[2], 1, 20) or ''
local slot = one > zero and 1 or 0
if ARGV[2] == '2' then slot = 1 - slot end
local head = heads[slot + 1]
if not head then return {1} end
return {1, head, redis.call('HGET', KEYS[2], 'b' .. slot .. ARGV[1]) or ''}
