"""DynamoDB keeps the store contract; half of every race runs in a second handle."""

from contextlib import asynccontextmanager

import pytest

from admit.stores.dynamodb import DynamoDBStore
from admit.testing.store_contract import StoreContract


@asynccontextmanager
async def opened(url):
    """Opens a store, as one process would, and closes it."""
    store = DynamoDBStore(url)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.usefixtures("patient_dynamodb")
class TestDynamoDB(StoreContract):
    @pytest.fixture
    async def store(self, dynamodb_url):
        async with opened(dynamodb_url) as store:
            yield store

    @pytest.fixture
    async def other(self, store, dynamodb_url):
        async with opened(dynamodb_url) as other:
            yield other
