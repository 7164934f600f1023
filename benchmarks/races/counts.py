"""What is counted, in one trial and over all of a scenario."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class Counts:
    """Of trials, but for `errors`, which are answers."""

    false_sign_outs: int = 0
    """An honest client can't go on; or the owner can't, and a thief can."""
    refused: int = 0
    """An honest request was refused, and its client can go on all the same."""
    thieves_unnoticed: int = 0
    """A thief can go on, and the owner was never refused anything."""
    thieves_in: int = 0
    """A thief can go on, whether or not the owner could have noticed."""
    thieves_in_window: int = 0
    """A thief got in again and again within the grace, and was caught after."""
    outlived: int = 0
    """A session goes on after its sign-out, or after the change of password that should end it."""
    not_concerned_ended: int = 0
    """A session on another device ended."""
    forks: int = 0
    """Two tokens of one session live side by side."""
    errors: int = 0
    """Answers of 429 or 500 and above, and connections that ended without one."""


def total(counts: Iterable[Counts]) -> Counts:
    added = Counts()
    for each in counts:
        for name in (field.name for field in fields(Counts)):
            setattr(added, name, getattr(added, name) + getattr(each, name))
    return added
