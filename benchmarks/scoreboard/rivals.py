"""Which row of a peer stands against which row of ours, and who is ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.scoreboard.results import ADMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.scoreboard.results import Comparison, Row


@dataclass(frozen=True)
class Pair:
    """One row of ours beside one of a peer, of things that are as alike as there are."""

    ours: Row
    peer: Row
    higher: bool

    @property
    def peer_is_ahead(self) -> bool:
        ours, peer = self.ours.spread.median, self.peer.spread.median
        return peer > ours if self.higher else peer < ours

    @property
    def level(self) -> bool:
        return self.ours.spread.median == self.peer.spread.median

    @property
    def factor(self) -> float | None:
        """How many times the smaller median the larger is; None where that says nothing."""
        small, large = sorted((self.ours.spread.median, self.peer.spread.median))
        return large / small if small > 0 else None

    @property
    def overlap(self) -> bool:
        """Whether a round of the one came out like a round of the other."""
        return self.ours.spread.overlaps(self.peer.spread)


class Ahead(NamedTuple):
    """A figure in which a peer is better than Admit, in words."""

    where: str
    who: str
    theirs: str
    ours: str
    by: str


class Lead(NamedTuple):
    """One figure in which a peer is better, in one of several places; `folded` has them in one."""

    what: str
    place: str
    who: str
    theirs: str
    ours: str
    overlap: bool = False
    """Whether a round of the one came out like a round of the other."""


def folded(found: Iterable[Lead], where: str) -> list[Ahead]:
    """All places of a figure in which the same peer is better, in one.

    Arguments:
        where: in which `{place}` stands for the places, and `{what}` for the figure.
    """
    alike: dict[tuple[str, str], list[Lead]] = {}
    for each in found:
        alike.setdefault((each.what, each.who), []).append(each)
    return [_together(each, where) for each in alike.values()]


def _together(alike: Sequence[Lead], where: str) -> Ahead:
    place, theirs, ours = (
        "; ".join(getattr(each, name) for each in alike) for name in ("place", "theirs", "ours")
    )
    one = alike[0]
    return Ahead(where.format(place=place, what=one.what), one.who, theirs, ours, _where(alike))


def _where(alike: Sequence[Lead]) -> str:
    """In which of the places the rounds overlap."""
    found = [each.place for each in alike if each.overlap]
    if not found:
        return ""
    told = "the rounds overlap"
    return told if len(found) == len(alike) else f"{told} at {'; '.join(found)}"


def pairs(comparison: Comparison) -> list[Pair]:
    """Each measured row of a peer, beside ours."""
    higher = comparison.better == "higher"
    ours = [row for row in comparison.measured if row.system == ADMIT]
    peers = [row for row in comparison.measured if row.system != ADMIT]
    return [Pair(nearest(peer, ours, higher=higher), peer, higher) for peer in peers if ours]


def nearest(peer: Row, ours: Sequence[Row], *, higher: bool) -> Row:
    """The row of ours that is most alike in what was done.

    Where several are, it is the one that does us least credit.
    """
    sign = 1 if higher else -1
    return max(ours, key=lambda row: (_alike(row.what, peer.what), -sign * row.spread.median))


def _alike(one: str, other: str) -> int:
    """How many of the parts between commas are in both."""
    return len({*one.split(", ")} & {*other.split(", ")})
