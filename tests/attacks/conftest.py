"""What the attacks share."""

import asyncio

import pytest

from admit import InvalidToken

PATIENCE = 20.0
"""Seconds after which what another process did is not seen, however noisy the machine."""


@pytest.fixture
async def service(serve):
    """A service as it is by default."""
    async with serve() as service:
        yield service


@pytest.fixture
async def unthrottled(serve):
    """A service that lets everybody try as often as they like."""
    async with serve(throttle="off") as service:
        yield service


async def refused_soon(service, access_token):
    """Return when the process refuses the token by what it knows, without a look at the store."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                service.auth.verify(access_token)
            except InvalidToken:
                return
            await asyncio.sleep(0.01)  # the watch tells nobody what it sees
