"""The feed beside what goes on: polls that wait, endings that race them, knowledge that ages."""

import asyncio
import socket
import threading

import httpx
import pytest
import uvicorn

from admit import Admit, Unavailable
from admit.cli.worker import how
from admit.http import feed as module
from admit.revocation import PAGE
from admit.testing import samples
from admit.testing.http_caller import refused
from admit.testing.http_revocations import FEED, KEY, ended, feed, read, subjects

pytestmark = pytest.mark.anyio
POLL = f"{FEED}?wait=30"
PATIENCE = 25.0
"""Seconds after which what should come at once has not come, however noisy the machine."""


@pytest.fixture
async def service(serve):
    async with serve(verifier_keys=KEY, throttle="off") as service:
        await service.register()
        yield service


@pytest.fixture
def unwatched(monkeypatch):
    """Processes that look at their start, and when a test or a request says so."""
    from admit import watch

    monkeypatch.setattr(watch, "LOOK_SECONDS", 86_400.0)


async def polling(service, count=1, query="?wait=30"):
    """Polls that have begun to wait."""
    waiting = service.auth.revoked.news._waiting
    before = len(waiting)
    polls = [asyncio.create_task(read(service, query)) for _ in range(count)]
    async with asyncio.timeout(PATIENCE):
        while len(service.auth.revoked.news._waiting) < before + count:
            assert not any(poll.done() for poll in polls)
            await asyncio.sleep(0.001)
    return polls


async def test_two_hundred_who_wait_are_woken_by_one_ending(service):
    polls = await polling(service, 200)
    (session,) = await ended(service)
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*polls)
    assert [subjects(each.json()) for each in answers] == [[session]] * 200
    assert not service.auth.revoked.news._waiting


async def test_endings_that_race_the_polls_are_missed_by_none(service):
    """Each verifier follows by its cursor while sessions end: everything, once, in order."""
    expected = []

    async def end():
        for _ in range(15):
            expected.extend(await ended(service))

    async def follow():
        seen: list[str] = []
        cursor = ""
        while len(seen) < 15:
            body = await feed(service, f"?wait=30{cursor}")
            seen += subjects(body)
            cursor = f"&after={body['cursor']}"
        return seen

    async with asyncio.timeout(60):
        _, *followed = await asyncio.gather(end(), *(follow() for _ in range(5)))
    assert followed == [expected] * 5


async def test_an_ending_by_another_process_ends_the_wait(service, tmp_path):
    (poll,) = await polling(service)
    tokens = await service.sign_in()
    async with Admit(data_dir=tmp_path, clock=service.clock) as other:
        await other.sessions.sign_out(tokens["refresh_token"], now=service.clock())
        async with asyncio.timeout(PATIENCE):
            assert len((await poll).json()["revocations"]) == 1


@pytest.mark.usefixtures("unwatched")
async def test_a_process_that_is_behind_a_cursor_looks_first(service, serve):
    """A verifier that goes from one process to another loses nothing, and gets nothing twice."""
    first = await ended(service)
    async with serve(verifier_keys=KEY, throttle="off") as other:
        cursor = (await feed(service))["cursor"]
        assert (await feed(other))["cursor"] == cursor, "any process writes it the same"
        second = await ended(service)
        ahead = (await feed(service))["cursor"]
        assert subjects(await feed(other)) == first, "it has not looked"
        assert subjects(await feed(other, f"?after={ahead}")) == []
        assert subjects(await feed(other, f"?after={cursor}")) == second


async def test_a_long_feed_comes_in_pages(service):
    """A verifier that asks on until there is no more has every entry once."""
    store, clock = service.auth.store, service.clock
    lasts = {"opened_at": clock(), "expires_at": clock() + 900, "ends_at": clock() + 900}
    await samples.add(store, "bob")
    opening = (samples.opened(store, str(n), user="bob", **lasts) for n in range(PAGE + 200))
    await asyncio.gather(*opening)
    assert await service.auth.sessions.end_all("id-bob", now=clock()) == PAGE + 200
    first = await feed(service, "?wait=30")
    assert (len(first["revocations"]), first["more"]) == (PAGE, True)
    # The tag of a full page stays, whatever comes behind it: whoever holds it has not all.
    tag = (await read(service)).headers["etag"]
    assert (await read(service, "?wait=30", if_none_match=tag)).status_code == 200
    second = await feed(service, f"?wait=30&after={first['cursor']}")
    assert (len(second["revocations"]), second["more"]) == (200, False)
    assert len({*subjects(first), *subjects(second)}) == PAGE + 200


async def test_who_asks_for_a_place_too_many_is_sent_away(service, monkeypatch):
    """503 with Retry-After; without waiting it is answered, and a place that is free is given."""
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    polls = await polling(service, 3)
    refused(await read(service, "?wait=30"), 503, "unavailable")
    assert (await read(service)).status_code == 200
    await ended(service)
    await asyncio.gather(*polls)
    cursor = (await feed(service))["cursor"]
    polls = await polling(service, 3, f"?wait=30&after={cursor}")
    await ended(service)
    await asyncio.gather(*polls)


