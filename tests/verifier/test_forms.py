"""Access tokens of other issuers: what is read from them, and by which keys."""

import json

import pytest
from joserfc.jwk import ECKey

from admit.errors import Forbidden, InsufficientUserAuthentication, InvalidToken
from admit.guards.gate import Needs
from admit.verifier.forms import FORMS, Auth0
from tests.attacks.forging import signed
from tests.verifier import forms
from tests.verifier.forms import GOOD, MAKERS, by_hand, made, published, token
from tests.verifier.scripted import NOW, Time, answering, looking_often, scripted

JWKS = "/auth/.well-known/jwks.json"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    looking_often(monkeypatch)


@pytest.fixture(scope="module")
def issuer():
    with scripted() as issuer:
        yield issuer


@pytest.fixture
def time():
    return Time()


@pytest.fixture(params=sorted(GOOD))
def form(request, issuer):
    listed = json.dumps({"keys": published(request.param)}).encode()
    issuer.answers = {forms.PATHS.get(request.param, JWKS): listed}
    return request.param


@pytest.fixture
def verifier(form, issuer, time):
    with made(form, issuer.url, time.clocks) as verifier:
        yield verifier


def refused(verifier, text):
    with pytest.raises(InvalidToken) as refusal:
        verifier.verify(text)
    return refusal.value


READ = {
    "auth0": (("read:things", "write:things"), "", 0.0),
    "cognito": (("editors", "readers"), "0f0f0f0f-aaaa-bbbb-cccc-ddddeeeeffff", NOW - 90),
    "supabase": (("authenticated",), "5e551011-0000-4000-8000-123456789abc", NOW - 400),
    "keycloak": (
        ("editor", "offline_access"),
        "5e551011-dead-beef-0000-123456789abc",
        NOW - 70,
    ),
}


def test_who_calls_is_read_as_the_form_says(verifier, form):
    found = verifier.verify(token(form))
    assert found.user_id == GOOD[form]["sub"]
    assert (found.roles, found.session_id, found.auth_time) == READ[form]
    assert (found.expires_at, found.version) == (NOW + 3_600, 0)
    assert found.claims == GOOD[form]
    assert not verifier.follows_revocations


def test_what_is_not_said_is_nothing(verifier, form):
    """No role and no sign-in that could be recent."""
    names = ("permissions", "cognito:groups", "realm_access", "auth_time", "amr", "sid")
    found = verifier.verify(token(form, without=(*names, "origin_jti")))
    assert found.auth_time == 0.0
    assert found.roles == (("authenticated",) if form == "supabase" else ())


def test_a_sign_in_at_no_time_is_none():
    assert [FORMS["keycloak"].auth_time({"auth_time": each}) for each in (10**400, "1", True)] == [
        0
    ] * 3


def test_a_guard_stands_on_it(verifier, form):
    class Headers(dict):
        def getlist(self, name):
            return [self[name]] if name in self else []

    headers = Headers(authorization=f"Bearer {token(form)}")
    role = READ[form][0][0]
    found = verifier.gate.admit(headers, Needs(role=role), changing=True)
    assert found.user_id == GOOD[form]["sub"]
    with pytest.raises(Forbidden):
        verifier.gate.admit(headers, Needs(role="admin:everything"), changing=True)
    with pytest.raises(InsufficientUserAuthentication):
        verifier.gate.admit(headers, Needs(within=60), changing=True)


@pytest.mark.parametrize(
    "head", [{"typ": None}, {"typ": "at+jwt"}, {"typ": "application/at+jwt"}, {"typ": "jwt"}]
)
def test_a_type_of_an_access_token_or_none_is_taken(verifier, form, head):
    assert verifier.verify(token(form, head=head)).user_id


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example.com/"},
        {"sub": ""},
        {"sub": None},
        {"exp": None},
        {"exp": 10**400},
        {"iat": -(10**400)},
        {"iat": None},
        {"iat": int(NOW) + 100},
        {"nbf": int(NOW) + 100},
        {"iss": None},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_a_wrong_claim_is_refused(verifier, form, changed):
    without = [name for name, value in changed.items() if value is None]
    given = {name: value for name, value in changed.items() if value is not None}
    assert refused(verifier, token(form, without=without, **given))


def test_another_audience_is_refused(form, issuer, time):
    with made(form, issuer.url, time.clocks, audience="another") as verifier:
        assert refused(verifier, token(form))


def test_it_expires_by_the_issuers_word_or_ours(form, issuer, time):
    with made(form, issuer.url, time.clocks, access_ttl=120) as verifier:
        text = token(form)
        assert verifier.verify(text).expires_at == NOW + 60
        time.passes(70)
        assert refused(verifier, text).reason == "expired"


