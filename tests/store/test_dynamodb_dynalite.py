"""Dynalite's opinion of the rotation: it judges conditions by code of its own.

It knows no transactions, so what a test opens before it rotates is written one by one, which no
test here has to be safe against. And it shows no item where a condition failed, as DynamoDB does:
here that is read.
"""

import pytest

from admit.stores.dynamodb.table import CONDITION, TRANSACTION, ConditionFailed
from admit.testing.store_rotation import RotationContract
from tests.emulators import opened

VERBS = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}


def one_by_one(table):
    """The table, which carries a transaction out an action at a time."""
    asks = table.ask

    async def ask(operation, **parameters):
        if operation != TRANSACTION:
            return await asks(operation, **parameters)
        actions = [pair for each in parameters["TransactItems"] for pair in each.items()]
        for index, (verb, action) in enumerate(actions):
            try:
                await asks(VERBS[verb], **action)
            except ConditionFailed as failed:
                reasons = [{"Code": "None"} for _ in actions]
                reasons[index] = {"Code": CONDITION}
                response = {**failed.response, "CancellationReasons": reasons}
                raise ConditionFailed(response, operation) from None
        return {}

    table.ask = ask


@pytest.mark.anyio
@pytest.mark.no_cover  # the same code as on moto
@pytest.mark.usefixtures("patient_dynamodb")
class TestRotationOnDynalite(RotationContract):
    @pytest.fixture
    def url(self, dynalite_server, aws_credentials):
        return dynalite_server.url()

    @pytest.fixture
    async def store(self, url):
        async with opened(url, one_by_one) as store:
            yield store

    @pytest.fixture
    async def other(self, store, url):
        async with opened(url, one_by_one) as other:
            yield other
