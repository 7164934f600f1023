"""Limits that several processes share in Redis, and what is left of them while it is out."""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack

import httpx
import pytest

from admit import Admit
from admit.errors import InvalidCredentials, SettingsError, TooManyAttempts
from admit.testing.http_caller import EMAIL, PASSWORD
from tests.redis.conftest import soon

pytestmark = pytest.mark.anyio

OWNER, STRANGER = "192.0.2.1", "203.0.113.1"
PATIENCE = 20.0
"""Seconds for what must not wait for a server that hangs: that would never be over."""


async def sign_in(service, peer, password, login=EMAIL):
    transport = httpx.ASGITransport(service.auth.app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        body = {"login": login, "password": password, "delivery": "body"}
        return (await client.post("/auth/login", json=body)).status_code


async def readyz(service):
    answer = await service.send_to_root("GET", "/readyz")
    assert answer.status_code == 200
    return answer.json()


async def kinds(service):
    """What the trail has of Redis, asked for by kind: an answer has only the newest events."""
    store = service.auth.store
    found = [await store.events(kind=kind) for kind in ("limits_degraded", "limits_restored")]
    return [(each.kind, each.reason) for events in found for each in events]


async def eventually(look, wanted):
    """What is there as soon as it is as wanted, or after a while."""
    there = await look()
    for _ in range(400):
        if there == wanted:
            break
        await asyncio.sleep(0.05)
        there = await look()
    return there


@pytest.mark.usefixtures("patient")
async def test_processes_count_together(two_processes):
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(each) for each in two_processes()]
        await one.register()
        guesses = [sign_in((one, other)[n % 2], STRANGER, f"guess {n}") for n in range(24)]
        assert sorted(await asyncio.gather(*guesses)) == [401] * 5 + [429] * 19
        assert await sign_in(other, STRANGER, PASSWORD) == 429
        assert await sign_in(other, OWNER, PASSWORD) == 200


class Load:
    """A guesser and an owner at each of some services, who never pause."""

    def __init__(self, services):
        self._services = services
        self.tried, self.welcomed = [], []

    async def __aenter__(self):
        self._tasks = [
            asyncio.create_task(each(one))
            for one in self._services
            for each in (self._guesses, self._signs_in)
        ]
        return self

    async def __aexit__(self, *_):
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in outcomes), outcomes

    async def more(self):
        """Let some more of both pass."""
        tried, welcomed = len(self.tried), len(self.welcomed)
        await soon(lambda: len(self.tried) > tried + 10 and len(self.welcomed) > welcomed + 10)

    async def _guesses(self, service):
        while True:
            self.tried.append(await sign_in(service, STRANGER, "guess"))
            await asyncio.sleep(0.01)

    async def _signs_in(self, service):
        while True:
            self.welcomed.append(await sign_in(service, OWNER, PASSWORD))


def questions(service, monkeypatch):
    """What attempts ask Redis from now on: for each question, whether it was known to be out.

    An attempt that asks waits half a second at most; one that does not waits for nothing.
    """
    (circuit,) = service.auth.counters._shared
    asked = []

    def counted(name):
        verb = getattr(circuit.storage, name)

        async def ask(what, **more):
            places = getattr(what, "places", what)
            if not places[0].key.startswith("probe:"):
                asked.append(circuit.out)
            return await verb(what, **more)

        return ask

    for name in ("take", "give_back"):
        monkeypatch.setattr(circuit.storage, name, counted(name))
    return asked