async def test_a_verifier_that_leaves_frees_its_place(live, monkeypatch):
    """Over a real connection, which is cut while the poll waits."""
    monkeypatch.setattr(module, "MOST_WAITING", 1)
    with live(verifier_keys=KEY) as server:
        asked = f"GET /auth{POLL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n"
        waiting = server.auth.revoked.news._waiting
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(asked.encode())
                await until(lambda: len(server.auth.revoked.news._waiting) == 1)
            await until(lambda: not server.auth.revoked.news._waiting)
        assert waiting is server.auth.revoked.news._waiting, "no news has come"


async def until(happens):
    async with asyncio.timeout(PATIENCE):
        while not happens():  # noqa: ASYNC110  what happens in a server tells nobody
            await asyncio.sleep(0.005)


async def test_an_engine_that_closes_answers_who_waits(service):
    (poll,) = await polling(service)
    await service.auth.close()
    async with asyncio.timeout(PATIENCE):
        assert (await poll).json()["revocations"] == []


async def test_a_server_that_is_told_to_stop_answers_who_waits(tmp_path):
    """`admit serve` speaks HTTP so: a poll of 30 seconds holds no restart up."""
    auth = Admit(data_dir=tmp_path, verifier_keys=KEY)
    served = {**how("warning", "text"), "log_config": None}
    server = uvicorn.Server(uvicorn.Config(auth.app, **served))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        await until(lambda: server.started)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/auth{POLL}"
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            asked = client.get(url, headers={"Authorization": f"Bearer {KEY}"})
            poll = asyncio.create_task(asked)
            await until(lambda: auth.revoked.news._waiting)
            server.should_exit = True
            answer = await poll
        assert answer.json()["revocations"] == []
        await asyncio.to_thread(thread.join)


@pytest.mark.usefixtures("unwatched")
async def test_a_service_that_has_not_heard_for_too_long_says_so(service):
    """In `readyz`, with how long; and the feed, once it has tried by itself and failed."""
    assert (await service.send_to_root("GET", "/readyz")).status_code == 200
    service.clock.advance(11)
    answer = await service.send_to_root("GET", "/readyz")
    refused(answer, 503, "unavailable", detail="This process last saw 11 s ago what is revoked.")
    assert (await read(service)).status_code == 200, "it has looked"
    assert (await service.send_to_root("GET", "/readyz")).status_code == 200
    service.clock.advance(11)
    await service.auth.store.close()
    refused(await read(service), 503, "unavailable")


@pytest.mark.usefixtures("unwatched")
async def test_a_clock_that_was_set_back_is_told_too(service):
    service.clock.advance(-60)
    answer = await service.send_to_root("GET", "/readyz")
    refused(answer, 503, "unavailable")
    assert "went back by 60 s" in answer.json()["detail"]


@pytest.mark.usefixtures("unwatched")
async def test_a_poll_ends_when_what_is_known_is_too_old(service, monkeypatch):
    """A verifier must not take the silence of a cut-off process for peace."""
    step = service.auth.revoked.news.wait

    async def quick(seen, *, seconds):
        assert seconds <= service.settings.revocation_max_age, "it would see it too late"
        await step(seen, seconds=seconds / 500)

    monkeypatch.setattr(service.auth.revoked.news, "wait", quick)
    (poll,) = await polling(service)
    service.clock.advance(11)
    async with asyncio.timeout(PATIENCE):
        refused(await poll, 503, "unavailable")


@pytest.mark.usefixtures("unwatched")
async def test_a_strict_service_refuses_until_it_knows_again(serve):
    async with serve(verifier_keys=KEY, revocation_strict="on") as service:
        await service.register()
        tokens = await service.sign_in()
        service.clock.advance(11)
        answer = await service.send("GET", "/me", bearer=tokens["access_token"])
        refused(answer, 503, "unavailable", retry_after=1)
        await service.auth.revoked.look(service.clock())
        assert await service.me(tokens["access_token"]) == 200


@pytest.mark.usefixtures("unwatched")
async def test_a_service_that_is_not_strict_goes_on(service):
    tokens = await service.sign_in()
    service.clock.advance(600)
    assert await service.me(tokens["access_token"]) == 200
    with pytest.raises(Unavailable):
        await service.auth.check()


@pytest.mark.usefixtures("unwatched", "patient_sqlite")
async def test_asking_ahead_a_thousand_times_is_a_look_or_two(service, monkeypatch):
    """Cursors that somebody made up don't set the store under load."""
    await ended(service)
    revoked = service.auth.revoked
    asked, looks, free = [], [], asyncio.Event()
    look, revocations = revoked._look, service.auth.store.revocations

    async def asking(now):
        asked.append(now)
        if len(asked) == 1_000:
            free.set()
        await look(now)

    async def counted(*, after, now):
        looks.append(after)
        await free.wait()
        return await revocations(after=after, now=now)

    monkeypatch.setattr(revoked, "_look", asking)  # what each begins in a task of its own
    monkeypatch.setattr(service.auth.store, "revocations", counted)
    ahead = (read(service, f"?after={number}.00000000") for number in range(1_000, 2_000))
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*ahead)
    assert {each.status_code for each in answers} == {200}
    assert len(looks) <= 2, "the first, and one that all the others share"
