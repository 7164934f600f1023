"""What the tests of the pages share: a service with pages, asked as a browser asks."""

from contextlib import asynccontextmanager

import httpx
import pytest

from admit import Admit
from tests.cheap import cheap


def start(**settings):
    """The app with these settings, or why there is none."""
    return Admit(**settings).app


@pytest.fixture
def pages(tmp_path):
    """Serves the pages in this process for the length of a block; the engine is not started."""

    @asynccontextmanager
    async def serve(*, users=None, **settings):
        made = cheap(**{"data_dir": tmp_path, "pages": True, **settings})
        auth = Admit(made, users=users)
        transport = httpx.ASGITransport(auth.app)
        async with httpx.AsyncClient(transport=transport, base_url=made.base_url) as client:
            yield client
        await auth.close()

    return serve


@pytest.fixture
async def browser(pages):
    """Asks the pages as they are with nothing else set."""
    async with pages() as client:
        yield client
