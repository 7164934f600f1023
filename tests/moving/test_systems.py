"""Tokens made by the very libraries that people move from are taken, each for a session."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from admit.testing.http_caller import refused
from tests.moving import former
from tests.moving.conftest import reader

pytestmark = pytest.mark.anyio
DAY = 86_400.0


def pem(key):
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@pytest.mark.parametrize("system", former.MAKE)
async def test_nobody_is_signed_out_by_the_move(system, service_for, token_of, clock):
    async with service_for(reader(system)) as service:
        token = token_of(system)
        answer = await service.refresh(token)
        assert answer.status_code == 200, answer.text
        first = answer.json()
        assert first["user"]["id"] == former.USER_ID.hex
        assert first["user"]["roles"] == ["writer"]
        assert first["refresh_token"] != token
        assert await service.me(first["access_token"]) == 200

        for _ in range(5):  # and goes on as any session
            clock.advance(DAY)
            answer = await service.refresh(answer.json()["refresh_token"])
            assert answer.status_code == 200
        listed = await service.auth.sessions.list(former.USER_ID.hex, now=clock())
        assert len(listed) == 1
        (line,) = await service.auth.store.events(kind="signed_in")
        assert (line.reason, line.session_id) == ("moved", listed[0].id)
        assert line.detail == {"system": reader(system).system}


@pytest.mark.parametrize("system", former.MAKE)
async def test_the_former_systems_other_tokens_are_not_taken(system, service_for, token_of):
    """An access token, or what resets a password: signed by the same key, except Express's."""
    async with service_for(reader(system)) as service:
        other = token_of(system, "access")
        refused(await service.refresh(other), 401, "refresh_refused", reason="malformed")


@pytest.mark.parametrize("system", former.MAKE)
async def test_a_system_that_is_not_listed_is_not_known(system, service_for, token_of):
    others = [reader(each) for each in former.MAKE if each != system]
    async with service_for(*others) as service:
        token = token_of(system)
        refused(await service.refresh(token), 401, "refresh_refused", reason="malformed")


async def test_several_systems_are_taken_from_at_once(service_for, token_of):
    async with service_for(*map(reader, former.MAKE)) as service:
        sessions = set()
        for system in former.MAKE:
            answer = await service.refresh(token_of(system))
            assert answer.status_code == 200
            sessions.add(service.auth.verify(answer.json()["access_token"]).session_id)
        assert len(sessions) == len(former.MAKE)


async def test_a_moved_session_claims_no_recent_sign_in(service_for, token_of):
    """When a password was typed, and whether one was, such a token does not say."""
    async with service_for(reader("SimpleJWT")) as service:
        answer = await service.refresh(token_of("SimpleJWT"))
        principal = service.auth.verify(answer.json()["access_token"])
        assert (principal.auth_time, principal.claims["amr"]) == (0, [])


async def test_a_token_that_says_when_its_user_signed_in_is_believed(service_for, token_of, clock):
    async with service_for(reader("Express")) as service:
        then = int(clock()) - 3_600
        token = token_of("Express", claims={"username": "ada", "auth_time": then})
        answer = await service.refresh(token)
        assert service.auth.verify(answer.json()["access_token"]).auth_time == then


ASYMMETRIC: dict[str, Any] = {
    "RS256": lambda: rsa.generate_private_key(65_537, 2_048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_a_public_key_is_enough(algorithm, service_for, token_of):
    private, public = pem(ASYMMETRIC[algorithm]())
    given = reader("FlaskJWTExtended", public_key=public, algorithm=algorithm)
    config = {"JWT_ALGORITHM": algorithm, "JWT_PRIVATE_KEY": private, "JWT_PUBLIC_KEY": public}
    async with service_for(given) as service:
        answer = await service.refresh(token_of("FlaskJWTExtended", **config))
        assert answer.status_code == 200, answer.text


async def test_a_public_key_of_express_is_enough(service_for, token_of):
    private, public = pem(rsa.generate_private_key(65_537, 2_048))
    async with service_for(reader("Express", public_key=public, algorithm="RS256")) as service:
        token = token_of("Express", secret=private, algorithm="RS256")
        assert (await service.refresh(token)).status_code == 200


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_longer_hmacs_are_taken(algorithm, service_for, token_of):
    secret = former.SECRET * 2
    async with service_for(reader("SimpleJWT", secret=secret, algorithm=algorithm)) as service:
        token = token_of("SimpleJWT", secret=secret, algorithm=algorithm)
        assert (await service.refresh(token)).status_code == 200
        refused(await service.refresh(token_of("SimpleJWT", secret=secret)), 401, "refresh_refused")


async def test_a_secret_that_was_changed_lately_is_listed_second(service_for, token_of):
    secrets = ["the newest secret of the former system, 0123456789", former.SECRET]
    async with service_for(reader("SimpleJWT", secret=secrets)) as service:
        for secret in secrets:
            token = token_of("SimpleJWT", secret=secret)
            assert (await service.refresh(token)).status_code == 200


async def test_issuer_and_audience_are_compared(service_for, token_of):
    named = {"issuer": "former.example.com", "audience": "former"}
    async with service_for(reader("SimpleJWT", **named)) as service:
        assert (await service.refresh(token_of("SimpleJWT", **named))).status_code == 200
        for other in ({}, named | {"issuer": "x"}, named | {"audience": "x"}):
            token = token_of("SimpleJWT", **other)
            refused(await service.refresh(token), 401, "refresh_refused", reason="malformed")
    async with service_for(reader("SimpleJWT")) as service:
        token = token_of("SimpleJWT", audience="whoever that is")
        refused(await service.refresh(token), 401, "refresh_refused", reason="malformed")


WHOM: dict[str, Any] = {
    "by id": {"claim": "user_id", "by": "id"},
    "by address": {"by": "email", "account": lambda token: "ADA@example.com"},
    "by username": {"by": "username", "account": lambda token: "Ada"},
    "by the claims": {"account": lambda token: token.claims["user_id"]},
}


@pytest.mark.parametrize("how", WHOM)
async def test_whom_a_token_means_is_told_in_several_ways(how, service_for, token_of):
    async with service_for(reader("SimpleJWT", **WHOM[how])) as service:
        assert (await service.refresh(token_of("SimpleJWT"))).status_code == 200


async def test_the_app_is_asked_with_the_token(service_for, token_of):
    seen = []

    async def account(token):
        seen.append(token)
        return former.USER_ID.hex

    def blacklisted(token):
        seen.append(token)
        return False

    given = reader("SimpleJWT", account=account, blacklisted=blacklisted)
    async with service_for(given) as service:
        token = token_of("SimpleJWT")
        assert (await service.refresh(token)).status_code == 200
        assert [each.text for each in seen] == [token, token]
        assert all(each.jti == each.claims["jti"] for each in seen)
        assert token not in repr(seen)
        assert (await service.refresh(token)).status_code == 200
        assert len(seen) == 2  # a session that is there needs nobody's word


async def test_fastapi_users_ids_need_not_be_uuids(service_for, token_of):
    ids = {"7": former.USER_ID.hex}
    given = reader("FastAPIUsers", account=lambda token: ids.get(token.claims["sub"]))
    async with service_for(given) as service:
        assert (await service.refresh(token_of("FastAPIUsers", user_id="7"))).status_code == 200
        token = token_of("FastAPIUsers", user_id="8")
        refused(await service.refresh(token), 401, "refresh_refused", reason="unknown")
