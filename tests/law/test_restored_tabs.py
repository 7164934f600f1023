"""A browser opens all its tabs at once on a slow line, with plain cookies, and stays signed in.

Requests and `Set-Cookie`s overtake each other, several deep: grandparents arrive, and the jar falls
back to what it held before. Under a law by which a token does not rest, that is theft.
"""

import asyncio
import random

import pytest

from admit import rotation, sessions
from admit.engine import Engine
from admit.errors import RefreshRefused
from admit.settings import Settings
from admit.testing import samples
from admit.testing.samples import NOW
from tests.law.tabs import Tab, restore

BROWSERS = 100
TABS = 20
LATEST = 3.25
"""The longest way, in seconds: there and twice back take less than the leeway together."""
COMES_BACK = (0.0, 1.0, 8.0, 10.0, 11.0, 900.0)

pytestmark = pytest.mark.no_cover  # thousands of times the same


def tabs_of(dice, *, over, mean):
    """Tabs that begin within `over` seconds, whose ways take `mean` seconds."""

    def way():
        return min(dice.expovariate(1 / mean), LATEST)

    return [Tab(dice.uniform(0, over), way(), way()) for _ in range(TABS)]


def signed_out(directory, *, over, mean):
    """How many of the browsers lose their session, at once or when they come back."""
    lost = 0
    settings = Settings(data_dir=directory, secret=("the restored tabs' own " * 2,), throttle=False)
    with asyncio.Runner() as runner:
        engine = Engine(settings, clock=lambda: NOW)
        runner.run(engine.start())
        runner.run(samples.add(engine.store, "ada"))

        def present(tokens, at):
            return runner.run(engine.sessions.refresh(tokens.refresh_token, now=at))

        for number in range(BROWSERS):
            dice = random.Random(number)
            held = runner.run(engine.sessions.open(samples.account(), now=NOW))
            now = NOW + 900
            try:
                for later in dice.sample(COMES_BACK, 2):
                    tabs = tabs_of(dice, over=over, mean=mean)
                    held = restore(tabs, held, present, begun=now)
                    now += max(each.begins + each.there + each.back for each in tabs) + later
                present(held, now)
            except RefreshRefused:
                lost += 1
        runner.run(engine.close())
    return lost


@pytest.mark.parametrize(("over", "mean"), [(3, 0.1), (30, 2.0)])
def test_of_100_browsers_with_20_tabs_none_is_signed_out(tmp_path, over, mean):
    """Twice in a row, and whenever each of them comes back."""
    assert signed_out(tmp_path, over=over, mean=mean) == 0


def test_without_rest_most_of_them_are(tmp_path, monkeypatch):
    """The same browsers under the law as it was: the rest is what keeps them."""

    def no_rest(_generation, *, now, leeway):
        assert leeway
        return now, now

    for module in (rotation, sessions):
        monkeypatch.setattr(module, "rest", no_rest)
    assert signed_out(tmp_path, over=3, mean=0.1) > BROWSERS / 2
