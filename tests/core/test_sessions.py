"""Sessions on the real engine: the law as a client meets it."""

import asyncio
import logging

import msgspec
import pytest

from admit.errors import InvalidCredentials, RefreshRefused, TooManyAttempts, Unavailable
from admit.events import USER_AGENT_LENGTH
from admit.model import Origin
from admit.testing import samples

pytestmark = pytest.mark.anyio
DAY = 86_400


async def refused(engine, token, **given):
    with pytest.raises(RefreshRefused) as raised:
        await engine.sessions.refresh(token, now=engine.clock(), **given)
    assert raised.value.detail
    return raised.value.reason


async def opened(engine, account, **given):
    return await engine.sessions.open(account, now=engine.clock(), **given)


async def test_a_refresh_answers_with_spans_and_the_user(engine, ada, clock):
    tokens = await opened(engine, ada)
    assert (tokens.expires_in, tokens.refresh_expires_in) == (900, 7 * DAY)
    clock.passes(3 * DAY)
    later = await engine.sessions.refresh(tokens.refresh_token, now=clock())
    assert (later.expires_in, later.refresh_expires_in) == (900, 7 * DAY)
    assert (later.user, later.session_id) == (ada.user, tokens.session_id)


async def test_200_refreshes_at_once_are_one(engine, ada, clock):
    tokens = await opened(engine, ada)
    answers = await asyncio.gather(
        *(engine.sessions.refresh(tokens.refresh_token, now=clock()) for _ in range(200))
    )
    assert len({each.refresh_token for each in answers}) == 1
    assert all(engine.verify(each.access_token) for each in answers)
    clock.passes(10)
    after = await engine.sessions.refresh(answers[0].refresh_token, now=clock())
    assert after.refresh_token != answers[0].refresh_token


async def test_a_lost_answer_is_given_again_to_the_same_key_however_late(engine, ada, clock):
    tokens = await opened(engine, ada)
    lost = await engine.sessions.refresh(tokens.refresh_token, now=clock(), idempotency_key="k")
    clock.passes(3_600)
    again = await engine.sessions.refresh(tokens.refresh_token, now=clock(), idempotency_key="k")
    assert again.refresh_token == lost.refresh_token
    assert again.access_token != lost.access_token
    assert engine.verify(again.access_token)


async def test_theft_ends_that_session_only(engine, ada, clock):
    mine, other = await opened(engine, ada), await opened(engine, ada)
    await engine.sessions.refresh(mine.refresh_token, now=clock())
    clock.passes(10)
    origin = Origin(ip="203.0.113.9", user_agent="Thief/1.0")
    assert await refused(engine, mine.refresh_token, origin=origin) == "reuse_detected"
    assert await refused(engine, mine.refresh_token) == "reuse_detected"
    assert await engine.sessions.refresh(other.refresh_token, now=clock())
    (line,) = await engine.store.events(kind="reuse_detected")
    assert (line.session_id, line.user_id, line.ip) == (mine.session_id, "id-ada", "203.0.113.9")


async def test_the_reasons_are_told_to_the_holder_of_a_genuine_token(engine, ada, clock):
    tokens = await opened(engine, ada)
    assert await refused(engine, "x") == "malformed"
    assert await refused(engine, tokens.refresh_token[:-6] + "AAAAAA") == "malformed"
    clock.passes(7 * DAY)
    assert await refused(engine, tokens.refresh_token) == "expired"
    clock.passes(30 * DAY)
    assert await engine.purge() > 0
    assert await refused(engine, tokens.refresh_token) == "expired"


async def test_a_session_that_the_store_never_had_is_unknown(engine, process, ada, tmp_path):
    """Genuine, and of another database with the same secret."""
    async with process(data_dir=tmp_path / "other") as other:
        await samples.add(other.store, "ada")
        foreign = await opened(other, samples.account())
    assert await refused(engine, foreign.refresh_token) == "unknown"


