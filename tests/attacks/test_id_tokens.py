"""An ID token says to a client who signed in; whoever gets hold of one must open no API with it.

It is signed with the same key, by the same issuer, for the same user. Each is tried also where the
audience was set to the client's own id, as people do.
"""

import json
from typing import Any

import pytest

from admit.errors import InvalidToken
from tests.verifier import forms
from tests.verifier.forms import CLIENT, made, published, token
from tests.verifier.scripted import Time, looking_often, scripted

JWKS = "/auth/.well-known/jwks.json"
ID_TOKENS: dict[str, dict[str, Any]] = {
    "auth0": {
        "aud": CLIENT,
        "nickname": "ada",
        "email": "ada@example.com",
        "sid": "5e551011",
        "without": ("azp", "scope", "permissions"),
    },
    "cognito": {
        "token_use": "id",
        "aud": CLIENT,
        "cognito:username": "ada",
        "without": ("client_id", "scope"),
    },
    "supabase": {"aud": CLIENT, "without": ("role", "session_id", "aal", "amr")},
    "keycloak": {"typ": "ID", "aud": "front-end", "without": ("realm_access", "resource_access")},
}
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "auth0, as its client names itself": ("auth0", {"aud": CLIENT, "azp": CLIENT}),
    "auth0, with a nonce": ("auth0", {"nonce": "n-0S6_WzA2Mj"}),
    "auth0, with a hash of the access token": ("auth0", {"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}),
    "cognito, for a client that says it is one": ("cognito", {"token_use": "id"}),
    "cognito, of no use": ("cognito", {"without": ("token_use",)}),
    "keycloak, of a refresh": ("keycloak", {"typ": "Refresh"}),
    "keycloak, of a logout": ("keycloak", {"typ": "Logout"}),
    "keycloak, of no type": ("keycloak", {"without": ("typ",)}),
    "keycloak, bound to a key": ("keycloak", {"typ": "DPoP"}),
    "supabase, without a session": ("supabase", {"without": ("session_id",)}),
    "bound to a key that nobody shows": ("auth0", {"cnf": {"jkt": "0ZcOCORZNYy"}}),
    "bound to a certificate": ("cognito", {"cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsX"}}),
}
HEADERS: list[dict[str, Any]] = [
    {"typ": "logout+jwt"},
    {"typ": "dpop+jwt"},
    {"crit": ["exp"]},
    {"jwk": {"kty": "oct"}},
    {"alg": "none"},
]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    looking_often(monkeypatch)


@pytest.fixture(scope="module")
def issuer():
    with scripted() as issuer:
        for form in forms.GOOD:
            path = forms.PATHS.get(form, f"/{form}/.well-known/jwks.json")
            path = path if form == "keycloak" else JWKS.replace("/auth", f"/{form}")
            issuer.answers[path] = json.dumps({"keys": published(form)}).encode()
        yield issuer


def refused(issuer, form, text, **more):
    url = issuer.url if form == "keycloak" else issuer.url.replace("/auth", f"/{form}")
    with made(form, url, Time().clocks, **more) as verifier:
        assert verifier.verify(token(form, **good_for(form, more))).user_id
        with pytest.raises(InvalidToken) as refusal:
            verifier.verify(text)
    return refusal.value.reason is None


def good_for(form, more):
    """What an access token for this audience would say; at Auth0 none says a client's id."""
    if "audience" not in more or form == "cognito":
        return {}
    return {"aud": more["audience"], "azp": "another" if form == "auth0" else "front-end"}


@pytest.mark.parametrize("form", ID_TOKENS)
def test_an_id_token_opens_nothing(issuer, form):
    assert refused(issuer, form, token(form, **ID_TOKENS[form]))


@pytest.mark.parametrize("form", ID_TOKENS)
def test_an_id_token_opens_nothing_where_the_audience_is_its_client(issuer, form):
    given = ID_TOKENS[form]
    assert refused(issuer, form, token(form, **given), audience=given["aud"])


@pytest.mark.parametrize("name", OTHERS)
def test_another_token_of_the_same_key_opens_nothing(issuer, name):
    form, changed = OTHERS[name]
    more = {"audience": CLIENT} if changed.get("aud") == CLIENT else {}
    assert refused(issuer, form, token(form, **changed), **more)


@pytest.mark.parametrize("head", HEADERS, ids=str)
@pytest.mark.parametrize("form", ID_TOKENS)
def test_a_header_of_something_else_opens_nothing(issuer, form, head):
    assert refused(issuer, form, token(form, head=head))


def test_a_token_of_another_issuer_of_the_same_form_opens_nothing(issuer):
    assert refused(issuer, "cognito", token("cognito", iss=forms.COGNITO[:-1] + "X"))
    assert refused(issuer, "auth0", token("auth0", iss=forms.AUTH0[:-1]))


def test_a_scope_that_a_client_asked_for_is_no_role(issuer):
    """Without RBAC, Auth0 grants every scope that is asked for."""
    with made("auth0", issuer.url.replace("/auth", "/auth0"), Time().clocks) as verifier:
        found = verifier.verify(token("auth0", scope="admin", without=("permissions",)))
    assert found.roles == ()
