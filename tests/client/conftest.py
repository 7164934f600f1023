"""One issuer for all tests of a file."""

import socket

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


@pytest.fixture
def free_port():
    """A port on which nobody listens: it is bound, and no more."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
