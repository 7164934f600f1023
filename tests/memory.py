"""Where the tests' data lies: in memory where there is room, since hardly a test is about a disk.

Each commit waits for the disk, and there are tens of thousands of them. What is large, or shows
what a disk does, takes `on_disk`; `FAULTS=long` measures on the disk, too.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
"""What has to be free there, in bytes: several times what all the tests leave."""
PREFIX = "admit-tests-"


def memory():
    """A directory in memory with room for the tests' data; None where that goes to the disk."""
    if os.environ.get("FAULTS") == "long":
        return None
    try:
        roomy = shutil.disk_usage(SHARED_MEMORY).free > ROOM
    except OSError:  # there is none
        return None
    return SHARED_MEMORY if roomy and os.access(SHARED_MEMORY, os.W_OK | os.X_OK) else None


@pytest.hookimpl(tryfirst=True)  # before pytest takes a place by itself
def pytest_configure(config):
    """Give this run a directory of its own in memory, unless it was given one."""
    here = memory()
    if here is not None and not config.option.basetemp:
        _clear(here)
        config.option.basetemp = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=here)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Leave nothing in memory but what a failure may be found out from, until the next run."""
    made = Path(session.config.option.basetemp or "")
    if made.name.startswith(PREFIX) and not session.testsfailed:
        shutil.rmtree(made, ignore_errors=True)


def _clear(here):
    """Remove what runs that are over left behind."""
    for left in here.glob(f"{PREFIX}*"):
        pid = left.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)


@pytest.fixture(scope="module")
def on_disk():
    """A directory on the disk."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
        yield Path(directory)
