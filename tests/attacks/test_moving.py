"""Somebody wants to be let in by what a former system once signed, or might have signed."""

import base64
import hashlib
import logging
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, OctKey, RSAKey

from admit.moving import Express, FastAPIUsers, FlaskJWTExtended, SimpleJWT, taking
from admit.testing import samples
from admit.testing.http_caller import EMAIL, PASSWORD, refused
from tests.attacks.forging import encoded, hmac_signed, opened, signed

pytestmark = pytest.mark.anyio
SECRET = "the former system's own secret, 0123456789 abcdef"
OURS = "the secret of Admit itself, 0123456789 abcdef"
UNTIL = "2100-01-31"
HEADER = {"alg": "HS256", "typ": "JWT"}
NOW = 1_800_000_000
CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def taken_from(serve):
    """Starts a service that takes a former system's tokens, with an account named ada."""

    class Started:
        def __init__(self, *readers, **given):
            usual = {"throttle": "off", "secret": (OURS,)}
            self._serving = serve(moving=list(readers), **usual | given)

        async def __aenter__(self):
            self.service = await self._serving.__aenter__()
            self.user = await self.service.register(EMAIL, "ada")
            return self.service, self

        async def __aexit__(self, *error):
            return await self._serving.__aexit__(*error)

        def claims(self, **changes):
            """What simplejwt would have put into Ada's refresh token."""
            usual = {
                "token_type": "refresh",
                "exp": NOW + 86_400,
                "iat": NOW - 60,
                "jti": "a1b2",
                "user_id": self.user["id"],
            }
            made = usual | changes
            return {name: value for name, value in made.items() if value is not ...}

        def token(self, **changes):
            return hmac_signed(HEADER, self.claims(**changes), SECRET.encode())

    return Started


def simplejwt(**given):
    return SimpleJWT(**{"secret": SECRET, "until": UNTIL} | given)


async def is_taken(service, token):
    """Whether anything came of it: a session, or a hint."""
    answer = await service.refresh(token)
    if answer.status_code == 200:
        return True
    assert answer.json()["code"] == "refresh_refused", answer.text
    return answer.json()["reason"] != "malformed"


async def test_the_forger_of_these_tests_can_make_a_good_one(taken_from):
    async with taken_from(simplejwt()) as (service, ada):
        assert await is_taken(service, ada.token())


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None", "typ": "JWT"},
        {"alg": "NONE"},
        {"alg": ""},
        {"alg": None},
        {"alg": ["HS256"]},
        {"alg": "HS512"},
        {"alg": "hs256"},
        {"alg": "RS256"},
        {"typ": "JWT"},
        {"alg": "HS256", "typ": "at+jwt"},
        {"alg": "HS256", "typ": "refresh+jwt"},
        {"alg": "HS256", "typ": None},
        {"alg": "HS256", "crit": ["b64"], "b64": False},
        {"alg": "HS256", "crit": []},
    ],
    ids=str,
)
async def test_a_header_has_no_say(header, taken_from):
    """Signed well or not at all: another algorithm, type or extension is refused."""
    async with taken_from(simplejwt()) as (service, ada):
        token = hmac_signed(header, ada.claims(), SECRET.encode())
        assert not await is_taken(service, token)
        unsigned = token.rpartition(".")[0]
        assert not await is_taken(service, f"{unsigned}.")
        assert not await is_taken(service, unsigned)


@pytest.mark.parametrize("name", ["sha384", "sha512", "sha1", "md5"])
async def test_another_hash_under_the_right_name_is_refused(name, taken_from):
    async with taken_from(simplejwt()) as (service, ada):
        token = hmac_signed(HEADER, ada.claims(), SECRET.encode(), name)
        assert not await is_taken(service, token)


def pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


async def test_a_public_key_is_no_secret(taken_from):
    """Algorithm confusion: HMAC with the public key, in each form that a library might use."""
    key = rsa.generate_private_key(65_537, 2_048)
    public = pem(key).decode()
    reader = simplejwt(secret=None, public_key=public, algorithm="RS256")
    async with taken_from(reader) as (service, ada):
        forms = [public.encode(), public.strip().encode(), base64.b64encode(public.encode())]
        for form in forms:
            for header in (HEADER, {"alg": "RS256", "typ": "JWT"}):
                assert not await is_taken(service, hmac_signed(header, ada.claims(), form))
        good = signed({"alg": "RS256", "typ": "JWT"}, ada.claims(), _joserfc(RSAKey, key))
        assert await is_taken(service, good)


def _joserfc(kind: Any, key):
    form = serialization.PrivateFormat.PKCS8
    encryption = serialization.NoEncryption()
    return kind.import_key(key.private_bytes(serialization.Encoding.PEM, form, encryption))


