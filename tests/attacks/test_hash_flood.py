"""More passwords than can be hashed: 503 for those, while everybody else goes on undisturbed."""

import asyncio
import threading
from contextlib import asynccontextmanager
from functools import partial

import pytest

from admit.testing.http_caller import EMAIL, PASSWORD, refused

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def flooded(service):
    """Every core hashes and the queue is full; not for ever, so that a broken limit shows."""
    passwords = service.auth.passwords
    release = threading.Event()
    hashing = partial(release.wait, 30)
    busy = [asyncio.ensure_future(passwords._run(hashing)) for _ in range(passwords._most)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        release.set()
        await asyncio.gather(*busy)


async def test_past_the_queue_is_503_while_refreshing_and_verifying_go_on(serve):
    """Then the queue empties, and sign-in works again."""
    async with serve(hash_queue=1, throttle="off") as service:
        await service.register()
        tokens = await service.sign_in()
        async with flooded(service):
            body = {"login": EMAIL, "password": PASSWORD}
            for path, sent in (
                ("/login", body),
                ("/login", {**body, "login": "unknown"}),
                ("/register", {"email": "bob@example.com", "password": PASSWORD}),
            ):
                answer = await service.send("POST", path, json=sent)
                refused(answer, 503, "unavailable")
            change = {"current_password": PASSWORD, "new_password": "another horse battery"}
            bearer = tokens["access_token"]
            answer = await service.send("POST", "/password", bearer=bearer, json=change)
            refused(answer, 503, "unavailable")
            for _ in range(20):
                answer = await service.refresh(tokens["refresh_token"])
                assert answer.status_code == 200
                tokens = answer.json()
                assert await service.me(tokens["access_token"]) == 200
            assert (await service.send_to_root("GET", "/readyz")).status_code == 200
        await service.sign_in()


async def test_what_was_turned_away_is_no_failed_attempt(serve):
    """Or a flood would lock the owner out."""
    async with serve(hash_queue=0, throttle_login="2/minute") as service:
        await service.register()
        async with flooded(service):
            for _ in range(5):
                body = {"login": EMAIL, "password": "wrong one"}
                refused(await service.send("POST", "/login", json=body), 503, "unavailable")
        await service.sign_in()


async def test_the_longest_password_costs_no_more_than_its_hash(service):
    """What can't be a password of ours is refused before it is hashed, where that tells nothing."""
    await service.register()
    for body in (
        {"login": EMAIL, "password": "x" * 1_025},
        {"login": "x" * 321, "password": PASSWORD},
    ):
        refused(await service.send("POST", "/login", json=body), 422, "invalid_input")
