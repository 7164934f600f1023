"""The page on the verifier: its Python runs, against an issuer over real HTTP."""

import re
from pathlib import Path

import httpx
import pytest

from tests.verifier.scripted import AUDIENCE, ISSUER, KEY, Time, looking_often, scripted, service

PAGE = Path(__file__).parents[2] / "docs" / "verifier.md"
SESSION_OVER = {"code": "invalid_token", "status": 401}


def block(holding):
    """The one block of the page that has this in it."""
    blocks = re.findall(
        r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    (found,) = [each for each in blocks if holding in each]
    return found


@pytest.fixture
def issuer(monkeypatch):
    looking_often(monkeypatch)
    with scripted() as issuer:
        issuer.holds = True
        yield issuer


@pytest.fixture
def verifier(issuer):
    with service(issuer.url, Time().clocks) as made:
        yield made


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_the_few_lines_make_a_verifier(monkeypatch, issuer):
    monkeypatch.setenv("VERIFIER_KEY", KEY)
    code = block("verifier_key=os").replace('"https://example.com/auth"', repr(ISSUER))
    code = code.replace(
        '"https://example.com",', f"{AUDIENCE!r}, url={issuer.url!r}, clocks=clocks,"
    )
    given = {"token": issuer.token(), "clocks": Time().clocks}
    exec(compile(code, str(PAGE), "exec"), given)
    assert given["principal"].user_id == "ada"
    given["verifier"].close()


@pytest.mark.anyio
async def test_fastapi_guards_with_it(issuer, verifier):
    given = {"verifier": verifier}
    exec(compile(block("frameworks.fastapi"), str(PAGE), "exec"), given)
    transport = httpx.ASGITransport(given["app"])
    async with httpx.AsyncClient(transport=transport, base_url=AUDIENCE) as client:
        answer = await client.get("/things", headers=bearer(issuer.token()))
        assert (answer.status_code, answer.json()) == (200, {"things_of": "ada"})
        assert (await client.get("/things")).json()["code"] == "unauthenticated"
        refused = await client.get("/things", headers=bearer(issuer.token(iss="another")))
        assert SESSION_OVER.items() <= refused.json().items()


def test_flask_guards_with_it(issuer, verifier):
    given = {"verifier": verifier, "__name__": "things"}
    exec(
        compile(block("frameworks.flask").replace('"editor"', '"writer"'), str(PAGE), "exec"), given
    )
    client = given["app"].test_client()
    answer = client.get("/things", headers=bearer(issuer.token()))
    assert (answer.status_code, answer.json) == (200, {"things_of": "ada"})
    assert client.get("/things", headers=bearer(issuer.token(roles=[]))).status_code == 403
    refused = client.get("/things", headers=bearer(issuer.token(iss="another")))
    assert SESSION_OVER.items() <= refused.json.items()


def test_another_issuers_form_is_made_as_told():
    from admit import Verifier

    code = block('form="auth0"')
    made = eval(compile(code, str(PAGE), "eval"), {"Verifier": Verifier})
    assert made.follows_revocations is False
