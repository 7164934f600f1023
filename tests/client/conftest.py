"""One issuer for all tests of a file."""

import pytest

from tests.client.issuer import issuing


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with issuing(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture
def issuer(running):
    """The issuer, on a good line."""
    yield running
    running.line.restore()
