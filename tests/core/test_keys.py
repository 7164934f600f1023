"""Signing keys on the handed-in clock: published, waited for, signing, retired, withdrawn."""

import asyncio
import logging

import jwt
import pytest

from admit.errors import InvalidToken, NotFound, SettingsError, Unavailable
from admit.settings import SKEW
from admit.testing import samples
from tests.core.conftest import FORMER, SECRET

pytestmark = pytest.mark.anyio

WAIT, TTL, DAY = 300.0, 900.0, 86_400.0
DEAD = TTL + 2 * SKEW


def published(engine):
    return {each["kid"] for each in engine.keys.jwks(engine.clock())["keys"]}


def signer(engine):
    return engine.keys.signing(engine.clock()).kid


async def minted(engine):
    """An access token of a new session, which only this process has seen."""
    account = await engine.store.find_user("id", "id-ada")
    return (await engine.sessions.open(account, now=engine.clock())).access_token


async def test_the_first_key_signs_at_once(engine):
    """Nobody has cached a set without it yet."""
    (key,) = await engine.store.keys()
    assert signer(engine) == key.kid
    assert published(engine) == {key.kid}
    (line,) = await engine.store.events(kind="key_published")
    assert line.detail == {"kid": key.kid, "algorithm": "ES256"}


async def test_a_new_key_is_published_waits_signs_and_the_old_one_retires(engine, clock, ada):
    old = signer(engine)
    new = await engine.keys.rotate(clock())
    assert published(engine) == {old, new}
    clock.passes(WAIT - 0.5)
    assert signer(engine) == old
    last = await minted(engine)
    clock.passes(0.5)
    assert signer(engine) == new
    assert published(engine) == {old, new}
    clock.passes(TTL)
    assert engine.verify(last)
    clock.passes(2 * SKEW - 0.5)
    assert published(engine) == {old, new}
    clock.passes(0.5)
    assert published(engine) == {new}
    assert engine.keys.verifying(old, clock()) is None
    assert signer(engine) == new


async def test_every_token_outlives_no_key_that_signed_it(engine, clock, ada):
    """Whoever signs in at any moment of a rotation keeps a good token for its whole life."""
    await engine.keys.rotate(clock())
    tokens = []
    for _ in range(40):
        tokens.append((await minted(engine), clock()))
        for token, since in tokens:
            if clock() < since + TTL:
                assert engine.verify(token)
        clock.passes(60.0)


async def test_the_schedule_rotates_by_itself(engine, clock):
    first = signer(engine)
    clock.passes(90 * DAY - 1)
    await engine.keys.look(clock())
    assert published(engine) == {first}
    clock.passes(1)
    await engine.keys.look(clock())
    assert len(published(engine)) == 2
    await engine.keys.look(clock())
    assert len(published(engine)) == 2
    clock.passes(WAIT)
    assert signer(engine) != first


async def test_two_processes_that_rotate_at_once_make_one_key(engine, process, clock):
    async with process() as other:
        made = await asyncio.gather(engine.keys.rotate(clock()), other.keys.rotate(clock()))
        assert sorted(each is None for each in made) == [False, True]
        await engine.keys.look(clock())
        await other.keys.look(clock())
        assert published(engine) == published(other)
        assert len(published(engine)) == 2
        clock.passes(WAIT)
        assert signer(engine) == signer(other) == (made[0] or made[1])


@pytest.mark.usefixtures("patient_sqlite")
async def test_ten_processes_that_start_at_once_share_one_key(process):
    engines = [process() for _ in range(10)]
    await asyncio.gather(*(each.start() for each in engines))
    assert len({signer(each) for each in engines}) == 1
    assert len(await engines[0].store.keys()) == 1
    for each in engines:
        await each.close()


async def test_the_other_process_accepts_what_this_one_signs(engine, process, clock, ada):
    async with process() as other:
        await engine.keys.rotate(clock())
        clock.passes(WAIT)
        await other.keys.look(clock())
        assert other.verify(await minted(engine)).user_id == "id-ada"


# Withdrawal.


async def test_withdrawing_the_signer_makes_another_sign_at_once(engine, clock, ada):
    gone, token = signer(engine), await minted(engine)
    engine.verify(token)
    made = await engine.keys.withdraw(gone, clock() + 1)
    clock.passes(1)
    assert signer(engine) == made
    assert published(engine) == {made}
    with pytest.raises(InvalidToken):
        engine.verify(token)
    assert engine.verify(await minted(engine))
    (line,) = await engine.store.events(kind="key_withdrawn")
    assert line.detail == {"kid": gone}
    (entry,) = (await engine.store.revocations(after=0, now=clock())).entries
    assert (entry.kind, entry.subject) == ("key", gone)


async def test_withdrawing_the_signer_lets_the_waiting_key_sign(engine, clock):
    gone = signer(engine)
    waiting = await engine.keys.rotate(clock())
    clock.passes(1)
    assert await engine.keys.withdraw(gone, clock()) == waiting
    assert signer(engine) == waiting
    assert published(engine) == {waiting}
    clock.passes(DEAD + WAIT)
    assert signer(engine) == waiting


