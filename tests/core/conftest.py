"""What the tests of the core share: an engine on the real store, and a clock that is handed in."""

import pytest

from admit.engine import Engine
from admit.settings import Settings
from admit.testing import samples

SECRET = "one secret of the tests, 0123456789 abcdef"
FORMER = "the former secret of the tests 9876543210"


class Clock:
    """The time, which passes when a test says so."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now

    def passes(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def process(tmp_path, clock):
    """Makes an engine on this test's data, as one more process would."""

    def made(*, secret=(SECRET,), **given):
        given = {"data_dir": tmp_path, "throttle": False} | given
        return Engine(Settings(secret=secret, **given), clock=clock)

    return made


@pytest.fixture
async def engine(process):
    async with process() as engine:
        yield engine


@pytest.fixture
async def ada(engine):
    """An account that needs no password."""
    account = samples.account()
    assert await engine.store.add_user(account, event=samples.event("user_registered")) is None
    return account
