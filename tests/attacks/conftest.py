"""What the attacks share."""

import pytest


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
