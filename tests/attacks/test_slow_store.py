"""A store so slow that a request has no time left: it gives nothing away."""

import asyncio

import pytest

from admit.stores import patience
from admit.testing.http_caller import EMAIL, refused

pytestmark = pytest.mark.anyio


def takes_all_the_time(verb):
    """The verb, after which its request has nothing left."""

    async def slow(*given, **named):
        found = await verb(*given, **named)
        current = patience._current.get()
        assert current is not None
        current.left = 0.0
        return found

    return slow


async def test_a_thief_is_caught_though_the_rotation_took_all_the_time(
    serve, either_store, monkeypatch
):
    """The answer is 503; the session is ended all the same."""
    async with serve(store=either_store) as service:
        await service.register()
        stolen = (await service.sign_in())["refresh_token"]
        assert (await service.refresh(stolen)).status_code == 200
        service.clock.advance(60)
        store = service.auth.sessions._store
        monkeypatch.setattr(store, "rotate", takes_all_the_time(store.rotate), raising=False)
        refused(await service.refresh(stolen), 503, "unavailable")
        monkeypatch.undo()
        await asyncio.gather(*patience._apart)
        (line,) = await service.auth.store.events(kind="reuse_detected")
        assert (await store.find_session(line.session_id)).ended_because == "reuse_detected"


@pytest.mark.parametrize("path", ["/login", "/password"])
async def test_a_guess_that_cannot_be_written_down_is_counted(serve, monkeypatch, path):
    """Or a slow store would give guesses away, and how long it takes tells the right one."""
    async with serve() as service:
        await service.register()
        bearer = {"authorization": f"Bearer {(await service.sign_in())['access_token']}"}
        passwords = service.auth.passwords
        monkeypatch.setattr(passwords, "verify", takes_all_the_time(passwords.verify))
        wrong = {
            "/login": {"login": EMAIL, "password": "a wrong one"},
            "/password": {"current_password": "a wrong one", "new_password": "seven pale lanterns"},
        }
        answers = [
            (await service.send("POST", path, json=wrong[path], headers=bearer)).status_code
            for _ in range(200)
        ]
        assert answers[0] == 503
        assert answers[-1] == 429
