"""What a process knows to be revoked: complete at every look, and never growing."""

import asyncio

import pytest

from admit.errors import InvalidToken
from admit.revocation import PRUNE_SECONDS, Revoked
from admit.testing import samples

pytestmark = pytest.mark.anyio


def why(engine, token):
    """Why this token is refused; None where it is accepted."""
    try:
        engine.verify(token)
    except InvalidToken as refused:
        return refused.reason
    return None


async def signed_in(engine):
    account = await engine.store.find_user("id", "id-ada")
    return await engine.sessions.open(account, now=engine.clock())


async def test_what_this_process_ends_it_refuses_at_once(engine, ada, clock):
    one, two, three = [await signed_in(engine) for _ in range(3)]
    await engine.sessions.sign_out(one.refresh_token, now=clock())
    assert [why(engine, each.access_token) for each in (one, two, three)] == [
        "signed_out",
        None,
        None,
    ]
    assert await engine.sessions.end_own("id-ada", two.session_id, now=clock())
    assert why(engine, two.access_token) == "signed_out"
    assert not await engine.sessions.end_own("id-ada", two.session_id, now=clock())
    assert not await engine.sessions.end_own("id-bob", three.session_id, now=clock())
    assert await engine.sessions.end_all("id-ada", now=clock()) == 1
    assert why(engine, three.access_token) == "signed_out"


async def test_the_session_that_a_sign_in_replaces_is_refused_at_once(engine, ada, clock):
    held = await signed_in(engine)
    await engine.sessions.open(ada, now=clock(), replaces=held.refresh_token)
    assert why(engine, held.access_token) == "signed_out"


async def test_a_damaged_cookie_replaces_nothing(engine, ada, clock):
    held = await signed_in(engine)
    await engine.sessions.open(ada, now=clock(), replaces=held.refresh_token[:-5] + "AAAAA")
    assert why(engine, held.access_token) is None


async def test_a_reuse_is_refused_at_once_and_says_so(engine, ada, clock):
    first, other = await signed_in(engine), await signed_in(engine)
    second = await engine.sessions.refresh(first.refresh_token, now=clock())
    clock.passes(11)
    with pytest.raises(Exception, match="stolen"):
        await engine.sessions.refresh(first.refresh_token, now=clock())
    assert why(engine, second.access_token) == "reuse_detected"
    assert why(engine, other.access_token) is None


async def test_another_process_sees_it_at_its_next_look(engine, process, ada, clock):
    async with process() as other:
        tokens = await signed_in(engine)
        await engine.sessions.sign_out(tokens.refresh_token, now=clock())
        await other.revoked.look(clock())
        assert why(other, tokens.access_token) == "signed_out"


async def test_a_process_that_just_started_knows_everything_before_it_serves(
    engine, process, ada, clock
):
    tokens = await signed_in(engine)
    await engine.sessions.sign_out(tokens.refresh_token, now=clock())
    async with process() as fresh:
        assert why(fresh, tokens.access_token) == "signed_out"


async def test_a_lost_role_is_refused_until_the_next_refresh(engine, process, ada, clock):
    async with process() as other:
        tokens = await signed_in(engine)
        await other.accounts.set_roles("id-ada", add=(), remove=("admin",), now=clock())
        for each in (engine, other):
            await each.revoked.look(clock())
            assert why(each, tokens.access_token) == "revoked"
        # In the very same second: the new token carries the new roles, and is accepted.
        fresh = await engine.sessions.refresh(tokens.refresh_token, now=clock())
        assert fresh.user.roles == ("writer",)
        for each in (engine, other):
            assert each.verify(fresh.access_token).roles == ("writer",)


async def test_a_gained_role_revokes_nothing(engine, ada, clock):
    tokens = await signed_in(engine)
    await engine.accounts.set_roles("id-ada", add=("more",), remove=(), now=clock())
    await engine.revoked.look(clock())
    assert why(engine, tokens.access_token) is None


async def test_a_disabled_account_is_refused_and_enabled_it_signs_in_again(engine, ada, clock):
    tokens = await signed_in(engine)
    assert await engine.accounts.set_enabled("id-ada", enabled=False, now=clock())
    await engine.revoked.look(clock())
    assert why(engine, tokens.access_token) == "revoked"
    assert await engine.accounts.set_enabled("id-ada", enabled=True, now=clock())
    assert why(engine, (await signed_in(engine)).access_token) is None
    assert why(engine, tokens.access_token) == "revoked"


async def test_looks_that_overlap_take_in_the_same(engine, process, ada, clock):
    async with process() as other:
        tokens = [await signed_in(engine) for _ in range(10)]
        for each in tokens:
            await engine.sessions.sign_out(each.refresh_token, now=clock())
        await asyncio.gather(*(other.revoked.look(clock()) for _ in range(10)))
        assert {why(other, each.access_token) for each in tokens} == {"signed_out"}


class Reordered:
    """A store whose first look comes back last."""

    def __init__(self, store):
        self._store = store
        self.first = asyncio.Event()
        self._looks = 0

    async def revocations(self, *, after, now):
        entries = await self._store.revocations(after=after, now=now)
        self._looks += 1
        if self._looks == 1:
            await self.first.wait()
        return entries


async def test_a_look_that_comes_back_late_undoes_nothing(engine, ada, clock):
    """It holds the older entries only: what a later look learned stays."""
    slow = Reordered(engine.store)
    revoked = Revoked(slow)  # type: ignore[arg-type]
    tokens = await signed_in(engine)
    await engine.accounts.set_roles("id-ada", add=(), remove=("admin",), now=clock())
    late = asyncio.create_task(revoked.look(clock()))
    await asyncio.sleep(0.01)
    fresh = await engine.sessions.refresh(tokens.refresh_token, now=clock())
    await engine.accounts.set_roles("id-ada", add=(), remove=("writer",), now=clock())
    await revoked.look(clock())
    principal = engine.access._check(fresh.access_token, clock())
    assert revoked.reason(principal) == "revoked"
    slow.first.set()
    await late
    assert revoked.reason(principal) == "revoked"


async def test_what_matters_no_more_is_forgotten(engine, ada, clock):
    """The last token that it concerned is dead, by anybody's clock."""
    tokens = await signed_in(engine)
    await engine.sessions.sign_out(tokens.refresh_token, now=clock())
    until = engine.settings.dead_after(clock()) - clock()
    clock.passes(until - 1)
    await engine.revoked.look(clock())
    assert len(engine.revoked._sessions) == 1
    assert why(engine, tokens.access_token) == "expired"
    clock.passes(PRUNE_SECONDS + 1)
    await engine.revoked.look(clock())
    assert engine.revoked._sessions == {}


async def test_a_revocation_outlives_every_token_that_it_concerns(engine, ada, clock):
    """All along the token is refused, first for its session, then for its age."""
    tokens = await signed_in(engine)
    await engine.sessions.sign_out(tokens.refresh_token, now=clock())
    for _ in range(32):
        await engine.revoked.look(clock())
        assert why(engine, tokens.access_token) in {"signed_out", "expired"}
        clock.passes(30)


async def test_a_withdrawn_key_is_no_session(engine, ada, clock):
    tokens = await signed_in(engine)
    assert await engine.store.save_user(
        samples.account(), revocation=samples.revocation(tokens.session_id, kind="key")
    )
    await engine.revoked.look(clock())
    assert why(engine, tokens.access_token) is None