@pytest.mark.parametrize("where", ["jwk", "jku", "x5u", "x5c", "kid"])
async def test_a_key_that_comes_with_the_token_is_not_used(where, taken_from):
    key = OctKey.import_key("the attacker's own key, 0123456789 abcdef")
    values = {
        "jwk": key.as_dict(private=True),
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/x5u",
        "x5c": ["AAAA"],
        "kid": "../../../../dev/null",
    }
    async with taken_from(simplejwt()) as (service, ada):
        header = HEADER | {where: values[where]}
        token = hmac_signed(header, ada.claims(), b"the attacker's own key, 0123456789 abcdef")
        assert not await is_taken(service, token)
        assert not await is_taken(service, hmac_signed(header, ada.claims(), b""))


async def test_neither_our_secret_nor_an_empty_one_signs_for_the_former_system(taken_from):
    async with taken_from(simplejwt()) as (service, ada):
        for secret in (
            OURS.encode(),
            b"",
            b"None",
            SECRET.encode()[:-1],
            hashlib.sha256().digest(),
        ):
            assert not await is_taken(service, hmac_signed(HEADER, ada.claims(), secret))


async def test_our_own_tokens_are_not_a_former_systems(taken_from):
    """Even where somebody went on with the former system's secret: ours are signed otherwise."""
    reader = Express(secret=OURS, until=UNTIL, claim="sub", by="id")
    async with taken_from(reader) as (service, _):
        tokens = await service.sign_in()
        refused(await service.refresh(tokens["access_token"]), 401, "refresh_refused")
        parts = tokens["refresh_token"].split(".")
        claims = {"sub": opened(tokens["access_token"])[1]["sub"], "exp": NOW + 60}
        forged = hmac_signed(opened(tokens["refresh_token"])[0], claims, OURS.encode())
        assert not await is_taken(service, forged)
        forged = hmac_signed({"alg": "HS256", "typ": "refresh+jwt"}, {"h": "A" * 43, "n": 0}, b"")
        assert not await is_taken(service, forged)
        assert not await is_taken(service, f"{parts[0]}.{encoded(claims)}.{parts[2]}")


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "an access token": {"token_type": "access"},
    "no type": {"token_type": ...},
    "a type in a list": {"token_type": ["refresh"]},
    "no end": {"exp": ...},
    "an end of null": {"exp": None},
    "an end as text": {"exp": str(NOW + 60)},
    "an end of true": {"exp": True},
    "an end before all time": {"exp": -1},
    "an end in a list": {"exp": [NOW + 60]},
    "an end after all time": {"exp": 10**30},
    "somebody's audience": {"aud": "another.example.com"},
    "audiences": {"aud": ["another.example.com"]},
}


@pytest.mark.parametrize("what", BAD_CLAIMS)
async def test_a_genuine_token_of_another_kind_is_refused(what, taken_from):
    async with taken_from(simplejwt()) as (service, ada):
        assert not await is_taken(service, ada.token(**BAD_CLAIMS[what]))


@pytest.mark.parametrize(
    "audience", ["fastapi-users:reset", "fastapi-users:verify", "", None, [], {"x": 1}, ...]
)
async def test_what_resets_a_password_signs_nobody_in(audience, taken_from):
    reader = FastAPIUsers(secret=SECRET, until=UNTIL)
    async with taken_from(reader) as (service, ada):
        claims = {"sub": ada.user["id"], "exp": NOW + 60}
        good = claims | {"aud": ["fastapi-users:auth"]}
        bad = claims if audience is ... else claims | {"aud": audience}
        assert not await is_taken(service, hmac_signed(HEADER, bad, SECRET.encode()))
        assert await is_taken(service, hmac_signed(HEADER, good, SECRET.encode()))


@pytest.mark.parametrize("name", ["type", "token_type", "tokenType", "token_use", "typ"])
@pytest.mark.parametrize("said", ["access", "Bearer", "id", None, ["refresh"], 1])
async def test_what_says_that_it_is_something_else_is_believed(name, said, taken_from):
    """Express's tokens have no type; one that has another was signed for something else."""
    async with taken_from(Express(secret=SECRET, until=UNTIL)) as (service, _):
        claims = {"username": "ada", "exp": NOW + 60, "iat": NOW}
        token = hmac_signed(HEADER, claims | {name: said}, SECRET.encode())
        assert not await is_taken(service, token)
        good = hmac_signed(HEADER, claims | {name: "refresh"}, SECRET.encode())
        assert await is_taken(service, good)


async def test_where_the_type_is_known_other_claims_may_be_called_so(taken_from):
    async with taken_from(simplejwt()) as (service, ada):
        assert await is_taken(service, ada.token(type="customer"))


