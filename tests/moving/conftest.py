"""What the tests of moving share: Ada, who was signed in to the former system, and one of those."""

import time

import pytest

from admit import moving
from admit.testing import samples
from admit.testing.http_caller import Clock
from tests.moving import former

SETTINGS = {"throttle": "off", "secret": ("the secret of Admit itself, 0123456789 abcdef",)}


@pytest.fixture
def clock():
    """A clock that goes by the real time, since the libraries do, but only when a test says so."""
    return Clock(time.time())


@pytest.fixture
def ada(clock):
    user = samples.account().user
    given = {"id": former.USER_ID.hex, "created_at": clock.now, "roles": ("writer",)}
    return samples.account(user=type(user)(**{**_fields(user), **given}))


def _fields(struct):
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


@pytest.fixture
def token_of(clock):
    """A token that this system's library makes now."""

    def made(system, kind="refresh", **given):
        token = former.MAKE[system](kind, **given)
        clock.now = max(clock.now, time.time())
        return token

    return made


def reader(system, **given):
    """The reader of that system's tokens, which are taken for a year."""
    secret = former.REFRESH_SECRET if system == "Express" else former.SECRET
    usual = {"secret": secret, "until": "2100-01-31"}
    if "public_key" in given:
        del usual["secret"]
    return getattr(moving, system)(**usual | given)


@pytest.fixture
def service_for(serve, clock, ada):
    """Starts a service that takes tokens of these readers, with Ada's account."""

    def started(*readers, **given):
        return _with_ada(serve(clock=clock, moving=list(readers), **SETTINGS | given), ada)

    return started


class _with_ada:  # noqa: N801  it reads as what it does
    def __init__(self, serving, ada):
        self._serving, self._ada = serving, ada

    async def __aenter__(self):
        service = await self._serving.__aenter__()
        if await service.auth.store.find_user("id", self._ada.user.id) is None:
            event = samples.event("user_registered")
            assert await service.auth.store.add_user(self._ada, event=event) is None
        return service

    async def __aexit__(self, *error):
        return await self._serving.__aexit__(*error)
