"""Access tokens: minted for anybody's verifier, verified here once, looked at every time."""

import json
import threading

import jwt
import pytest

from admit.errors import InvalidToken
from admit.settings import SKEW
from admit.testing import samples
from admit.tokens import checker

pytestmark = pytest.mark.anyio

TTL = 900


async def signed_in(engine, account):
    return await engine.sessions.open(account, now=engine.clock())


def public_key(engine, token):
    """What a stranger's verifier does: the key of the published set that the header names."""
    keys = jwt.PyJWKSet.from_json(json.dumps(engine.keys.jwks(engine.clock())))
    return keys[jwt.get_unverified_header(token)["kid"]]


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_an_independent_library_verifies_it_through_the_published_set(
    process, algorithm, clock
):
    async with process(algorithm=algorithm) as engine:
        user = await engine.accounts.register(
            email="ada@example.com",
            password="correct horse battery",
            roles=("admin",),
            now=clock(),
        )
        account = await engine.store.find_user("id", user.id)
        tokens = await signed_in(engine, account)
        claims = jwt.decode(
            tokens.access_token,
            public_key(engine, tokens.access_token),
            algorithms=[algorithm],
            audience="http://localhost:8000",
            issuer="http://localhost:8000/auth",
            options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub"]},
        )
    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "iss": "http://localhost:8000/auth",
        "aud": "http://localhost:8000",
        "sub": user.id,
        "client_id": "admit",
        "iat": int(clock()),
        "exp": int(clock()) + TTL,
        "sid": tokens.session_id,
        "auth_time": int(clock()),
        "amr": ["pwd"],
        "roles": ["admin"],
    }
    assert tokens.expires_in == TTL