async def test_flasks_access_token_is_no_refresh_token(taken_from):
    reader = FlaskJWTExtended(secret=SECRET, until=UNTIL)
    async with taken_from(reader) as (service, ada):
        claims = {"sub": ada.user["id"], "exp": NOW + 60, "type": "access", "fresh": True}
        assert not await is_taken(service, hmac_signed(HEADER, claims, SECRET.encode()))


async def test_not_json_not_an_object_not_utf_8(taken_from):
    async with taken_from(simplejwt()) as (service, _):
        for payload in (b"", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 5_000, b"{}"):
            message = f"{encoded(HEADER)}.{encoded(payload)}"
            raw = message.encode()
            import hmac as hashing

            signature = encoded(hashing.digest(SECRET.encode(), raw, "sha256"))
            assert not await is_taken(service, f"{message}.{signature}")


@pytest.mark.parametrize("user_id", [["x"], {"x": 1}, True, None, 1.5, "' OR 1=1 --", "a\0b", "%"])
async def test_whom_it_means_is_text_and_nothing_else(user_id, taken_from):
    async with taken_from(simplejwt()) as (service, ada):
        answer = await service.refresh(ada.token(user_id=user_id))
        refused(answer, 401, "refresh_refused", reason="unknown")


async def test_an_address_is_not_a_username_nor_the_other_way_round(taken_from):
    """Or whoever chose somebody's address as their username there would be them here."""
    by_name = Express(secret=SECRET, until=UNTIL)
    by_address = Express(secret=SECRET + "2", until=UNTIL, by="email")
    async with taken_from(by_name, by_address) as (service, _):
        for secret, name in ((SECRET, EMAIL), (SECRET + "2", "ada")):
            claims = {"username": name, "exp": NOW + 60, "iat": NOW}
            answer = await service.refresh(hmac_signed(HEADER, claims, secret.encode()))
            refused(answer, 401, "refresh_refused", reason="unknown")


def rewritten(token):
    """The same token in other words, as a lax decoder would read it."""
    header, payload, signature = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(signature[-1])
    yield f"{token}="
    yield f"{header}.{payload}=.{signature}"
    yield f"{header}.{payload}.{signature[:-1]}{alphabet[last ^ 1]}"
    yield f"{header}.{payload}.{signature}".replace("-", "+").replace("_", "/")
    yield f"{header}.{payload}.{signature}\n"
    yield f" {token}"
    yield f"{token}.{signature}"
    yield f"{encoded({'typ': 'JWT', 'alg': 'HS256'})}.{payload}.{signature}"


async def test_one_token_in_other_words_is_no_second_one(taken_from):
    async with taken_from(simplejwt()) as (service, ada):
        token = ada.token()
        assert await is_taken(service, token)
        for other in rewritten(token):
            if other != token:
                assert not await is_taken(service, other)
        assert len(await service.auth.sessions.list(ada.user["id"], now=NOW)) == 1


