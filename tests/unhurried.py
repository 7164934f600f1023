"""However slow this machine is, nobody gives up: how long the product waits is no part of a test.

A machine that stands still for two seconds in the wrong moment answers 503, as it should, and would
fail a test of something else. What shows a bound is marked `hurried`, or sets that bound by itself.
"""

from importlib import import_module

import httpx
import pytest

SECONDS = 60.0
"""Nothing takes that long but what hangs."""
BOUNDS = {
    "admit.stores.patience": ("SECONDS",),
    "admit.stores.postgres.connections": ("WAIT_SECONDS",),
    "admit.life": ("START_SECONDS", "SLOW_START_SECONDS", "UNDER_WAY_SECONDS"),
    "admit.hooks.running": ("CLAIMS_SECONDS",),
    "admit.moving.taking": ("ASK_SECONDS",),
    "admit.frameworks.bridge": ("QUIET_SECONDS", "CLOSE_SECONDS"),
    "admit.forks": ("GONE_SECONDS",),
    "admit.verifier.issuer": ("SECONDS", "PATIENT_SECONDS"),
    "admit.verifier.service": ("FIRST_SECONDS",),
}
"""After how long something is given up, by the module that looks there."""


def pytest_configure():
    """A test's own requests wait as long; fixtures of modules send some, so it is for all time."""
    for part in ("connect", "read", "write", "pool"):
        setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, part, SECONDS)


def wait_long(patch):
    """Let nobody give up in this process, neither the product nor PostgreSQL.

    Arguments:
        patch: sets an attribute and knows how to take it back, a `pytest.MonkeyPatch`.
    """
    for module, names in BOUNDS.items():
        for name in names:
            patch.setattr(import_module(module), name, SECONDS)
    wait_long_for_postgresql(patch)


def wait_long_for_postgresql(patch):
    """Let neither a lock, nor a statement, nor a pause within a transaction be ended by it."""
    from admit.stores.postgres import connections

    session = connections.SESSION
    for limit in (connections.STATEMENT_MS, connections.LOCK_MS, connections.IDLE_MS):
        session = session.replace(f"'{limit}'", f"'{SECONDS * 1000:.0f}'")
    patch.setattr(connections, "SESSION", session)
    patch.setitem(connections.PARAMETERS, "connect_timeout", int(SECONDS))


@pytest.fixture(autouse=True)
def unhurried(request):
    """Nobody gives up, where the test is not marked `hurried`."""
    if request.node.get_closest_marker("hurried"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:  # a test may undo what it patched itself
        wait_long(patch)
        yield
