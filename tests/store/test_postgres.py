"""PostgreSQL keeps the store contract; half of every race runs in a second handle."""

from contextlib import asynccontextmanager

import pytest

from admit.stores.postgres import PostgresStore
from admit.testing.store_contract import StoreContract


@asynccontextmanager
async def opened(url):
    """Opens a store, as one process would, and closes it."""
    store = PostgresStore(url)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.usefixtures("patient_postgres")
class TestPostgreSQL(StoreContract):
    @pytest.fixture
    async def store(self, database_url):
        async with opened(database_url) as store:
            yield store

    @pytest.fixture
    async def other(self, store, database_url):
        async with opened(database_url) as other:
            yield other
