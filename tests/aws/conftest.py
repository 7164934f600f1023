"""Services that answer through the events of Lambda."""

from contextlib import asynccontextmanager

import httpx
import pytest

from admit import Admit
from admit.testing.http_contract import Clock, Service
from tests.aws.carried import OnLambda, Transport
from tests.cheap import cheap


@pytest.fixture
def through(tmp_path):
    """Starts a service behind a gateway of this form, for the length of a block."""

    @asynccontextmanager
    async def start(form, *, peer="127.0.0.1", stage="$default", **given):
        clock = given.pop("clock", None) or Clock()
        settings = cheap(**{"data_dir": tmp_path, **given})
        async with OnLambda(lambda: Admit(settings, clock=clock, watch=False)) as function:
            transport = Transport(function, form, peer=peer, stage=stage)
            async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
                yield Service(client, function.auth, clock)

    return start