async def test_withdrawing_the_waiting_key_leaves_the_signer_on(engine, clock):
    stays = signer(engine)
    gone = await engine.keys.rotate(clock())
    clock.passes(1)
    assert await engine.keys.withdraw(gone, clock()) is None
    assert published(engine) == {stays}
    clock.passes(DEAD + 2 * WAIT)
    assert signer(engine) == stays


async def test_withdrawing_a_retired_key_that_still_verifies_concerns_its_tokens_only(
    engine, clock, ada
):
    gone, token = signer(engine), await minted(engine)
    stays = await engine.keys.rotate(clock())
    clock.passes(WAIT)
    await engine.keys.withdraw(gone, clock())
    assert signer(engine) == stays
    with pytest.raises(InvalidToken):
        engine.verify(token)


async def test_withdrawing_twice_or_nothing(engine, clock):
    gone = signer(engine)
    await engine.keys.withdraw(gone, clock() + 1)
    clock.passes(2)
    stays = signer(engine)
    await engine.keys.withdraw(gone, clock())
    assert signer(engine) == stays
    with pytest.raises(NotFound, match="admit keys list"):
        await engine.keys.withdraw("no such key", clock())


async def test_every_process_drops_a_withdrawn_key_at_its_next_look(engine, process, clock, ada):
    async with process() as other:
        token = await minted(engine)
        other.verify(token)
        await engine.keys.withdraw(signer(engine), clock() + 1)
        clock.passes(1)
        await other.keys.look(clock())
        with pytest.raises(InvalidToken):
            other.verify(token)


async def test_after_the_waiting_key_was_withdrawn_another_can_be_made(engine, clock):
    """That is what whoever withdrew it does next."""
    gone = await engine.keys.rotate(clock())
    clock.passes(1)
    await engine.keys.withdraw(gone, clock())
    clock.passes(1)
    assert await engine.keys.rotate(clock()) is not None


async def test_a_rotation_elsewhere_never_brings_a_withdrawn_key_back(engine, process, clock):
    """The other process hasn't looked yet when it rotates."""
    async with process() as other:
        gone = await engine.keys.rotate(clock())
        await other.keys.look(clock())
        clock.passes(1)
        await engine.keys.withdraw(gone, clock())
        await other.keys.rotate(clock())
        await engine.keys.look(clock())
        assert gone not in published(engine)


async def test_no_key_signs_what_it_will_not_live_to_verify(engine, clock, ada):
    """Two keys wait, and the later one is withdrawn: the earlier one has a retirement already."""
    await engine.keys.rotate(clock())
    clock.passes(10)
    gone = await engine.keys.rotate(clock())
    clock.passes(10)
    await engine.keys.withdraw(gone, clock())
    tokens = []
    for _ in range(30):
        tokens.append((await minted(engine), clock()))
        clock.passes(60.0)
        for token, since in tokens:
            if clock() < since + TTL:
                assert engine.verify(token)


# Algorithms.


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "RS256", "HS256"])
async def test_each_algorithm_signs_and_verifies(process, clock, algorithm):
    async with process(algorithm=algorithm) as engine:
        await samples.add(engine.store, "ada")
        token = await minted(engine)
        assert engine.verify(token).user_id == "id-ada"
        header = jwt.get_unverified_header(token)
        assert header == {"alg": algorithm, "typ": "at+jwt", "kid": signer(engine)}


@pytest.mark.parametrize(
    ("algorithm", "kind", "members"),
    [
        ("ES256", "EC", {"crv", "x", "y"}),
        ("Ed25519", "OKP", {"crv", "x"}),
        ("RS256", "RSA", {"n", "e"}),
    ],
)
async def test_the_published_set_holds_public_halves_only(process, algorithm, kind, members):
    async with process(algorithm=algorithm) as engine:
        (key,) = engine.keys.jwks(engine.clock())["keys"]
        assert set(key) == {"kty", "kid", "alg", "use"} | members
        assert (key["kty"], key["alg"], key["use"]) == (kind, algorithm, "sig")


async def test_a_symmetric_key_is_never_published(process):
    async with process(algorithm="HS256") as engine:
        assert engine.keys.jwks(engine.clock()) == {"keys": []}
        (row,) = await engine.store.keys()
        assert row.public == ""


async def test_an_rsa_key_has_3072_bits(process):
    async with process(algorithm="RS256") as engine:
        (key,) = engine.keys.jwks(engine.clock())["keys"]
        assert len(key["n"]) == 3072 // 6


async def test_another_algorithm_takes_over_at_the_next_start(process, clock, engine, ada):
    token = await minted(engine)
    async with process(algorithm="Ed25519") as changed:
        assert changed.keys.signing(clock()).algorithm == "ES256"
        clock.passes(WAIT)
        assert changed.keys.signing(clock()).algorithm == "Ed25519"
        assert changed.verify(token)
        # A process that still has the former setting follows, and rotates nothing back.
        await engine.keys.look(clock())
        assert engine.keys.signing(clock()).algorithm == "Ed25519"
        assert len(await engine.store.keys()) == 2


