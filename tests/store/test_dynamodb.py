"""DynamoDB keeps the store contract; half of every race runs in a second handle."""

import pytest

from admit.testing.store_contract import StoreContract
from tests.emulators import opened


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
