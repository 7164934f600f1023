"""The session law: what a refresh token that did not win the write deserves.

Refreshing presents `(h, n)`, the session's handle and a generation, at an instant `now`.
The store first tries ONE conditional write (`Store.rotate`), which moves the row from any
generation `<= n` to `n + 1`. It wins in the ordinary case. Where nothing was written, the row as
it stands is judged here, by a pure function: no clock, no I/O, no randomness.

    what the row shows                                 verdict
    no row                                             unknown
    ended                                              its own reason
    the deadline has passed                            expired
    generation = n + 1, and the same retry key         repeat, however late
    generation = n + 1, less than `leeway` ago         repeat
    generation <= n (the write should have won)        inconsistent: try again, never theft
    anything else                                      reuse_detected

Why this is safe: `repeat` hands out the very same successor again, byte for byte, and only while
that successor is itself unused, for once it is presented the row moves on to `n + 2`. So the
chain never forks, and a thief and an owner can't both go on (RFC 9700 section 4.14.2).
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Literal

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
        leeway: how long a parent may come back without a key, in seconds; 0 means not at all.
    """
    if session is None:
        return "unknown"
    if session.ended_because is not None:
        return session.ended_because
    if session.expires_at <= now:
        return "expired"
    if session.generation <= generation:
        return "inconsistent"
    if session.generation == generation + 1:
        same_key = _same(session.retry_key, retry_key)
        if same_key or max(now - session.rotated_at, 0.0) < leeway:
            return "repeat"
    return "reuse_detected"


def _same(left: bytes | None, right: bytes | None) -> bool:
    return left is not None and right is not None and hmac.compare_digest(left, right)