def test_keycloaks_own_client_is_an_audience_too(issuer, time):
    issuer.answers = {forms.PATHS["keycloak"]: json.dumps({"keys": published("keycloak")}).encode()}
    with made("keycloak", issuer.url, time.clocks, audience="front-end") as verifier:
        assert verifier.verify(token("keycloak", aud="account")).user_id


def test_roles_may_be_elsewhere(issuer, time):
    """A claim of one's own at Auth0; those of a client at Keycloak; what is no list of names."""
    issuer.answers = {
        JWKS: json.dumps({"keys": published("auth0")}).encode(),
        forms.PATHS["keycloak"]: json.dumps({"keys": published("keycloak")}).encode(),
    }
    own = "https://example.com/roles"
    with made("auth0", issuer.url, time.clocks, roles=own) as verifier:
        assert verifier.verify(token("auth0", **{own: ["a", 1, "b"]})).roles == ("a", "b")
        assert verifier.verify(token("auth0", **{own: "c"})).roles == ("c",)
        assert verifier.verify(token("auth0", **{own: {"d": 1}})).roles == ()
    path = ("resource_access", "things", "roles")
    with made("keycloak", issuer.url, time.clocks, roles=path) as verifier:
        assert verifier.verify(token("keycloak")).roles == ("approver",)
        assert verifier.verify(token("keycloak", resource_access=["x"])).roles == ()


def test_a_form_can_be_ones_own(issuer, time):
    """What another issuer does differently is a subclass of five lines."""

    class Like(Auth0):
        roles = ("https://example.com/groups",)

    issuer.answers = {JWKS: json.dumps({"keys": published("auth0")}).encode()}
    with made("auth0", issuer.url, time.clocks, form=Like()) as verifier:
        text = token("auth0", **{"https://example.com/groups": ["x"]})
        assert verifier.verify(text).roles == ("x",)


@pytest.mark.parametrize("algorithm", sorted(MAKERS))
@pytest.mark.parametrize("said", [True, False])
def test_a_key_verifies_with_the_algorithm_of_its_kind(issuer, time, algorithm, said):
    """Whether it names it or not."""
    key = MAKERS[algorithm]
    jwk = key.as_dict(private=False) | {"kid": "one"} | ({"alg": algorithm} if said else {})
    issuer.answers = {JWKS: json.dumps({"keys": [jwk]}).encode()}
    with made("auth0", issuer.url, time.clocks) as verifier:
        header = {"alg": algorithm, "kid": "one", "typ": "JWT"}
        assert verifier.verify(by_hand(header, GOOD["auth0"], key)).user_id
        if algorithm == "RS256":
            for other in ("RS512", "PS256"):
                assert refused(verifier, signed(header | {"alg": other}, GOOD["auth0"], key))
        if algorithm == "EdDSA":  # by either of its names
            text = by_hand(header | {"alg": "Ed25519"}, GOOD["auth0"], key)
            assert verifier.verify(text).user_id


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"alg": "RSA-OAEP"},
        {"alg": "HS256"},
        {"key_ops": ["encrypt"]},
        {"kty": "EC"},
        {"n": "AQAB"},
        {"d": "AQAB"},
        {"kty": "oct", "k": "AQAB"},
        {"kid": 1},
    ],
    ids=str,
)
def test_a_key_for_something_else_is_left_out(issuer, time, changed):
    jwk = published("auth0")[0] | changed
    issuer.answers = {JWKS: json.dumps({"keys": [jwk]}).encode()}
    with made("auth0", issuer.url, time.clocks) as verifier:
        assert refused(verifier, token("auth0"))


def test_a_rotation_is_followed(form, issuer, time, verifier):
    """By an unknown key, once; the issuer says for how long the rest is good."""
    path = forms.PATHS.get(form, JWKS)
    newer = ECKey.generate_key("P-256")
    jwk = newer.as_dict(private=False) | {"kid": "newer", "use": "sig", "alg": "ES256"}
    listed = json.dumps({"keys": [*published(form), jwk]}).encode()
    issuer.answers = {path: answering(200, listed, Cache_Control="max-age=3600")}
    text = signed({"alg": "ES256", "kid": "newer", "typ": "JWT"}, GOOD[form], newer)
    assert verifier.verify(text).user_id
    assert verifier.verify(token(form)).user_id


def test_the_forms_are_these():
    assert sorted(FORMS) == ["auth0", "cognito", "keycloak", "supabase"]
