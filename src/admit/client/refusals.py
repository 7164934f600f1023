"""Whether an access token that an API refused is worth a refresh.

Where it came in place of a refused one, and this API had one replaced a moment ago, another would
hardly be better: an API that refuses every token would cost a refresh with each request, and two
of them would do so in turn. The refusal is the caller's then; after the pause there is one more
try, because a key may have been changed meanwhile, or a session ended.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from admit.client.clocks import Held, Now
    from admit.client.origins import Origin

PAUSE = 10.0
"""Seconds from one refresh that a refusal led to until the next, or a fifth of the token's life
where less."""


class Refusals:
    """Remembers for each API which token came last in place of a refused one, and when."""

    def __init__(self) -> None:
        self._came: dict[Origin, tuple[str, float]] = {}

    def answered(self, api: Origin, token: str, now: Now) -> None:
        """What this API refused was replaced by this token."""
        former, _ = self._came.get(api, (None, 0.0))
        if former != token:
            self._came[api] = token, now.steady

    def worth(self, api: Origin, refused: str, held: Held | None, now: Now) -> bool:
        """Whether to have another in place of what this API refused, while this one is held."""
        if held is None or held.access_token != refused or not self._is_a_replacement(refused):
            return True
        _, at = self._came.get(api, (None, -math.inf))
        return now.steady - at >= min(PAUSE, held.expires_in / 5)

    def _is_a_replacement(self, token: str) -> bool:
        """Whether it came in place of one that was refused, whichever API that was."""
        return any(token == came for came, _ in list(self._came.values()))