@pytest.mark.usefixtures("patient")
async def test_stopped_and_started_under_load_it_limits_and_works_all_the_time(
    two_processes, redis_server, caplog, monkeypatch
):
    """The clock stands still, so no window ends."""
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(each) for each in two_processes()]
        await services[0].register()
        asked = [questions(each, monkeypatch) for each in services]
        async with Load(services) as load:
            await soon(lambda: load.tried.count(401) == 5)  # the last of them may be hashed long
            await load.more()
            assert load.tried.count(401) == 5
            assert await readyz(services[0]) == {"status": "ok"}

            redis_server.stop()
            await load.more()
            degraded = {"status": "ok", "degraded": ["redis"]}
            assert [await readyz(each) for each in services] == [degraded] * 2
            assert load.tried.count(401) <= 10  # five each, with what each had counted before
            gone = [("limits_degraded", "redis")] * 2  # within a second: it is looked for so often
            assert await eventually(lambda: kinds(services[0]), gone) == gone

            redis_server.start()
            await soon(lambda: not any(each.auth.degraded for each in services))
            await load.more()
        assert load.tried.count(401) <= 10
        assert set(load.tried) == {401, 429}
        assert set(load.welcomed) == {200}
        assert [sum(each) for each in asked] == [0, 0]  # while it is out, nobody asks it
        assert all(asked)
        others = [sign_in(services[n % 2], "203.0.113.9", "guess", "bob") for n in range(20)]
        assert (await asyncio.gather(*others)).count(401) == 5
        told = sorted([("limits_degraded", "redis"), ("limits_restored", "redis")] * 2)
        assert await eventually(lambda: kinds(services[0]), told) == told
    said = [each.getMessage() for each in caplog.records if each.name == "admit.counters"]
    assert len([each for each in said if " is out (" in each]) == 2
    assert len([each for each in said if " is back: " in each]) == 2
    assert not [each for each in caplog.records if each.levelno > logging.WARNING]


