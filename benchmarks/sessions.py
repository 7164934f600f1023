"""What the clients of any system say, through its adapter."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from benchmarks.peers.peer import Tokens
from benchmarks.wire import read, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.load import Script
    from benchmarks.peers.peer import Person, Speech


def hello(speech: Speech) -> Script:
    raw = written(speech.hello())
    while True:
        yield raw


def protected(speech: Speech, sessions: Iterable[Tokens]) -> Script:
    """The protected route with one session after the other, without end."""
    for raw in cycle([written(speech.protected(each)) for each in sessions]):  # noqa: UP028
        yield raw  # an iterator behind `yield from` could not be sent the answers


def refreshing(speech: Speech, sessions: list[Tokens], slot: int) -> Script:
    """One session, refreshed without end with its newest token, which is left in its place."""
    while True:
        answer = yield written(speech.refresh(sessions[slot]))
        sessions[slot] = speech.kept(read(answer), sessions[slot])


def signing_in(
    speech: Speech, people: Iterable[Person], keep: Callable[[Tokens], object] = id
) -> Script:
    """These people sign in one after the other, without pause."""
    for person in people:
        answer = yield written(speech.sign_in(person))
        keep(speech.kept(read(answer), Tokens("")))


def started_apart(sessions: Sequence[Tokens], connections: int) -> list[list[Tokens]]:
    """For each connection all sessions, from another one on: all are in use at once."""
    starts = (number * len(sessions) // connections for number in range(connections))
    return [[*sessions[start:], *sessions[:start]] for start in starts]
