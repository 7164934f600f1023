"""Hooks: what an app adds to its tokens and hears of, and that nothing it does breaks a sign-in."""

import asyncio
import functools
import json
import logging
import threading
import time
from typing import Any

import msgspec
import pytest

from admit import Admit, Hooks, InvalidToken, SettingsError
from admit.errors import AlreadyExists, InvalidCredentials, RefreshRefused, Unavailable
from admit.hooks import running
from admit.hooks.claims import RESERVED
from admit.model import Origin
from admit.stores import patience
from tests.cheap import cheap
from tests.core.conftest import SECRET

pytestmark = pytest.mark.anyio
LOGIN, PASSWORD = "mara@example.com", "seven pale lanterns drift"
PATIENCE = 60.0


class Seen(list):
    """What a hook was handed, and the wait for it."""

    def __init__(self):
        super().__init__()
        self._came = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, *given):
        self.append(given)
        self._loop.call_soon_threadsafe(self._came.set)

    async def once(self):
        async with asyncio.timeout(PATIENCE):
            await self._came.wait()
        (given,) = self
        return given if len(given) > 1 else given[0]


@pytest.fixture
async def hooked(tmp_path, clock):
    """Starts an engine with these hooks, and Mara's account."""
    engines = []

    async def made(hooks=None, *, watch=True, **given):
        settings = cheap(**{"secret": (SECRET,), "data_dir": tmp_path, "throttle": "off"} | given)
        engine = await Admit(settings, clock=clock, hooks=hooks, watch=watch).start()
        engines.append(engine)
        if await engine.accounts.find(LOGIN) is None:
            await engine.accounts.register(email=LOGIN, password=PASSWORD, now=clock())
        return engine

    yield made
    for each in engines:
        await each.close()


async def signed_in(engine, **given):
    return await engine.sessions.sign_in(
        login=LOGIN, password=PASSWORD, now=engine.clock(), **given
    )


def claims_of(engine, tokens):
    return engine.verify(tokens.access_token).claims


class Shop:
    """Hooks of every shape."""

    def method(self, user, session):
        return {"tier": "gold"}

    async def async_method(self, user, session):
        return {"tier": "gold"}

    @staticmethod
    def with_more(extra, user, session):
        return {"tier": extra}


class AsyncObject:
    async def __call__(self, user, session):
        await asyncio.sleep(0)
        return {"tier": "gold"}


