"""How much is measured: everything that the goals name, or a tenth of it for a quick look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sizes:
    name: str
    rounds: int
    seconds: float
    """How long one round drives a server."""
    calls: int
    """How many verifications one round times."""
    guard_rounds: int
    """Twenty apps are in turn there: rounds are fewer, and shorter."""
    guard_seconds: float
    storm_rounds: int
    storm_seconds: float
    sign_ins: int
    refreshes: int
    sessions: int
    """How many living ones the large database has."""
    purged: int
    """How many expired ones it has besides, which are purged under load."""
    cold_rounds: int
    """How often each function is started."""
    scale_rounds: int
    scale_refreshes: int


FULL = Sizes(
    name="full",
    rounds=15,
    seconds=1.0,
    calls=640,
    guard_rounds=9,
    guard_seconds=0.35,
    storm_rounds=5,
    storm_seconds=8.0,
    sign_ins=10_000,
    refreshes=100_000,
    sessions=10_000_000,
    purged=1_000_000,
    cold_rounds=15,
    scale_rounds=5,
    scale_refreshes=10_000,
)
QUICK = Sizes(
    name="quick",
    rounds=5,
    seconds=0.4,
    calls=320,
    guard_rounds=3,
    guard_seconds=0.2,
    storm_rounds=3,
    storm_seconds=3.0,
    sign_ins=400,
    refreshes=4_000,
    sessions=200_000,
    purged=20_000,
    cold_rounds=7,
    scale_rounds=3,
    scale_refreshes=2_000,
)
