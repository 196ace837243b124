-- Part of every script that writes: the owner's fence, and where entries lie.
--
-- A session is {SESSION}:jrn, a hash: epoch and nonce of its fence; first and last number; starts,
-- "EPOCH:NUMBER " for each epoch that has written, its first number; label; written, UTC in us.
-- Its entries are {SESSION}:log, a stream with ids EPOCH-NUMBER and the fields s (subject),
-- c (checksum), d (payload), or e (erased) instead of d.

-- The session's fields, or nil and what the script answers: {0} no such session, {-1} fenced.
local function owned(key, epoch, nonce)
  local jrn = redis.call('HMGET', key, 'epoch', 'nonce', 'last', 'first', 'starts')
  if not jrn[1] then return nil, {0} end
  if jrn[1] ~= epoch or jrn[2] ~= nonce then return nil, {-1} end
  return {last = tonumber(jrn[3]), first = tonumber(jrn[4]), starts = jrn[5]}
end

-- The stream's id of an entry.
local function id_of(starts, number)
  local epoch = '0'
  for e, n in string.gmatch(starts, '(%d+):(%d+) ') do
    if tonumber(n) <= number then epoch = e end
  end
  return epoch .. '-' .. number
end

-- `starts` when `epoch` writes `number` next.
local function started(starts, epoch, number)
  if string.match(starts, '(%d+):%d+ $') == epoch then return starts end
  return starts .. epoch .. ':' .. number .. ' '
end
