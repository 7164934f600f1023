"""A made-up refresh token: it ends nobody's session, and the store is not even asked."""

import secrets

import pytest

from admit.testing.http_caller import refused

from .forging import encoded, hmac_signed, opened, session_id, signed, signing_key

pytestmark = pytest.mark.anyio


def forgeries(service, tokens):
    """Tokens that name a real session, or are a genuine one changed a little."""
    genuine = tokens["refresh_token"]
    header, claims = opened(genuine)
    first, second, third = genuine.split(".")
    own = secrets.token_bytes(32)
    sid = session_id(tokens["access_token"])
    yield "another key", hmac_signed(header, claims, own)
    yield "an empty key", hmac_signed(header, claims, b"")
    yield "the session's id as handle", hmac_signed(header, {**claims, "h": sid}, own)
    yield "the session's id as key", hmac_signed(header, claims, sid.encode())
    yield "a later generation", f"{first}.{encoded({**claims, 'n': 99})}.{third}"
    yield "a later end", f"{first}.{encoded({**claims, 'exp': 2**40})}.{third}"
    for alg in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {alg!r}", f"{encoded({**header, 'alg': alg})}.{second}."
        yield f"alg {alg!r}, signed", f"{encoded({**header, 'alg': alg})}.{second}.{third}"
    yield "no signature", f"{first}.{second}."
    yield "half a signature", genuine[:-20]
    yield "four parts", f"{genuine}.{third}"
    yield "another typ", f"{encoded({**header, 'typ': 'at+jwt'})}.{second}.{third}"
    yield "a space", genuine + " "
    yield "padding", genuine + "="
    yield "an access token", tokens["access_token"]
    key = signing_key(service.auth)
    yield "signed as access tokens are", signed({**header, "alg": "ES256"}, claims, key)
    yield "a long one", genuine + "A" * 1_000


async def test_forged_tokens_with_a_real_session_end_nothing(unthrottled):
    """At refresh they are `malformed`, at logout 204; the session lives on."""
    await unthrottled.register()
    tokens = await unthrottled.sign_in()
    for name, forged in forgeries(unthrottled, tokens):
        answer = await unthrottled.send("POST", "/refresh", headers={"Refresh-Token": forged})
        wanted = (401, "refresh_refused", "malformed")
        if forged.endswith(" "):  # white space around a header's value is not part of it
            continue
        assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == wanted, name
        answer = await unthrottled.send("POST", "/logout", headers={"Refresh-Token": forged})
        assert answer.status_code == 204, name
    assert await unthrottled.me(tokens["access_token"]) == 200
    assert (await unthrottled.refresh(tokens["refresh_token"])).status_code == 200
    kinds = {event.kind for event in await unthrottled.auth.store.events()}
    assert not kinds & {"session_ended", "reuse_detected"}


async def test_a_changed_character_anywhere_makes_it_malformed(unthrottled):
    """In each part, at its ends and in its middle: there is one text of a token, and no other."""
    await unthrottled.register()
    genuine = (await unthrottled.sign_in())["refresh_token"]
    for at in (0, 5, *range(30, len(genuine), 9), len(genuine) - 1):
        for other in "AQgw-9":
            if genuine[at] in {other, "."}:
                continue
            forged = genuine[:at] + other + genuine[at + 1 :]
            answer = await unthrottled.refresh(forged)
            refused(answer, 401, "refresh_refused", reason="malformed")
    assert (await unthrottled.refresh(genuine)).status_code == 200


async def test_the_store_is_not_asked_about_a_forged_token(unthrottled):
    """With the store gone, a forged token is still `malformed`, a genuine one is 503."""
    await unthrottled.register()
    tokens = await unthrottled.sign_in()
    await unthrottled.auth.store.close()
    header, claims = opened(tokens["refresh_token"])
    forged = hmac_signed(header, claims, b"x" * 32)
    answer = await unthrottled.refresh(forged)
    refused(answer, 401, "refresh_refused", reason="malformed")
    refused(await unthrottled.refresh(tokens["refresh_token"]), 503, "unavailable")


async def test_a_token_of_another_installation_is_malformed(serve, unthrottled, tmp_path):
    """It has a secret of its own."""
    async with serve(data_dir=tmp_path / "other") as other:
        await other.register()
        token = (await other.sign_in())["refresh_token"]
    refused(await unthrottled.refresh(token), 401, "refresh_refused", reason="malformed")


async def test_the_signing_key_in_the_store_makes_no_refresh_token(unthrottled):
    """Whoever reads the database finds nothing that a refresh token could be made of."""
    await unthrottled.register()
    tokens = await unthrottled.sign_in()
    header, claims = opened(tokens["refresh_token"])
    [row] = await unthrottled.auth.store.keys()
    found = [row.private, row.public, row.kid, *row.private.split(".")]
    session = await unthrottled.auth.store.find_session(session_id(tokens["access_token"]))
    for text in (*found, session.id, session.user_id):
        forged = hmac_signed(header, {**claims, "h": text}, text.encode())
        answer = await unthrottled.refresh(forged)
        assert answer.json()["reason"] == "malformed"
