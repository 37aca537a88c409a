"""The real scripts on a real server, each on a state of its own: what is stored is put there, one script runs
at a time that stands still, and what is stored then is read off. So a state can be gone back to for as
little as one more step costs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from redis import Redis

from server.store import contacts, dead_letters, mailbox
from server.store.counters import COUNTING
from server.store.embedded import EmbeddedRedis
from server.store.scripts import ScriptSection, sections

# When everything happens. What is due later is due at any time after it: that time passes is its own step.
NOW = 1_800_000_000_000
# By how much later is what is not due yet, in every state.
LATER = 1000
# What every state calls the newest fence of a conversation: which is whose matters, not how high it is. The
# next is as much higher as the chance that `begin` is given.
FENCE = NOW * 1000
# Left out of what is stored is what no step of the protocol reads: figures that are only counted up, and who
# is to be shown as typing.
_AT = """
local real = redis
local redis = {pcall = real.pcall, call = function(command, ...)
  if command == 'TIME' then return {SECONDS, '0'} end
  return real.call(command, ...)
end}
local function restored(stored)
  real.call('FLUSHDB')
  for _, row in ipairs(stored) do
    local put = ({hash = 'HSET', list = 'RPUSH', set = 'SADD', zset = 'ZADD', string = 'SET'})[row[2]]
    real.call(put, row[1], unpack(row[3]))
  end
end
local function stored()
  local names, rows = real.call('KEYS', '*'), {}
  table.sort(names)
  for _, name in ipairs(names) do
    local kind, values = real.call('TYPE', name).ok, {}
    if kind == 'hash' then
      local raw, fields, of = real.call('HGETALL', name), {}, {}
      for i = 1, #raw, 2 do
        fields[#fields + 1] = raw[i]
        of[raw[i]] = raw[i + 1]
      end
      table.sort(fields)
      for _, field in ipairs(fields) do
        values[#values + 1] = field
        values[#values + 1] = of[field]
      end
    elseif kind == 'list' then values = real.call('LRANGE', name, 0, -1)
    elseif kind == 'string' then values = {real.call('GET', name)}
    elseif kind == 'set' then
      values = real.call('SMEMBERS', name)
      table.sort(values)
    else
      local raw = real.call('ZRANGE', name, 0, -1, 'WITHSCORES')
      for i = 1, #raw, 2 do
        local soon = string.find(name, ':due$') and tonumber(raw[i + 1]) > MOMENT
        values[i] = soon and string.format('%.0f', MOMENT + LATER) or raw[i + 1]
        values[i + 1] = raw[i]
      end
    end
    local part = string.match(name, '^.-}:(%a+)')
    if not ({figures = 1, totals = 1, fresh = 1})[part] then rows[#rows + 1] = {name, kind, values} end
  end
  return cjson.encode(rows)
end
-- By how much the fence of each conversation has grown; all states call it the same.
local function grown(names)
  local by = {}
  for i, name in ipairs(names) do
    local fence = real.call('HGET', name, 'fence')
    by[i] = fence - FENCE
    real.call('HSET', name, 'fence', 'FENCE')
  end
  return by
end
local function step(KEYS, ARGV)
BODY
end
restored(cjson.decode(ARGV[1]))
local answer = step(KEYS, {unpack(ARGV, 3)})
local by = grown(cjson.decode(ARGV[2]))
return {stored(), by, {answer}}
"""

Arguments = Sequence[str | bytes | int | float]
# What is stored afterwards, by how much each conversation's fence has grown, what the script answered.
After = tuple[bytes, tuple[int, ...], Any]


@cache
def real_scripts() -> dict[str, ScriptSection]:
    """The scripts that the product runs, by name."""
    known = dict(sections(Path(mailbox.__file__).with_suffix(".lua"), COUNTING))
    known["set"] = sections(Path(contacts.__file__).with_suffix(".lua"), COUNTING)["set"]
    known |= sections(Path(dead_letters.__file__).with_suffix(".lua"))
    # ours: time passes, and what was due later is due
    known["time passes"] = ScriptSection(("due",), (), _TIME_PASSES)
    return known


_TIME_PASSES = """
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('ZADD', KEYS[1], 'LT', tonumber(NOW), id)
end
return 1
""".replace("NOW", str(NOW))


class ScriptsAt:
    """Runs scripts on states. `other`: the text of a script that stands in for the real one of its name."""

    def __init__(self, redis: Redis, boxes: Sequence[str], other: Mapping[str, str] | None = None) -> None:
        self._redis, self._boxes = redis, json.dumps(list(boxes))
        texts = {name: script.text for name, script in real_scripts().items()} | dict(other or {})
        head = _AT.replace("SECONDS", f"'{NOW // 1000}'").replace("FENCE", str(FENCE))
        head = head.replace("MOMENT", str(NOW)).replace("LATER", str(LATER))
        self._digests = {
            name: str(redis.script_load(head.replace("BODY", text, 1))) for name, text in texts.items()
        }
        self.ran = 0

    def run(self, steps: Sequence[tuple[bytes, str, Sequence[str], Arguments]]) -> list[After]:
        """What each step leaves behind: (what is stored before, script, keys, arguments)."""
        found = list[After]()
        for first in range(0, len(steps), 500):
            pipe = self._redis.pipeline(transaction=False)
            for stored, name, keys, arguments in steps[first : first + 500]:
                pipe.evalsha(self._digests[name], len(keys), *keys, stored, self._boxes, *arguments)
            # a script may answer nothing
            found += [
                (after, tuple(by), answer[0] if answer else None) for after, by, answer in pipe.execute()
            ]
        self.ran += len(steps)
        return found


@contextmanager
def script_server() -> Iterator[Redis]:
    """A server of its own, which keeps nothing."""
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        server = EmbeddedRedis(Path(folder))
        client = Redis.from_url(server.start())
        client.config_set("appendonly", "no")
        try:
            yield client
        finally:
            client.close()
            server.stop()
