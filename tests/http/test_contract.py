"""The HTTP contract on the ASGI app: on plain http at home, on https, and on other stores.

Coverage doubles what a test costs: one of them is measured, for they run the same code; the stores
have tests of their own.
"""

from functools import partial

import pytest

from admit.testing.http_contract import HTTPContract

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_sqlite")]


class TestPlainHTTP(HTTPContract):
    pass


@pytest.mark.no_cover
class TestHTTPS(HTTPContract):
    @pytest.fixture
    def serve(self, serve):
        return partial(serve, base_url="https://auth.example.com")


@pytest.mark.no_cover
@pytest.mark.usefixtures("patient_postgres")
class TestPostgreSQL(HTTPContract):
    @pytest.fixture
    def serve(self, serve, database_url):
        return partial(serve, database_url=database_url)


@pytest.mark.no_cover
@pytest.mark.usefixtures("patient_dynamodb")
class TestDynamoDB(HTTPContract):
    @pytest.fixture
    def serve(self, serve, dynamodb_url):
        secret = ("of-thirty-two-bytes-or-more-0123456789",)
        return partial(serve, database_url=dynamodb_url, secret=secret)
