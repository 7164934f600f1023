"""What every test shares."""

import logging
import signal
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background so, and every command under test would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "tests.memory",
    "tests.unhurried",
    "tests.measuring",
    "tests.order",
    "tests.servers",
    "tests.emulators",
    "tests.log_search",
    "tests.browser.fixtures",
]

# The suites are shipped without pytest; here their assertions say what they compared.
pytest.register_assert_rewrite("admit.testing")


@pytest.fixture(autouse=True)
def logs_as_before():
    """Leave the process's logging as it was: apps of Litestar set it up for the whole of it."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio, the loop that the server runs on."""
    return "asyncio"


@pytest.fixture
def serve(tmp_path):
    """Starts a service in this process, on a clock of its own, for the length of a block."""
    from admit import Admit
    from admit.testing.http_contract import Clock, Service
    from tests.cheap import cheap

    @asynccontextmanager
    async def start(*, store=None, counters=None, watch=True, **settings):
        clock = settings.pop("clock", None) or Clock()
        names = {"hooks", "moving", "users"} & settings.keys()
        app = {name: settings.pop(name) for name in names}
        made = cheap(**{"data_dir": tmp_path, **settings})
        auth = Admit(made, store=store, clock=clock, counters=counters, watch=watch, **app)
        transport = httpx.ASGITransport(auth.app)
        base_url = auth.settings.base_url
        async with auth, httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield Service(client, auth, clock)

    return start


@pytest.fixture
def live(tmp_path):
    """Starts a real server on a free port, for the length of a block."""
    from tests.live import served

    return partial(served, tmp_path)
