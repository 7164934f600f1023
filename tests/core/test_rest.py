"""A token that rests, on the real engine: what it brings, what it leaves alone, what ends it."""

import pytest

from admit.errors import RefreshRefused
from admit.testing import samples

pytestmark = pytest.mark.anyio


@pytest.fixture
async def born(engine, ada, clock):
    """A session that was refreshed just now; its token rests."""
    opened = await engine.sessions.open(ada, now=clock())
    return await refresh(engine, opened, clock())


async def refresh(engine, tokens, now, key=None):
    return await engine.sessions.refresh(tokens.refresh_token, now=now, idempotency_key=key)


async def row(engine, tokens):
    return await samples.found(engine.store, tokens.session_id)


async def refused(engine, tokens, now, key=None):
    with pytest.raises(RefreshRefused) as raised:
        await refresh(engine, tokens, now, key)
    return raised.value.reason


async def test_it_writes_nothing_and_brings_a_new_access_token(engine, born, clock):
    before = await row(engine, born)
    for _ in range(9):
        clock.passes(1)
        again = await refresh(engine, born, clock(), "a key")
        assert again.refresh_token == born.refresh_token
        assert again.access_token != born.access_token
        assert engine.verify(again.access_token)
        assert await row(engine, born) == before


async def test_a_client_faster_than_the_leeway_goes_on_for_ever(engine, born, clock):
    """The idle deadline slides all the same, with each token that is new."""
    start, tokens, seen = clock(), born, set()
    for _ in range(600):
        clock.passes(3)
        tokens = await refresh(engine, tokens, clock())
        seen.add(tokens.refresh_token)
    after = await row(engine, born)
    assert after.generation == len(seen) == 1 + 600 * 3 // 12
    assert after.expires_at >= start + 600 * 3 + engine.settings.refresh_ttl - 12


async def test_a_lost_answer_of_a_resting_token_is_no_loss(engine, born, clock):
    """Its key was not written; whenever the retry comes, there is something to give."""
    clock.passes(5)
    lost = await refresh(engine, born, clock(), "k")
    clock.passes(3)
    again = await refresh(engine, born, clock(), "k")
    assert again.refresh_token == lost.refresh_token == born.refresh_token
    clock.passes(3_600)
    fresh = await refresh(engine, born, clock(), "k")
    assert fresh.refresh_token != born.refresh_token
    clock.passes(3_600)
    late = await refresh(engine, born, clock(), "k")
    assert late.refresh_token == fresh.refresh_token


async def test_a_parent_with_its_key_comes_however_late_while_the_token_rests_or_not(
    engine, ada, clock
):
    opened = await engine.sessions.open(ada, now=clock())
    lost = await refresh(engine, opened, clock(), "k")
    for later in (0, 9, 1, 3_600):
        clock.passes(later)
        again = await refresh(engine, opened, clock(), "k")
        assert again.refresh_token == lost.refresh_token


async def test_a_session_expires_while_its_token_rests(process, clock):
    async with process(access_ttl="1m", refresh_ttl="1h", session_ttl="1h") as engine:
        await samples.add(engine.store, "ada")
        opened = await engine.sessions.open(samples.account(), now=clock())
        clock.passes(3_595)
        tokens = await refresh(engine, opened, clock())
        clock.passes(4)
        assert (await refresh(engine, tokens, clock())).refresh_expires_in == 1
        clock.passes(1)
        assert await refused(engine, tokens, clock()) == "expired"


async def test_a_session_ends_while_its_token_rests(engine, born, clock):
    await engine.sessions.sign_out(born.refresh_token, now=clock())
    assert await refused(engine, born, clock()) == "signed_out"


@pytest.mark.parametrize("ahead", [-9.0, 9.0])
async def test_two_processes_whose_clocks_differ_lose_no_tab(engine, process, ada, clock, ahead):
    """Whichever of them exchanges: what is late by a moment is served by the other."""
    async with process() as other:
        opened = await engine.sessions.open(ada, now=clock())
        first = await refresh(engine, opened, clock())
        for later in (0.25, 0.5):
            second = await refresh(other, first, clock() + ahead + later)
            parent = await refresh(engine, opened, clock() + later)
            assert first.refresh_token == second.refresh_token == parent.refresh_token


async def test_a_clock_that_was_far_ahead_keeps_no_session_from_moving(engine, ada, clock):
    """A birth a day from now is no birth: the next exchange puts it right."""
    opened = await engine.sessions.open(ada, now=clock())
    first = await refresh(engine, opened, clock() + 86_400)
    second = await refresh(engine, first, clock())
    assert second.refresh_token != first.refresh_token
    assert (await row(engine, opened)).rotated_at == clock()


async def test_the_instant_at_which_the_rest_ends(engine, process, born, clock):
    """One process is a moment before it, the other at it: nobody is refused, nothing forks."""
    async with process() as other:
        still = await refresh(engine, born, clock() + 9.75)
        fresh = await refresh(other, born, clock() + 10)
        late = await refresh(engine, born, clock() + 9.75)
    assert still.refresh_token == born.refresh_token
    assert late.refresh_token == fresh.refresh_token != born.refresh_token
