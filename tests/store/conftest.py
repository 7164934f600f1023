"""What the tests of stores share."""

from contextlib import asynccontextmanager

import pytest

from admit.stores.sqlite import SQLiteStore

pytest.register_assert_rewrite("admit.testing")  # or a failed assertion shows no values


@pytest.fixture
def opened():
    """Opens a store on a file, as one process would, and closes it."""
    return _opened


@pytest.fixture
async def store(tmp_path):
    async with _opened(tmp_path / "admit.db") as store:
        yield store


@asynccontextmanager
async def _opened(path):
    store = SQLiteStore(f"sqlite:///{path}")
    await store.start()
    try:
        yield store
    finally:
        await store.close()
