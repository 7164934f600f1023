"""The session law: what a refresh token that did not win the write deserves.

Refreshing presents `(h, n)`, the session's handle and a generation, at an instant `now`.
The store first tries ONE conditional write (`Store.rotate`), which moves the row from any
generation `<= n` to `n + 1`, unless the row stands at `n` and that token rests. It wins in the
ordinary case. Where nothing was written, the row as it stands is judged here, by a pure function:
no clock, no I/O, no randomness.

    what the row shows                                 verdict
    no row                                             unknown
    ended                                              its own reason
    the deadline has passed                            expired
    generation = n + 1, and the same retry key         repeat, however late
    generation = n + 1, less than `leeway` ago         repeat
    generation = n > 0, less than `leeway` ago         repeat: the token rests
    generation <= n (the write should have won)        inconsistent: try again, never theft
    anything else                                      reuse_detected

Why this is safe: `repeat` hands out the row's own token again, byte for byte, and never one beside
it. So the chain never forks, and a thief and an owner can't both go on (RFC 9700 section 4.14.2).

Why it refuses no honest client: the row can't leave `n + 1` before that token has rested. So `n` is
refused only when its successor is at least `leeway` old, however many tabs there are and in
whatever order what they sent arrives.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Literal

from admit.settings import SKEW

if TYPE_CHECKING:
    from admit.model import Session

Verdict = Literal[
    "repeat",
    "inconsistent",
    "unknown",
    "expired",
    "signed_out",
    "password_changed",
    "reuse_detected",
    "revoked",
]


def rest(generation: int, *, now: float, leeway: float) -> tuple[float, float]:
    """Between which two instants a token was born that rests now, both of them excluded.

    A token of a sign-in never rests: it has no parent that could be late. One whose birth lies
    further ahead than clocks may differ doesn't either, or a clock that was wrong once would keep
    a session from moving until that day.

    Arguments:
        generation: that of the token.
        now: the instant of the request, in seconds since 1970.
        leeway: how long a token rests, in seconds; 0 means not at all.
    """
    if generation == 0 or leeway == 0:
        return now, now  # nothing lies between
    return now - leeway, now + SKEW


def judge(
    session: Session | None,
    *,
    generation: int,
    retry_key: bytes | None,
    now: float,
    leeway: float,
) -> Verdict:
    """Judge a refresh token whose rotation wrote nothing.

    Arguments:
        session: the row as it stands, or None where there is none.
        generation: the generation `n` that the token holds.
        retry_key: the hash of the request's Idempotency-Key, or None.
        now: the instant of the request, in seconds since 1970.
        leeway: how long a parent may come back without a key, and a token rests, in seconds; 0
            means not at all.
    """
    if session is None:
        return "unknown"
    if session.ended_because is not None:
        return session.ended_because
    if session.expires_at <= now:
        return "expired"
    if session.generation <= generation:
        after, before = rest(generation, now=now, leeway=leeway)
        rests = session.generation == generation and after < session.rotated_at < before
        return "repeat" if rests else "inconsistent"
    if session.generation == generation + 1:
        same_key = _same(session.retry_key, retry_key)
        if same_key or max(now - session.rotated_at, 0.0) < leeway:
            return "repeat"
    return "reuse_detected"


def _same(left: bytes | None, right: bytes | None) -> bool:
    return left is not None and right is not None and hmac.compare_digest(left, right)
