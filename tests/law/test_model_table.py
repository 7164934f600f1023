"""The table of docs/model/law.pml against the code, line by line: the model can't drift from it.

spin prints what the model says of every small state of the row and every small request. The judge
says the same, and a real store writes the same.
"""

import asyncio
import re
from dataclasses import dataclass

import pytest

from admit.rotation import judge, rest
from admit.settings import SKEW
from admit.stores.sqlite import SQLiteStore
from admit.testing import samples
from admit.testing.samples import NOW
from tests.law.spin import MODELS, run, tools

TICK = SKEW / 4
"""Seconds: the model's clocks differ by four ticks, and its leeway is four, or none."""
LINE = re.compile(r"(\d) \| (\d) (-?\d) (\d) (\d) (\d) (\d) \| (\d) (\d) \| (\d) \| (\w+)")
KEYS = (None, b"k" * 16, b"o" * 16)
WORDS = {"repeats": "repeat", "over": "signed_out"}
"""Where the model has another word than the code; it ends a session for one reason."""

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]  # thousands of times the same


@dataclass
class Line:
    """A state of the row, a request, and what the model says of them."""

    number: int
    leeway: float
    row: tuple[int, ...]
    generation: int
    retry_key: bytes | None
    moves: bool
    verdict: str

    @property
    def session(self):
        """The row as the code knows it; None where there is none."""
        generation, age, key, there, ended, late = self.row
        if not there:
            return None
        return samples.session(
            str(self.number),
            generation=generation,
            rotated_at=NOW - age * TICK,
            retry_key=KEYS[key],
            opened_at=NOW - 900,
            expires_at=NOW if late else NOW + TICK,
            ended_at=NOW - TICK if ended else None,
            ended_because="signed_out" if ended else None,
        )

    def judged(self):
        return judge(
            self.session,
            generation=self.generation,
            retry_key=self.retry_key,
            now=NOW,
            leeway=self.leeway,
        )

    async def rotated(self, store):
        """What the store says: whether it wrote, and the row as it then stands."""
        found = await store.rotate(
            samples.session(str(self.number)).id,
            generation=self.generation,
            retry_key=self.retry_key,
            deadline=samples.IDLE,
            now=NOW,
            rest=rest(self.generation, now=NOW, leeway=self.leeway),
        )
        return (found.won, found.session) if found else (False, None)

    def expected(self):
        """What `rotated` has to be by the model."""
        if not self.moves:
            return False, self.session
        moved = samples.session(
            str(self.number),
            generation=self.generation + 1,
            rotated_at=NOW,
            retry_key=self.retry_key,
            opened_at=NOW - 900,
            expires_at=samples.IDLE,
        )
        return True, moved


@pytest.fixture(scope="module")
def lines():
    tools()
    found = LINE.findall(run("spin", "-T", MODELS / "table.pml"))
    return [line(number, *each) for number, each in enumerate(found)]


def line(number, leeway, *values):
    *state, moves, verdict = values
    *row, generation, key = map(int, state)
    return Line(
        number=number,
        leeway=int(leeway) * TICK,
        row=tuple(row),
        generation=generation,
        retry_key=KEYS[key],
        moves=moves == "1",
        verdict=WORDS.get(verdict, verdict),
    )


def test_the_model_speaks_of_every_verdict(lines):
    rows, requests, leeways = 4 * 11 * 3 * 2 * 2, 4 * 2, 2

    assert len(lines) == leeways * (rows + 1) * requests
    assert {each.verdict for each in lines} == {
        "repeat",
        "inconsistent",
        "unknown",
        "expired",
        "signed_out",
        "reuse_detected",
    }


def test_the_judge_says_what_the_model_says(lines):
    differ = [each for each in lines if each.judged() != each.verdict]

    assert differ == []


def test_what_the_model_calls_a_contradiction_the_write_wins(lines):
    """As long as both are one step: so nobody is told to try again."""
    assert {each.moves for each in lines if each.verdict == "inconsistent"} == {True}
    assert {each.verdict for each in lines if each.moves} == {"inconsistent"}


async def test_the_store_writes_where_the_model_moves(lines, tmp_path):
    store = SQLiteStore(f"sqlite:///{tmp_path / 'admit.db'}")
    await store.start()
    account = samples.account()
    assert await store.add_user(account, event=samples.event("user_registered")) is None
    opened = [
        store.open_session(
            each.session,
            password_version=account.password_version,
            event=samples.event("signed_in"),
            replaces=None,
        )
        for each in lines
        if each.session
    ]
    assert all(await asyncio.gather(*opened))

    found = await asyncio.gather(*(each.rotated(store) for each in lines))

    await store.close()
    differ = [each for each, got in zip(lines, found, strict=True) if got != each.expected()]
    assert differ == []
