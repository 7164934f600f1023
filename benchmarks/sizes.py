"""How much is measured: everything that the goals name, or a tenth of it for a quick look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.peers.peer import Purpose


@dataclass(frozen=True, kw_only=True)
class Sizes:
    name: str
    rounds: int
    seconds: float
    """How long one round drives a server."""
    postgres_rounds: int
    calls: int
    """How many verifications one round times."""
    verifying_rounds: int
    """Each lets a dozen libraries warm up anew."""
    peer_rounds: int
    """How often every system has its turn: there are several, each asked two things."""
    peer_seconds: float
    sign_in_rounds: int
    sign_in_seconds: float
    visits: int
    """How many people sign in within an hour's work."""
    visit_refreshes: int
    """How often each refreshes."""
    visit_requests: int
    """How many requests go before each refresh."""
    guard_rounds: int
    """Twenty apps are in turn there: rounds are fewer, and shorter."""
    guard_seconds: float
    purpose: Purpose
    """Of the systems: only who looks whether all of it runs wants passwords that hash cheaply."""
    people: int
    """Registered with each system; several sessions may be of the same."""
    storm_rounds: int
    storm_seconds: float
    storm_clients: int
    """How many sign in at once."""
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
    postgres_rounds=9,
    calls=640,
    verifying_rounds=7,
    peer_rounds=9,
    peer_seconds=0.5,
    sign_in_rounds=4,
    sign_in_seconds=1.5,
    visits=100,
    visit_refreshes=20,
    visit_requests=5,
    guard_rounds=5,
    guard_seconds=0.35,
    purpose="speed",
    people=8,
    storm_rounds=3,
    storm_seconds=2.5,
    storm_clients=32,
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
    rounds=2,
    seconds=0.4,
    postgres_rounds=1,
    calls=160,
    verifying_rounds=1,
    peer_rounds=2,
    peer_seconds=0.25,
    sign_in_rounds=1,
    sign_in_seconds=0.5,
    visits=4,
    visit_refreshes=25,
    visit_requests=5,
    guard_rounds=1,
    guard_seconds=0.1,
    purpose="speed",
    people=4,
    storm_rounds=1,
    storm_seconds=0.5,
    storm_clients=8,
    sign_ins=200,
    refreshes=2_000,
    sessions=200_000,
    purged=20_000,
    cold_rounds=3,
    scale_rounds=3,
    scale_refreshes=2_000,
)
