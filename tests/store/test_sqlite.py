"""The embedded store keeps the store contract; half of every race runs in a second handle."""

import pytest

from admit.testing.store_contract import StoreContract


@pytest.mark.usefixtures("patient_sqlite")
class TestSQLite(StoreContract):
    @pytest.fixture
    async def other(self, store, opened):
        async with opened(store.path) as other:
            yield other