async def test_a_token_of_any_generation_signs_its_session_out(engine, ada, clock):
    first = await opened(engine, ada)
    second = await engine.sessions.refresh(first.refresh_token, now=clock())
    await engine.sessions.sign_out(first.refresh_token, now=clock())
    assert await refused(engine, second.refresh_token) == "signed_out"
    await engine.sessions.sign_out(first.refresh_token, now=clock())
    await engine.sessions.sign_out("x", now=clock())
    assert len(await engine.store.events(kind="session_ended")) == 1


async def test_no_session_opens_on_what_was_known_before(engine, ada, clock):
    """The password changed, or the account was disabled, while the password was checked."""
    changed = msgspec.structs.replace(ada, password_version=1)
    assert await engine.store.save_user(changed)
    with pytest.raises(InvalidCredentials):
        await opened(engine, ada)
    assert await opened(engine, changed)


async def test_the_list_shows_who_is_where(engine, ada, clock):
    agent = "A" * 1_000
    tokens = await opened(engine, ada, origin=Origin(ip="192.0.2.1", user_agent=agent))
    (session,) = await engine.sessions.list("id-ada", now=clock())
    assert session.id == tokens.session_id
    assert (session.ip, session.user_agent) == ("192.0.2.1", "A" * USER_AGENT_LENGTH)


async def test_a_row_behind_its_own_write_is_a_fault_and_no_theft(engine, ada, clock, caplog):
    """A store that contradicts itself: try again, and nobody is signed out."""
    tokens = await opened(engine, ada)
    real = engine.store.rotate

    async def contradicts(*args, **given):
        rotation = await real("nobody", **given)
        assert rotation is None
        row = await samples.found(engine.store, tokens.session_id)
        from admit.stores.base import Rotation

        return Rotation(won=False, session=row, account=ada)

    engine.store.rotate = contradicts
    with caplog.at_level(logging.ERROR), pytest.raises(Unavailable):
        await engine.sessions.refresh(tokens.refresh_token, now=clock())
    assert tokens.session_id in caplog.text
    engine.store.rotate = real
    assert await engine.sessions.refresh(tokens.refresh_token, now=clock())


async def test_refused_tokens_are_throttled_and_genuine_ones_are_not(process, clock):
    origin = Origin(ip="192.0.2.1")
    async with process(throttle=True) as engine:
        await samples.add(engine.store, "ada")
        tokens = await opened(engine, samples.account())
        for _ in range(30):
            assert await refused(engine, "forged", origin=origin) == "malformed"
        with pytest.raises(TooManyAttempts):
            await engine.sessions.refresh("forged", now=clock(), origin=origin)
        for _ in range(100):
            clock.passes(0.5)  # within the minute, while the token rests and after
            tokens = await engine.sessions.refresh(tokens.refresh_token, now=clock(), origin=origin)


async def test_a_refresh_adds_no_row_anywhere(engine, ada, clock):
    tokens = await opened(engine, ada)
    before = await counts(engine)
    for _ in range(200):
        tokens = await engine.sessions.refresh(tokens.refresh_token, now=clock())
        clock.passes(10)
    assert await counts(engine) == before
    assert (await samples.found(engine.store, tokens.session_id)).generation == 200


async def counts(engine):
    tables = ("users", "sessions", "revocations", "keys", "events")
    return await engine.store._connections.read(
        lambda db: [db.execute(f"SELECT count(*) FROM {each}").fetchone() for each in tables]
    )


async def test_with_no_key_that_signs_nothing_is_written(engine, ada, clock):
    """Or an honest client's retry, a while later, would come back as theft."""
    tokens = await opened(engine, ada)
    engine.keys.state = ()
    for attempt in (
        engine.sessions.refresh(tokens.refresh_token, now=clock()),
        engine.sessions.open(ada, now=clock()),
    ):
        with pytest.raises(Unavailable):
            await attempt
    (session,) = await engine.store.list_sessions(ada.user.id, now=clock())
    assert session.generation == 0
