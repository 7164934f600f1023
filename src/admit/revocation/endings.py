"""Which sessions end, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.events import Kind, event
from admit.stores.base import Ending

if TYPE_CHECKING:
    from admit.model import EndedBecause, Origin
    from admit.settings import Settings


def ending(
    because: EndedBecause,
    settings: Settings,
    *,
    now: float,
    session_id: str | None = None,
    user_id: str | None = None,
    keep: str | None = None,
    origin: Origin | None = None,
    kind: Kind = "session_ended",
    by: str | None = None,
) -> Ending:
    """Sessions to end at `now`: one, or a user's but for `keep`, with the event for each.

    The event says where all of a user's end: that means tokens of a former system, too.
    """
    detail = {} if session_id is not None else {"sessions": "all"}
    return Ending(
        because=because,
        until=settings.dead_after(now),
        event=event(kind, now=now, origin=origin, reason=because, by=by, **detail),
        session_id=session_id,
        user_id=user_id,
        keep=keep,
    )
