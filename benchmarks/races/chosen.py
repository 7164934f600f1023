"""Which systems are played, and two of them at once where there are two cores."""

from __future__ import annotations

import runpy
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children, get_context
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.machine import cores
from benchmarks.peers import PEERS
from benchmarks.peers.peer import Peer
from benchmarks.processes import LoadError, clearing_up
from benchmarks.races.running import FULL, QUICK, Size, races

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.races.result import Result

SIDE_BY_SIDE = 2
"""Each server has a core, as long as there are as many, and a client asks for little."""


class Wish(NamedTuple):
    names: tuple[str, ...]
    """Each a part of one, or of several; all systems where there is neither this nor `own`."""
    own: Path | None
    """A module with a PEER."""
    quick: bool
    seed: int

    @property
    def size(self) -> Size:
        return QUICK if self.quick else FULL


class Played(NamedTuple):
    peer: Peer
    missing: str
    """What is not installed, so that it was not played; empty where it was."""
    failed: str
    """What went wrong, so that nothing was counted; empty where nothing did."""
    results: list[Result]
    seconds: float


def all_played(wish: Wish) -> Iterator[Played]:
    """Each system when it is done, in the order in which they are chosen."""
    peers = list(chosen(wish))
    workers = min(SIDE_BY_SIDE, cores())
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_led) as pool, _ending():
        told = pool.map(partial(_play, wish), range(len(peers)))
        for peer, outcome in zip(peers, told, strict=True):
            yield Played(peer, *outcome)


def _led() -> None:
    """Who plays a system ends when it is told to by whoever started it, and then in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of them at once
    clearing_up()


@contextmanager
def _ending() -> Iterator[None]:
    """Whoever still plays when this is interrupted is ended too, and not waited for."""
    try:
        yield
    except KeyboardInterrupt:
        for each in active_children():
            each.terminate()
        raise


def chosen(wish: Wish) -> Iterator[Peer]:
    if wish.own:
        yield theirs(wish.own)
    if wish.names or not wish.own:
        for peer in PEERS:
            if not wish.names or any(matches(peer, name) for name in wish.names):
                yield peer


def theirs(file: Path) -> Peer:
    """The `PEER` of somebody's own module."""
    if not file.is_file():
        raise SystemExit(f"there is no file {file}")
    found = runpy.run_path(str(file)).get("PEER")
    if not isinstance(found, Peer):
        raise SystemExit(f"{file} has no PEER: docs/races.md shows one")
    return found


def matches(peer: Peer, name: str) -> bool:
    return name.casefold() in peer.name.casefold()


def _play(wish: Wish, number: int) -> tuple[str, str, list[Result], float]:
    """One of them, in a process of its own, which chooses anew: an adapter is no data."""
    peer = list(chosen(wish))[number]
    if missing := peer.missing():
        return missing, "", [], 0.0
    started = time.monotonic()
    try:
        results = races(peer, size=wish.size, seed=wish.seed)
    except (LoadError, RuntimeError, OSError) as error:
        return "", "\n".join([str(error), *getattr(error, "__notes__", [])]), [], 0.0
    return "", "", results, time.monotonic() - started
