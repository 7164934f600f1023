"""DynamoDB keeps the store contract, spoken to as a function of Lambda speaks to it."""

import pytest

from admit.stores.dynamodb.wire import IN_LAMBDA, Wire
from admit.testing.store_contract import StoreContract
from tests.store.test_dynamodb import opened


@pytest.mark.usefixtures("patient_dynamodb")
class TestDynamoDBInLambda(StoreContract):
    @pytest.fixture
    async def store(self, dynamodb_url, monkeypatch):
        monkeypatch.setenv(IN_LAMBDA, "127.0.0.1:9001")
        async with opened(dynamodb_url) as store:
            assert isinstance(store.table._hands._client, Wire)
            yield store

    @pytest.fixture
    async def other(self, store, dynamodb_url):
        async with opened(dynamodb_url) as other:
            yield other