# Secrets.


async def test_private_halves_are_kept_under_the_secret(engine):
    (row,) = await engine.store.keys()
    assert '"d"' not in row.public
    header = jwt.get_unverified_header(row.private.rsplit(".", 2)[0])
    assert header == {"alg": "dir", "enc": "A256GCM", "kid": row.kid}


async def test_a_new_secret_takes_the_keys_over_and_the_old_one_can_go(process, clock):
    async with process(secret=(FORMER,)) as engine:
        await samples.add(engine.store, "ada")
        token = await minted(engine)
        async with process(secret=(SECRET, FORMER)) as both:
            assert both.verify(token)
            # The process that knows the former one only goes on with what it has open.
            await engine.keys.look(clock())
            assert engine.verify(await minted(engine))
        async with process(secret=(SECRET,)) as after:
            assert after.verify(token)
            assert len(await after.store.keys()) == 1


async def test_a_lost_secret_stops_the_start_with_what_to_do(process):
    async with process(secret=(FORMER,)) as engine:
        kid = signer(engine)
    lost = process(secret=(SECRET,))
    with pytest.raises(SettingsError) as raised:
        await lost.start()
    await lost.close()
    assert raised.value.setting == "secret"
    assert kid in str(raised.value)
    assert "(new,old)" in str(raised.value)
    assert "admit keys withdraw" in str(raised.value)


async def test_a_withdrawal_gets_a_lost_secret_out_of_the_way(process, clock):
    async with process(secret=(FORMER,)) as engine:
        kid = signer(engine)
    lost = process(secret=(SECRET,))
    await lost.store.start()
    assert await lost.keys.withdraw(kid, clock() + 1) is None
    clock.passes(1)
    await lost.start()
    assert signer(lost) not in {kid, None}
    await lost.close()


async def test_a_withdrawal_under_another_secret_is_heeded_all_the_same(process, clock):
    """Run in a shell that lacks the server's secret: the server makes the next key by itself."""
    async with process(secret=(FORMER,)) as engine:
        await samples.add(engine.store, "ada")
        token = await minted(engine)
        gone = signer(engine)
        stranger = process(secret=(SECRET,))
        await stranger.store.start()
        await stranger.keys.withdraw(gone, clock())
        await stranger.close()
        await engine.keys.look(clock())
        assert signer(engine) not in {gone, None}
        with pytest.raises(InvalidToken):
            engine.verify(token)
        assert engine.verify(await minted(engine))


async def test_a_key_that_cannot_be_opened_does_not_hide_a_withdrawal(process, clock):
    """What is withdrawn is off, whatever else there is to complain about."""
    async with process(secret=(FORMER,)) as engine, process(secret=(SECRET, FORMER)) as newer:
        await samples.add(engine.store, "ada")
        token, gone = await minted(engine), signer(engine)
        await newer.keys.rotate(clock())
        await newer.keys.withdraw(gone, clock())
        await engine.keys.look(clock())
        with pytest.raises(InvalidToken):
            engine.verify(token)


async def test_a_clock_behind_every_key_does_not_stop_the_signing(process, clock):
    """The machine booted ahead, made its first key, and was set right: nobody is to blame."""
    async with process() as engine:
        await samples.add(engine.store, "ada")
        clock.passes(-86_400.0)
        assert engine.verify(await minted(engine))


async def test_a_key_that_cannot_be_opened_changes_nothing_for_those_who_run(
    process, clock, caplog
):
    """They say so, and go on with the keys that they have."""
    async with process(secret=(FORMER,)) as engine, process(secret=(SECRET, FORMER)) as newer:
        await samples.add(engine.store, "ada")
        before = engine.keys.state
        await newer.keys.rotate(clock())
        with caplog.at_level(logging.ERROR, "admit.keys"):
            await engine.keys.look(clock())
        assert "ADMIT_SECRET" in caplog.text
        assert [key.kid for key in engine.keys.state] == [key.kid for key in before]
        assert engine.verify(await minted(engine))


async def test_a_store_that_is_out_changes_nothing_for_those_who_run(engine, clock):
    before = engine.keys.state
    await engine.store.close()
    with pytest.raises(Unavailable):
        await engine.keys.look(clock())
    assert [key.kid for key in engine.keys.state] == [key.kid for key in before]
    assert signer(engine)


async def test_without_a_key_nothing_is_signed(process):
    engine = process()
    with pytest.raises(Unavailable):
        engine.keys.signing(0.0)


async def test_a_key_under_another_name_is_not_opened(engine, process, clock):
    """Whoever can write the table must not swap keys: the name is part of what is encrypted."""
    (row,) = await engine.store.keys()
    swapped = samples.signing_key(
        "another", private=row.private, public=row.public, signs_from=clock() + 1
    )
    assert await engine.store.save_keys([swapped], seen=[row])
    victim = process()
    with pytest.raises(SettingsError, match="another"):
        await victim.start()
    await victim.close()
