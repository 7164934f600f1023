"""An issuer that says what a test wants, the time, and a verifier of that issuer."""

import pytest

from tests.verifier.scripted import Time, scripted, verifier


@pytest.fixture
def issuer():
    with scripted() as issuer:
        yield issuer


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def verify(issuer, time):
    with verifier(issuer.url, time.clocks) as made:
        yield made.verify
