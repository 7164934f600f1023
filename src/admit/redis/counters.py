"""Counters in Redis, for the processes of several machines.

One script takes all the places of an attempt, or none: one round trip, and nobody comes between.
The library limits has a storage in Redis too, which counts key by key, and takes back from
whichever window is on: see docs/decisions/0013.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.counters import Count, Place, Taken
from admit.redis.connections import Connections
from admit.settings import SKEW

if TYPE_CHECKING:
    from collections.abc import Sequence

TAKE = """
local now, held, counts = tonumber(ARGV[1]), 1, {}
for i, key in ipairs(KEYS) do
  local number, ends = unpack(redis.call('HMGET', key, 'number', 'ends'))
  if not ends or tonumber(ends) <= now then number, ends = 0, ARGV[3 * i] end
  counts[i] = {tonumber(number), ends}
  if counts[i][1] >= tonumber(ARGV[3 * i - 1]) then held = 0 end
end
if held == 1 then
  for i, key in ipairs(KEYS) do
    counts[i][1] = counts[i][1] + 1
    redis.call('HSET', key, 'number', counts[i][1], 'ends', counts[i][2])
    if counts[i][1] == 1 then redis.call('PEXPIRE', key, ARGV[3 * i + 1]) end
  end
end
return {held, counts}
"""
"""ARGV: now, then for each key its limit, the end of a window that would begin now, and how many
milliseconds that is kept. Ends stay text: as Lua's numbers they would be rounded."""
GIVE_BACK = """
for i, key in ipairs(KEYS) do
  local number, ends = unpack(redis.call('HMGET', key, 'number', 'ends'))
  if ends == ARGV[i] then
    if tonumber(number) > 1 then redis.call('HINCRBY', key, 'number', -1)
    else redis.call('DEL', key) end
  end
end
"""
"""ARGV: for each key the end of the window in which it was taken."""


class RedisCounters:
    """A storage in Redis.

    Arguments:
        url: where Redis is.
        prefix: what the keys begin with; who shares it counts together.

    Raises:
        SettingsError: the URL has a part that can't be read.
    """

    kind = "redis"
    paid = False

    def __init__(self, url: str, *, prefix: str) -> None:
        self._prefix = prefix
        self._connections = Connections(url)
        self.name = self._connections.name

    async def take(self, places: Sequence[Place], *, now: float) -> Taken:
        """Take every place, or none."""
        arguments = [repr(now)]
        for each in places:
            kept = int((each.seconds + SKEW) * 1_000)  # for those whose clocks are behind
            arguments += [str(each.most), repr(now + each.seconds), str(kept)]
        async with self._connections.client() as redis:
            script = redis.register_script(TAKE)
            held, counts = await script(keys=self._keys(places), args=arguments)
        read = tuple(Count(number, float(end)) for number, end in counts)
        return Taken(bool(held), tuple(places), read)

    async def give_back(self, taken: Taken) -> None:
        """Give back what is held."""
        ends = [repr(each.end) for each in taken.counts]
        async with self._connections.client() as redis:
            await redis.register_script(GIVE_BACK)(keys=self._keys(taken.places), args=ends)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    def _keys(self, places: Sequence[Place]) -> list[str]:
        return [self._prefix + each.key for each in places]
