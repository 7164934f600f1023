"""What the attacks share."""

import asyncio

import pytest

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
    """Return when the token is refused; the watch of a process tells nobody what it sees."""
    async with asyncio.timeout(PATIENCE):
        while await service.me(access_token) != 401:  # noqa: ASYNC110  see above
            await asyncio.sleep(0.01)
