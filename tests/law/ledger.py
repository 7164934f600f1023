"""What the law promises, kept from the outside: only presentations and their answers.

The ledger doesn't look at rows. It remembers which exchange was the last, when it was, under
which key and what came of it, and says what the next presentation deserves.
"""

import base64
import json
from dataclasses import dataclass

FRESH, REPEAT, REUSE = "fresh", "repeat", "reuse"
SKEW = 10.0
"""How far clocks may differ: a birth further ahead was written by one that was wrong."""


def claims_of(token):
    """What a token says, whoever signed it."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@dataclass
class Won:
    """One exchange of a token for its successor."""

    successor: str
    at: float
    key: str | None


@dataclass
class Ledger:
    """One session, as its clients and its thieves have seen it.

    `generation` is that of the token whose turn it is; `reason` is why the session was ended;
    `purged`, that its row may be gone.
    """

    id: str
    opened_at: float
    idle: float
    absolute: float
    leeway: float
    generation: int = 0
    last: Won | None = None
    reason: str | None = None
    purged: bool = False

    @property
    def ends_at(self):
        return self.opened_at + self.absolute

    @property
    def expires_at(self):
        seen = self.last.at if self.last else self.opened_at
        return min(seen + self.idle, self.ends_at)

    def over(self, now):
        """The reason that the holder of a genuine token must be told, where it is over."""
        if self.reason is not None:
            return self.reason
        return "expired" if self.expires_at <= now else None

    def deserves(self, generation, key, now):
        """What a token of this generation deserves now; a store may be behind its clients."""
        if generation == self.generation and self._rests(now):
            return REPEAT
        if generation >= self.generation:
            return FRESH
        if generation < self.generation - 1 or self.last is None:
            return REUSE  # its successor was used
        same_key = key is not None and key == self.last.key
        return REPEAT if same_key or max(now - self.last.at, 0) < self.leeway else REUSE

    def _rests(self, now):
        return self.last is not None and -SKEW < now - self.last.at < self.leeway

    def win(self, won, generation):
        """Note an exchange of the token of this generation."""
        self.last, self.generation = won, generation + 1

    def end(self, reason, now):
        """Note an ending: the first reason stays, and what has expired isn't ended."""
        ends = self.over(now) is None
        if ends:
            self.reason = reason
        return ends