@pytest.mark.usefixtures("patient")
async def test_a_redis_that_hangs_is_waited_for_once_and_then_left_alone(
    serve, redis_server, monkeypatch
):
    """That it is looked for each second, and found again, others show: here nobody looks."""
    monkeypatch.setattr("admit.counters.shared.LOOK_SECONDS", 86_400.0)
    async with serve(redis_url=redis_server.url) as service:
        throttle, asked = service.auth.throttle, questions(service, monkeypatch)

        async def attempt():
            async with asyncio.timeout(PATIENCE), throttle.sign_in("ada", OWNER):
                pass

        await attempt()
        assert asked == [False] * 2  # for its place, and to give it back
        asked.clear()
        redis_server.process.send_signal(signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr("admit.redis.connections.PATIENCE", 0.5)
            await attempt()
        assert service.auth.degraded == ["redis"]
        assert asked == [False]
        for _ in range(50):
            await attempt()
        assert asked == [False]
        redis_server.process.send_signal(signal.SIGCONT)
        (circuit,) = service.auth.counters._shared
        async with asyncio.timeout(PATIENCE):
            while circuit.out:
                await circuit.look()
        await attempt()
        assert not service.auth.degraded
        assert asked == [False] * 3


async def test_after_a_time_out_nobody_gets_the_answer_to_another_ones_question(
    serve, redis_server
):
    async with serve(redis_url=redis_server.url) as service:
        counters = service.auth.counters
        (circuit,) = counters._shared
        for round_ in range(3):
            redis_server.process.send_signal(signal.SIGSTOP)
            await circuit.look()
            assert circuit.out
            redis_server.process.send_signal(signal.SIGCONT)
            await soon(lambda: not circuit.out)
            for _ in range(5):
                with pytest.raises(InvalidCredentials):
                    async with service.auth.throttle.password_change(f"user {round_}"):
                        raise InvalidCredentials
            with pytest.raises(TooManyAttempts):
                async with service.auth.throttle.password_change(f"user {round_}"):
                    raise AssertionError


async def test_it_starts_and_signs_in_without_redis(serve, redis_server):
    redis_server.stop()
    async with serve(redis_url=redis_server.url) as service:
        await service.register()
        assert [await sign_in(service, STRANGER, "guess") for _ in range(7)] == [401] * 5 + [
            429
        ] * 2
        assert await sign_in(service, OWNER, PASSWORD) == 200
        assert await readyz(service) == {"status": "ok", "degraded": ["redis"]}


@pytest.mark.usefixtures("patient")
async def test_a_redis_that_answers_but_does_not_count_is_out(serve, redis_server):
    """One that is full, say, still answers PING."""
    assert redis_server.command("CONFIG", "SET", "maxmemory", "1") == "+OK"
    async with serve(redis_url=redis_server.url) as service:
        await service.register()
        await soon(lambda: service.auth.degraded == ["redis"])
        assert await sign_in(service, OWNER, PASSWORD) == 200
        assert redis_server.command("CONFIG", "SET", "maxmemory", "0") == "+OK"
        await soon(lambda: not service.auth.degraded)


async def test_a_genuine_refresh_asks_redis_nothing(serve, redis_server, monkeypatch):
    monkeypatch.setattr("admit.counters.shared.LOOK_SECONDS", 86_400.0)
    async with serve(redis_url=redis_server.url) as service:
        await service.register()
        token = (await service.sign_in())["refresh_token"]
        asked = scripts_run(redis_server)
        for _ in range(20):
            token = (await service.refresh(token)).json()["refresh_token"]
        assert scripts_run(redis_server) == asked


def scripts_run(redis_server):
    said = redis_server.command("INFO", "commandstats")
    calls = [line for line in said.splitlines() if line.startswith("cmdstat_evalsha:")]
    return int(calls[0].partition("calls=")[2].partition(",")[0]) if calls else 0


@pytest.mark.usefixtures("patient")
async def test_refused_refreshes_are_counted_together(two_processes):
    """Each process learns at its next refusal that the limit is reached: one more from each."""
    async with AsyncExitStack() as stack:
        settings = {"throttle_refresh": "10/minute"}
        one, other = [await stack.enter_async_context(each) for each in two_processes(**settings)]
        statuses = [(await (one, other)[n % 2].refresh("a.b.c")).status_code for n in range(30)]
        assert 10 <= statuses.count(401) <= 11
        assert statuses[12:] == [429] * 18


@pytest.mark.usefixtures("patient")
async def test_keys_in_redis_tell_nobodys_login_and_all_of_them_expire(serve, redis_server):
    async with serve(redis_url=redis_server.url) as service:
        await service.register()
        await sign_in(service, STRANGER, "guess")
        await service.refresh("a.b.c")
        held = redis_server.command("KEYS", "*").splitlines()[2::2]
        assert len(held) >= 6
        for key in held:
            assert key.startswith("admit:")
            assert EMAIL not in key
            assert int(redis_server.command("PTTL", key).removeprefix(":")) > 0


@pytest.mark.usefixtures("patient")
async def test_two_issuers_on_one_redis_do_not_share_their_limits(serve, redis_server, tmp_path):
    settings = {"redis_url": redis_server.url, "throttle_login": "1/hour"}
    for name in ("one", "two"):
        url = f"https://{name}.example"
        async with serve(base_url=url, data_dir=tmp_path / name, **settings) as service:
            with pytest.raises(InvalidCredentials):
                async with service.auth.throttle.sign_in("ada", OWNER):
                    raise InvalidCredentials


@pytest.mark.usefixtures("patient")
def test_one_engine_counts_in_loop_after_loop(redis_server, tmp_path):
    auth = Admit(data_dir=tmp_path, redis_url=redis_server.url, throttle_login="3/hour")

    async def guess():
        async with auth:
            with pytest.raises(InvalidCredentials):
                async with auth.throttle.sign_in("ada", OWNER):
                    raise InvalidCredentials
            assert not auth.degraded

    for _ in range(3):
        asyncio.run(guess())


def test_a_url_that_redis_py_cannot_read_stops_the_start(tmp_path):
    for url in ("redis://:hidden@h?db=x", "redis://:hidden@h?nonsense=1"):
        with pytest.raises(SettingsError, match="ADMIT_REDIS_URL") as raised:
            Admit(data_dir=tmp_path, redis_url=url)
        assert "hidden" not in str(raised.value)


def test_without_the_library_the_start_says_what_to_install(tmp_path, monkeypatch):
    import sys

    for name in [each for each in sys.modules if each.startswith("admit.redis")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(SettingsError, match=r"pip install 'admit\[redis\]'"):
        Admit(data_dir=tmp_path, redis_url="redis://localhost")


def test_without_redis_url_nothing_of_redis_is_loaded(tmp_path):
    import subprocess
    import sys

    code = "import sys; from admit import Admit; Admit(); sys.exit('redis' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