async def test_the_twin_of_an_ecdsa_signature_is_the_same_token(taken_from):
    """Of `(r, s)` anybody makes `(r, n - s)`, which verifies: it must not be a second token."""
    key = ec.generate_private_key(ec.SECP256R1())
    reader = simplejwt(secret=None, public_key=pem(key).decode(), algorithm="ES256")
    async with taken_from(reader) as (service, ada):
        header = {"alg": "ES256", "typ": "JWT"}
        token = signed(header, ada.claims(), _joserfc(ECKey, key))
        message, _, signature = token.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        twin = raw[:32] + (CURVE_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
        assert (await service.refresh(token)).status_code == 200
        service.clock.advance(11)
        answer = await service.refresh(f"{message}.{encoded(twin)}")
        refused(answer, 401, "refresh_refused", reason="reuse_detected")


async def test_a_token_from_the_future_is_refused(taken_from):
    async with taken_from(simplejwt()) as (service, ada):
        for claim in ("iat", "nbf"):
            assert not await is_taken(service, ada.token(**{claim: NOW + 11}))
            assert await is_taken(service, ada.token(**{claim: NOW + 9}))


async def test_nobody_says_that_they_signed_in_just_now(taken_from):
    """The future is not taken for an `auth_time`: it would pass every step-up for ever."""
    async with taken_from(simplejwt()) as (service, ada):
        for said, counts in ((NOW * 2, NOW), (-1, 0), ("1", 0), (True, 0), (1e300, 0)):
            answer = await service.refresh(ada.token(auth_time=said, jti=str(said)))
            access = answer.json()["access_token"]
            assert service.auth.verify(access).auth_time == counts


def hang(_):
    threading.Event().wait()


def fail(_):
    raise SystemExit


NO_ANSWERS = {
    "fails": fail,
    "hangs": hang,
    "says nothing": lambda _: None,
    "says 0": lambda _: 0,
    "says text": lambda _: "no",
}


@pytest.mark.parametrize("how", NO_ANSWERS)
async def test_a_blacklist_that_cannot_be_asked_lets_nobody_in(how, taken_from, monkeypatch):
    monkeypatch.setattr(taking, "ASK_SECONDS", 0.05 if how == "hangs" else 60)
    async with taken_from(simplejwt(blacklisted=NO_ANSWERS[how])) as (service, ada):
        refused(await service.refresh(ada.token()), 503, "unavailable")
        assert await service.auth.store.events(kind="signed_in") == []


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_lookup_that_fails_lets_nobody_in(how, taken_from, monkeypatch):
    monkeypatch.setattr(taking, "ASK_SECONDS", 0.05 if how == "hangs" else 60)
    async with taken_from(simplejwt(account=NO_ANSWERS[how])) as (service, ada):
        refused(await service.refresh(ada.token()), 503, "unavailable")


@pytest.mark.parametrize(
    ("said", "status"), [(True, 401), (["x"], 503), (b"x", 503), (SimpleNamespace(id=1), 503)]
)
async def test_a_lookup_that_says_something_else_lets_nobody_in(said, status, taken_from):
    async with taken_from(simplejwt(account=lambda _: said)) as (service, ada):
        assert (await service.refresh(ada.token())).status_code == status


async def test_nothing_of_the_token_is_logged(taken_from, caplog):
    def blacklisted(token):
        raise ValueError("the database is away")

    with caplog.at_level(logging.DEBUG):
        async with taken_from(simplejwt(blacklisted=blacklisted)) as (service, ada):
            token = ada.token()
            refused(await service.refresh(token), 503, "unavailable")
            assert "the database is away" in caplog.text
            for secret in (token, token.rpartition(".")[2], SECRET):
                assert secret not in caplog.text


async def test_garbage_is_limited_as_ever(taken_from):
    async with taken_from(simplejwt(), throttle="on") as (service, ada):
        statuses = []
        for number in range(32):
            token = hmac_signed(HEADER, ada.claims(jti=str(number)), b"x" * 40)
            statuses.append((await service.refresh(token)).status_code)
        assert statuses[:30] == [401] * 30
        assert statuses[31] == 429
        assert await is_taken(service, ada.token())  # a genuine one is no worse off


async def test_a_refused_token_that_comes_all_the_time_is_limited(taken_from):
    async with taken_from(simplejwt(), throttle="on") as (service, ada):
        token = ada.token(user_id="nobody")
        statuses = [(await service.refresh(token)).status_code for _ in range(32)]
        assert statuses[31] == 429
        assert await is_taken(service, ada.token())


async def test_a_token_names_its_session_to_nobody(taken_from):
    """Who holds the database, or an access token, can't tell which token a session was."""
    async with taken_from(simplejwt()) as (service, ada):
        token = ada.token()
        answer = await service.refresh(token)
        sid = opened(answer.json()["access_token"])[1]["sid"]
        for part in (token, token.rpartition(".")[0], *token.split(".")):
            assert encoded(hashlib.sha256(part.encode()).digest()[:16]) != sid


async def test_a_planted_cookie_takes_no_session_over(taken_from):
    """A sibling subdomain plants its own token: beside a real one both are refused, and ours wins.

    The former system's cookie has no prefix that would keep siblings away; ours has.
    """
    reader = Express(secret=SECRET, until=UNTIL, cookie="jwt")
    async with taken_from(reader) as (service, _):
        mallory = samples.account("mallory")
        event = samples.event("user_registered")
        assert await service.auth.store.add_user(mallory, event=event) is None
        tokens = [
            hmac_signed(HEADER, {"username": name, "iat": NOW, "exp": NOW + 60}, SECRET.encode())
            for name in ("ada", "mallory")
        ]
        both = {"Cookie": f"jwt={tokens[1]}; jwt={tokens[0]}"}
        refused(await service.send("POST", "/refresh", headers=both), 400, "malformed")
        body = {"login": "ada", "password": PASSWORD}
        answer = await service.send("POST", "/login", json=body, headers=both)
        assert answer.status_code == 200  # and both are spent
        for token in tokens:
            refused(await service.refresh(token), 401, "refresh_refused", reason="signed_out")
        assert (await service.send("POST", "/logout", headers=both)).status_code == 204


async def test_of_many_planted_cookies_eight_are_looked_at(taken_from, monkeypatch):
    reader = Express(secret=SECRET, until=UNTIL, cookie="jwt")
    async with taken_from(reader) as (service, _):
        read, seen = service.auth.moving.read, []

        def seen_by(text):
            seen.append(text)
            return read(text)

        monkeypatch.setattr(service.auth.moving, "read", seen_by)
        pairs = "; ".join(f"jwt={number}" for number in range(5_000))
        answer = await service.send("POST", "/logout", headers={"Cookie": pairs})
        assert answer.status_code == 204
        assert len(seen) == 8