SHAPES: dict[str, Any] = {
    "method": Shop().method,
    "async method": Shop().async_method,
    "partial": functools.partial(Shop.with_more, "gold"),
    "async partial": functools.partial(Shop().async_method),
    "async object": AsyncObject(),
    "lambda": lambda user, session: {"tier": "gold"},
    "lambda around async": lambda user, session: Shop().async_method(user, session),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_claims_are_in_every_access_token_whatever_is_called(hooked, shape, clock):
    engine = await hooked(Hooks(claims=SHAPES[shape]))
    tokens = await signed_in(engine)
    assert claims_of(engine, tokens)["tier"] == "gold"
    clock.passes(60)
    after = await engine.sessions.refresh(tokens.refresh_token, now=clock())
    assert claims_of(engine, after)["tier"] == "gold"
    assert after.user.id == engine.verify(after.access_token).user_id


async def test_claims_are_made_for_this_user_and_session(hooked, clock):
    seen = []

    async def claims(user, session):
        seen.append((user, session))
        return {"plan": {"name": "team", "seats": [1, 2]}, "since": session.opened_at}

    engine = await hooked(Hooks(claims=claims))
    tokens = await signed_in(engine)
    made = claims_of(engine, tokens)
    assert made["plan"] == {"name": "team", "seats": [1, 2]}
    assert made["since"] == clock()
    await engine.sessions.refresh(tokens.refresh_token, now=clock(), idempotency_key="a key")
    for user, session in seen:
        assert (user, session.id) == (tokens.user, tokens.session_id)
        assert session.retry_key is None


async def test_a_sync_hook_does_not_stop_the_event_loop(hooked):
    entered, may_go = threading.Event(), threading.Event()

    def claims(user, session):
        entered.set()
        assert may_go.wait(PATIENCE)
        return {"slow": True}

    engine = await hooked(Hooks(claims=claims))
    task = asyncio.create_task(signed_in(engine))
    async with asyncio.timeout(PATIENCE):
        while not entered.is_set():  # noqa: ASYNC110  a thread sets it
            await asyncio.sleep(0.001)  # the loop goes on
    may_go.set()
    await task


async def hang(*_):
    await asyncio.Event().wait()


async def hang_whatever_happens(*_):
    while True:
        try:
            await asyncio.sleep(PATIENCE)
        except asyncio.CancelledError:
            if over.is_set():
                raise


over = threading.Event()


def hang_in_a_thread(*_):
    over.wait()


def raiser(error):
    def hook(*_):
        raise error

    return hook


def async_raiser(error):
    async def hook(*_):
        raise error

    return hook


class Evil(dict):
    def items(self):
        raise SystemExit("from within the mapping")


BROKEN: dict[str, Any] = {
    "raises": raiser(ValueError("no")),
    "async raises": async_raiser(ValueError("no")),
    "SystemExit": raiser(SystemExit()),
    "async SystemExit": async_raiser(SystemExit()),
    "async KeyboardInterrupt": async_raiser(KeyboardInterrupt()),
    "CancelledError": raiser(asyncio.CancelledError()),
    "async CancelledError": async_raiser(asyncio.CancelledError()),
    "StopIteration": raiser(StopIteration()),
    "wants other arguments": lambda: {"tier": "gold"},
    "None": lambda *_: None,
    "a list": lambda *_: ["tier"],
    "text": lambda *_: "tier",
    "a mapping that ends the process": lambda *_: Evil(tier="gold"),
    "hangs": hang,
    "hangs and will not be cancelled": hang_whatever_happens,
    "hangs in a thread": hang_in_a_thread,
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_broken_claims_hook_breaks_no_sign_in_and_no_refresh(
    hooked, how, monkeypatch, caplog, clock
):
    monkeypatch.setattr(running, "CLAIMS_SECONDS", 0.05 if "hangs" in how else PATIENCE)
    over.clear()
    engine = await hooked(Hooks(claims=BROKEN[how]))
    with caplog.at_level(logging.ERROR, "admit.hooks"):
        tokens = await signed_in(engine)
        after = await engine.sessions.refresh(tokens.refresh_token, now=clock())
    over.set()
    assert set(claims_of(engine, after)) == RESERVED - {"nbf"}
    assert len(caplog.records) == 2
    assert all("the hook claims failed" in each.message for each in caplog.records)
    assert PASSWORD not in caplog.text
    assert tokens.refresh_token not in caplog.text


async def test_the_traceback_of_a_broken_hook_is_reported(hooked, caplog):
    engine = await hooked(Hooks(claims=raiser(ValueError("what went wrong"))))
    await signed_in(engine)
    (record,) = [each for each in caplog.records if each.name == "admit.hooks"]
    assert isinstance(record.exc_info[1], ValueError)
    assert "what went wrong" in caplog.text


@pytest.mark.parametrize("name", sorted(RESERVED))
async def test_no_hook_says_what_is_ours_to_say(hooked, name, caplog):
    engine = await hooked(Hooks(claims=lambda user, session: {name: "forged", "tier": "gold"}))
    made = claims_of(engine, await signed_in(engine))
    assert made["tier"] == "gold"
    assert made.get(name) != "forged"
    assert f"'{name}' is ours" in caplog.text


async def test_what_is_ours_wins_even_where_a_claim_of_that_name_came_through(hooked, clock):
    """Whoever mints is not to rely on who filtered."""
    engine = await hooked()
    tokens = await signed_in(engine)
    account = await engine.accounts.find(LOGIN)
    session = await engine.store.find_session(tokens.session_id)
    added = {"sub": msgspec.Raw(b'"mallory"'), "tier": msgspec.Raw(b'"gold"')}
    text, _ = engine.access.mint(account, session, now=clock(), added=added)
    made = engine.verify(text).claims
    assert (made["sub"], made["tier"]) == (account.user.id, "gold")


async def test_what_cannot_be_json_is_left_out_and_the_rest_kept(hooked, caplog):
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    odd: Any = {
        "object": object(),
        "surrogate": "\ud800",
        "deep": deep,
        3: "a number",
        "": "no name",
        "\ud800": "half a character",
        "tier": "gold",
    }
    engine = await hooked(Hooks(claims=lambda user, session: odd))
    made = claims_of(engine, await signed_in(engine))
    assert set(made) - RESERVED == {"tier"}
    assert "'object' has a value that can't be JSON (object)" in caplog.text


@pytest.mark.parametrize(("cookie", "most"), [(False, 8_192), (True, 4_064)])
async def test_a_token_that_would_be_too_large_goes_without_its_claims(
    hooked, cookie, most, caplog
):
    given = {"text": "x" * 2_000}
    engine = await hooked(Hooks(claims=lambda *_: given), access_cookie=cookie)
    assert claims_of(engine, await signed_in(engine))["text"]
    given["text"] = "x" * (most // 4 * 3)
    tokens = await signed_in(engine)
    assert "text" not in claims_of(engine, tokens)
    assert f"may have {most}" in caplog.text


async def test_what_a_hook_adds_is_the_largest_that_a_verifier_takes(hooked):
    given = {"text": ""}
    engine = await hooked(Hooks(claims=lambda *_: given))
    bare = len((await signed_in(engine)).access_token)
    for room in range((8_192 - bare) // 4 * 3 - 8, (8_192 - bare) // 4 * 3 + 8):
        given["text"] = "x" * room
        tokens = await signed_in(engine)
        assert len(tokens.access_token) <= 8_192
        assert claims_of(engine, tokens)["sub"] == tokens.user.id


async def test_each_after_hook_is_told_what_happened(hooked, clock):
    seen = {name: Seen() for name in Hooks.__struct_fields__ if name != "claims"}
    engine = await hooked(Hooks(**seen))
    user = await seen["registered"].once()
    assert user.email == LOGIN

    first = await signed_in(engine, origin=Origin(ip="192.0.2.1", user_agent="Browser/1"))
    known, session = await seen["signed_in"].once()
    assert (known, session.id, session.ip) == (user, first.session_id, "192.0.2.1")

    with pytest.raises(InvalidCredentials):
        await engine.sessions.sign_in(
            login=LOGIN, password="wrong", now=clock(), origin=Origin(ip="192.0.2.2")
        )
    refused = await seen["sign_in_refused"].once()
    assert (refused.reason, refused.user_id, refused.ip) == ("wrong_password", user.id, "192.0.2.2")
    assert refused.at == clock()

    await engine.sessions.refresh(first.refresh_token, now=clock())
    clock.passes(60)
    for _ in range(2):  # told once, however often it comes
        with pytest.raises(RefreshRefused):
            await engine.sessions.refresh(first.refresh_token, now=clock())
    assert (await seen["reuse_detected"].once())[1].id == first.session_id

    second = await signed_in(engine)
    await engine.accounts.change_password(
        user_id=user.id,
        session_id=second.session_id,
        current_password=PASSWORD,
        new_password="another pale lantern",
        now=clock(),
    )
    assert await seen["password_changed"].once() == user
    await engine.settle()


async def test_an_administrators_reset_is_told_too(hooked, clock):
    seen = Seen()
    engine = await hooked(Hooks(password_changed=seen))
    account = await engine.accounts.find(LOGIN)
    await engine.accounts.reset_password(account.user.id, "another pale lantern", now=clock())
    assert (await seen.once()).id == account.user.id


async def test_what_did_not_happen_is_not_told(hooked, clock):
    seen = Seen()
    engine = await hooked(Hooks(registered=seen, signed_in=seen, password_changed=seen))
    await seen.once()
    with pytest.raises(AlreadyExists):
        await engine.accounts.register(email=LOGIN, password=PASSWORD, now=clock())
    with pytest.raises(InvalidCredentials):
        await engine.sessions.sign_in(login=LOGIN, password="wrong", now=clock())
    await engine.close()
    assert len(seen) == 1


async def test_an_unknown_login_is_told_without_what_was_typed(hooked, clock):
    seen = Seen()
    engine = await hooked(Hooks(sign_in_refused=seen))
    with pytest.raises(InvalidCredentials):
        await engine.sessions.sign_in(login="hunter2-my-password", password="x", now=clock())
    refused = await seen.once()
    assert (refused.reason, refused.user_id) == ("unknown_login", None)
    assert "hunter2" not in repr(refused)


async def test_a_hook_is_told_when_it_can_be_read(hooked, clock):
    """What it tells of is committed: the hook finds it in the store."""
    found = asyncio.get_running_loop().create_future()

    async def signed(user, session):
        found.set_result(await engine.store.find_session(session.id))

    engine = await hooked(Hooks(signed_in=signed))
    tokens = await signed_in(engine)
    async with asyncio.timeout(PATIENCE):
        assert (await found).id == tokens.session_id


async def test_what_could_not_be_written_down_is_not_told(hooked, clock, monkeypatch):
    seen = Seen()
    engine = await hooked(Hooks(sign_in_refused=seen))

    async def out(_):
        await asyncio.sleep(0)
        raise Unavailable("the store is out")

    monkeypatch.setattr(engine.store, "record", out)
    with pytest.raises(Unavailable):
        await engine.sessions.sign_in(login=LOGIN, password="wrong", now=clock())
    await engine.close()
    assert seen == []


@pytest.mark.parametrize("how", [each for each in BROKEN if "mapping" not in each])
async def test_a_broken_after_hook_is_reported_and_keeps_no_answer(
    hooked, how, monkeypatch, caplog, clock
):
    monkeypatch.setattr(running, "AFTER_SECONDS", 0.05 if "hangs" in how else PATIENCE)
    over.clear()
    engine = await hooked(Hooks(signed_in=BROKEN[how]))
    tokens = await signed_in(engine)
    assert engine.verify(tokens.access_token)
    await engine.close()
    over.set()
    harmless = how in {"None", "a list", "text"}
    assert ("the hook signed_in failed" in caplog.text) is not harmless


async def test_a_sign_in_does_not_wait_for_its_hook(hooked):
    may_go, gone = asyncio.Event(), asyncio.Event()

    async def slow(user, session):
        await may_go.wait()
        gone.set()

    engine = await hooked(Hooks(signed_in=slow))
    await signed_in(engine)
    assert not gone.is_set()
    may_go.set()
    await engine.close()  # waits for what is under way
    assert gone.is_set()


async def test_a_process_that_ends_does_not_wait_for_ever(hooked, monkeypatch, caplog):
    monkeypatch.setattr(running, "CLOSE_SECONDS", 0.05)
    engine = await hooked(Hooks(signed_in=hang))
    await signed_in(engine)
    await engine.close()
    assert "the process ended before it did" in caplog.text


async def test_without_a_watch_a_request_settles_its_hooks(hooked):
    done = []

    async def signed(user, session):
        await asyncio.sleep(0.01)
        done.append(session.id)

    engine = await hooked(Hooks(signed_in=signed), watch=False)
    tokens = await signed_in(engine)
    await engine.settle()
    assert done == [tokens.session_id]


async def test_only_so_many_hooks_are_under_way(hooked, monkeypatch, caplog):
    monkeypatch.setattr(running, "UNDER_WAY", 2)
    monkeypatch.setattr(running, "CLOSE_SECONDS", 0.05)
    engine = await hooked(Hooks(signed_in=hang))
    for _ in range(3):
        await signed_in(engine)
    assert "2 hooks are under way already" in caplog.text
    await engine.close()


async def test_threads_that_hang_keep_no_other_hook_from_running(hooked, monkeypatch):
    """Claims have threads of their own: what hangs after a sign-in does not starve them."""
    monkeypatch.setattr(running, "THREADS", 1)
    monkeypatch.setattr(running, "CLOSE_SECONDS", 0.05)
    over.clear()
    engine = await hooked(Hooks(signed_in=hang_in_a_thread, claims=lambda *_: {"tier": "gold"}))
    for _ in range(3):
        assert claims_of(engine, await signed_in(engine))["tier"] == "gold"
    over.set()


async def test_failures_are_counted(hooked, monkeypatch):
    engine = await hooked(Hooks(claims=raiser(ValueError())), metrics_keys=(SECRET,))
    await signed_in(engine)
    exposed = engine.metrics.exposition("")[0].decode()
    assert 'admit_hook_failures_total{hook="claims"} 1.0' in exposed
    assert 'admit_hook_failures_total{hook="signed_in"} 0.0' in exposed


async def test_without_hooks_nothing_is_begun(hooked):
    engine = await hooked()
    before = len(asyncio.all_tasks()), threading.active_count()
    await signed_in(engine)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) <= before[0] + 1  # the watch may look
    assert engine._parts.hooks._under_way == set()
    assert not engine._parts.hooks.adds_claims


def test_what_is_no_hook_stops_the_start(tmp_path):
    no_hook: Any = {"tier": "gold"}
    misspelt: Any = {"clams": print}
    with pytest.raises(SettingsError, match=r"Hooks\(claims=…\) wants a function"):
        Hooks(claims=no_hook)
    with pytest.raises(SettingsError, match=r"wants admit\.Hooks"):
        Admit(cheap(data_dir=tmp_path), hooks=no_hook)
    with pytest.raises(TypeError, match="clams"):
        Hooks(**misspelt)


async def test_added_claims_are_what_was_signed(hooked):
    engine = await hooked(Hooks(claims=lambda *_: {"tier": "gold"}))
    tokens = await signed_in(engine)
    header, payload, signature = tokens.access_token.split(".")
    import base64

    opened = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(opened | {"tier": "root"}).encode())
    with pytest.raises(InvalidToken):
        engine.verify(f"{header}.{forged.decode().rstrip('=')}.{signature}")


def test_a_thread_of_a_hook_that_hangs_keeps_no_process_alive(tmp_path):
    import subprocess
    import sys

    program = """
import threading
from admit.hooks.threads import Threads
entered = threading.Event()
def hang():
    entered.set()
    threading.Event().wait()
Threads(1).submit(hang)
entered.wait()
"""
    subprocess.run([sys.executable, "-c", program], timeout=PATIENCE, check=True)


def test_a_pool_begins_anew_after_a_fork():
    """gunicorn may load the app, and run a hook, before it forks: no thread comes along."""
    import subprocess
    import sys

    program = """
import os
from admit.hooks.threads import Threads
threads = Threads(1)
assert threads.submit(os.getpid).result() == os.getpid()
child = os.fork()
if child == 0:
    os._exit(0 if threads.submit(os.getpid).result(60) == os.getpid() else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", program], timeout=2 * PATIENCE, check=True)


async def test_a_pool_serves_more_calls_than_it_has_threads():
    from admit.hooks.threads import Threads

    threads, busy, most, lock = Threads(3), 0, 0, threading.Lock()

    def work():
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.001)
        with lock:
            busy -= 1

    await asyncio.gather(*(asyncio.wrap_future(threads.submit(work)) for _ in range(50)))
    assert most <= 3
    threads.close()


async def test_calls_do_not_pile_up_behind_threads_that_hang_for_good(monkeypatch):
    from admit.hooks.calls import Failed, called
    from admit.hooks.threads import Threads

    monkeypatch.setattr("admit.hooks.threads.WAITING", 2)
    threads, entered, leave = Threads(1), threading.Event(), threading.Event()

    def hang():
        entered.set()
        return leave.wait()

    hanging = threads.submit(hang)
    assert entered.wait(PATIENCE)
    waiting = [threads.submit(threading.get_ident) for _ in range(2)]
    with pytest.raises(Failed, match="Busy"):
        await called(threading.get_ident, seconds=PATIENCE, threads=threads)
    leave.set()
    assert [each.result(PATIENCE) for each in (hanging, *waiting)]
    threads.close()


async def test_a_framework_may_tidy_up_around_each_call_in_a_thread(hooked, monkeypatch):
    told = []
    monkeypatch.setattr("admit.hooks.calls.AROUND", {lambda: told.append(threading.get_ident())})

    def claims(*_):
        return {"told": len(told), "here": threading.get_ident()}

    engine = await hooked(Hooks(claims=claims))
    added = claims_of(engine, await signed_in(engine))
    assert (added["told"], told) == (1, [added["here"]] * 2)


async def test_what_a_hook_asks_of_a_slow_store_leaves_the_request_its_time(hooked):
    async def claims(*_):
        with patience.Step():
            request = patience._current.get()
            if request is not None:
                request.left = 0  # as if the store had taken that long
        return {"tier": "gold"}

    engine = await hooked(Hooks(claims=claims))
    with patience.Patience():
        tokens = await signed_in(engine)
    assert claims_of(engine, tokens)["tier"] == "gold"