async def test_an_ed25519_token_verifies_under_its_rfc_9864_name(process, clock):
    """PyJWT knows the curve under its older name only."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from joserfc.util import urlsafe_b64decode

    async with process(algorithm="Ed25519") as engine:
        await _add_ada(engine)
        tokens = await signed_in(engine, await engine.store.find_user("id", "id-ada"))
        (key,) = engine.keys.jwks(clock())["keys"]
        signed, _, signature = tokens.access_token.encode().rpartition(b".")
        public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"].encode()))
        public.verify(urlsafe_b64decode(signature), signed)


async def _add_ada(engine):
    from admit.testing import samples

    await samples.add(engine.store, "ada")


async def test_a_principal_says_who_calls(engine, ada, clock):
    tokens = await signed_in(engine, ada)
    principal = engine.verify(tokens.access_token)
    assert principal.user_id == "id-ada"
    assert principal.session_id == tokens.session_id
    assert principal.roles == ("admin", "writer")
    assert principal.auth_time == int(clock())
    assert principal.version == ada.version
    assert principal.expires_at == int(clock()) + TTL
    assert principal.claims["client_id"] == "admit"


async def test_every_token_is_another_one(engine, ada):
    first, second = await signed_in(engine, ada), await signed_in(engine, ada)
    assert first.access_token != second.access_token


async def test_a_token_expires_also_where_it_is_remembered(engine, ada, clock):
    token = (await signed_in(engine, ada)).access_token
    clock.passes(TTL + SKEW - 1)
    assert engine.verify(token)
    clock.passes(1)
    for _ in range(2):
        with pytest.raises(InvalidToken) as raised:
            engine.verify(token)
        assert raised.value.reason == "expired"


async def test_a_token_never_outlives_its_session(process, clock):
    async with process(access_ttl="1h", refresh_ttl="1h", session_ttl="90m") as engine:
        await _add_ada(engine)
        tokens = await signed_in(engine, await engine.store.find_user("id", "id-ada"))
        clock.passes(50 * 60)
        later = await engine.sessions.refresh(tokens.refresh_token, now=clock())
        assert later.expires_in == later.refresh_expires_in == 40 * 60
        assert engine.verify(later.access_token).expires_at == clock() + 40 * 60


async def test_a_revoked_session_is_refused_also_where_it_is_remembered(engine, ada, clock):
    tokens = await signed_in(engine, ada)
    engine.verify(tokens.access_token)
    await engine.sessions.sign_out(tokens.refresh_token, now=clock())
    with pytest.raises(InvalidToken) as raised:
        engine.verify(tokens.access_token)
    assert raised.value.reason == "signed_out"


async def test_what_is_remembered_is_bounded(engine, ada, clock, monkeypatch):
    monkeypatch.setattr(checker, "REMEMBERED", 3)
    tokens = [(await signed_in(engine, ada)).access_token for _ in range(6)]
    for token in tokens * 2:
        assert engine.verify(token)
        assert len(engine.access._remembered) <= 3
    assert list(engine.access._remembered) == tokens[-3:]


async def test_what_was_refused_is_never_remembered(engine, ada):
    token = (await signed_in(engine, ada)).access_token
    for bad in (token[:-4] + "AAAA", token + ".x", "x", token.replace(".", "..", 1)):
        with pytest.raises(InvalidToken):
            engine.verify(bad)
    assert engine.access._remembered == {}


async def test_what_is_remembered_is_forgotten_when_the_keys_change(engine, ada, clock):
    token = (await signed_in(engine, ada)).access_token
    engine.verify(token)
    assert token in engine.access._remembered
    await engine.keys.rotate(clock())
    fresh = (await signed_in(engine, ada)).access_token
    engine.verify(fresh)
    assert list(engine.access._remembered) == [fresh]
    assert engine.verify(token)


async def test_a_token_from_the_future_is_not_valid_yet(engine, ada, clock):
    token = (await signed_in(engine, ada)).access_token
    clock.passes(-SKEW)
    assert engine.verify(token)
    engine.access._forget(engine.keys.state)
    clock.passes(-1)
    with pytest.raises(InvalidToken, match="clocks"):
        engine.verify(token)


async def test_another_issuer_or_audience_is_refused(engine, process, ada, clock):
    token = (await signed_in(engine, ada)).access_token
    for given in ({"audience": "https://other.example"}, {"prefix": "/other"}):
        async with process(**given) as other:
            with pytest.raises(InvalidToken, match="`iss` or `aud`"):
                other.verify(token)


async def test_threads_verify_at_once(engine, ada, clock, monkeypatch):
    """Flask and Django verify in threads: the bounded memory must not trip over itself."""
    monkeypatch.setattr(checker, "REMEMBERED", 2)
    tokens = [(await signed_in(engine, ada)).access_token for _ in range(5)]
    wrong: list[BaseException] = []

    def verify():
        try:
            for _ in range(20):
                for token in tokens:
                    engine.verify(token)
        except BaseException as error:  # noqa: BLE001  whatever it is, it is wrong
            wrong.append(error)

    threads = [threading.Thread(target=verify) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []


async def test_the_second_time_there_is_no_cryptography(engine, ada, clock, monkeypatch):
    token = (await signed_in(engine, ada)).access_token
    first = engine.verify(token)
    monkeypatch.setattr(engine.access, "_check", None)
    assert engine.verify(token) is first


async def test_a_token_that_lived_longer_once_lives_no_longer_than_one_of_today(process, clock):
    """Its revocation is dropped when today's tokens would be dead: it must be dead by then, too."""
    async with process(access_ttl="1h") as before:
        await samples.add(before.store, "ada")
        account = await before.store.find_user("id", "id-ada")
        tokens = await signed_in(before, account)
    async with process(access_ttl="5m") as engine:
        assert engine.verify(tokens.access_token)
        await engine.sessions.sign_out(tokens.refresh_token, now=clock())
        clock.passes(5 * 60 + 2 * SKEW + 1)
        await engine.revoked.look(clock())
        with pytest.raises(InvalidToken) as refusal:
            engine.verify(tokens.access_token)
        assert refusal.value.reason == "expired"
