"""The HTTP contract holds word for word where the users live in the app."""

from functools import partial

import pytest

from admit.testing.http_contract import HTTPContract

pytestmark = pytest.mark.anyio


class TestOwnUsers(HTTPContract):
    @pytest.fixture
    def serve(self, serve, users):
        return partial(serve, users=users)
