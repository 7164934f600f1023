"""Redis: counters that several machines share, and the push that hurries revocations."""

from __future__ import annotations

from admit.redis.counters import RedisCounters
from admit.redis.push import RedisPush

__all__ = ["RedisCounters", "RedisPush"]
