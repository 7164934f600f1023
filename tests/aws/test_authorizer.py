"""The authorizer before a real server: every event of the vectors, and everything that revokes."""

import asyncio
import time

import httpx
import pytest

from admit import Admit
from admit.aws.authorizing import Unauthorized
from admit.errors import Unavailable
from tests.aws import guarded
from tests.aws.guarded import STAGE, guard, http_event, request_event, token_event
from tests.cheap import cheap
from tests.verifier.scripted import KEY

PATIENCE = 60.0
LOGIN = {"email": "ada@example.com", "password": "correct horse battery"}


class Sight:
    """A server, its user's tokens, and an authorizer before another API."""

    def __init__(self, server, authorizer, time):
        self.server, self.authorizer, self.time = server, authorizer, time
        self.url = f"{server.url}/auth"

    def register(self):
        assert httpx.post(f"{self.url}/register", json=LOGIN).status_code == 201
        return self.sign_in()

    def sign_in(self):
        body = {"login": LOGIN["email"], "password": LOGIN["password"], "delivery": "body"}
        answer = httpx.post(f"{self.url}/login", json=body)
        assert answer.status_code == 200
        return answer.json()

    def sign_out(self, tokens):
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert httpx.post(f"{self.url}/logout", headers=bearer).status_code == 204

    def ask(self, token):
        """The answer to an HTTP API, which never is an error where a token is bad."""
        return self.authorizer(http_event(token))

    def passed(self, token):
        return self.ask(token)["isAuthorized"]

    def refused_soon(self, token):
        """The reason, once the server knows and the authorizer has looked."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.time.passes(0.5)
            answer = self.ask(token)
            if not answer["isAuthorized"]:
                return answer["context"]["reason"]
            time.sleep(0.02)
        raise AssertionError("it is let in still")

    def roles(self, tokens, *, add=(), remove=()):
        user = tokens["user"]["id"]
        self.elsewhere(
            lambda auth: auth.accounts.set_roles(user, add=add, remove=remove, now=auth.clock())
        )

    def elsewhere(self, change):
        """Have another process on the same data do something: `change` is given its Admit."""

        async def done():
            settings = cheap(data_dir=self.server.auth.settings.data_dir, verifier_keys=(KEY,))
            async with Admit(settings, clock=self.server.clock) as auth:
                return await change(auth)

        return asyncio.run(done())


@pytest.fixture
def sight(live):
    with live(verifier_keys=(KEY,)) as server:
        time = guarded.Live(server.clock)
        with guard(f"{server.url}/auth", time.clocks) as authorizer:
            yield Sight(server, authorizer, time)


def test_every_event_of_the_vectors_is_answered_in_its_form(sight):
    tokens = sight.register()
    events = guarded.vectors()
    assert len(events) >= 11
    for name, event in events.items():
        answer = sight.authorizer(guarded.with_token(event, tokens["access_token"]))
        context = answer["context"]
        assert context["user_id"] == tokens["user"]["id"], name
        if event.get("version") == "2.0":
            assert answer == {"isAuthorized": True, "context": context}, name
            continue
        arn = event["methodArn"]
        (statement,) = answer["policyDocument"]["Statement"]
        assert answer["principalId"] == tokens["user"]["id"], name
        assert statement["Effect"] == "Allow", name
        # The whole stage: the method and the path are left out.
        assert statement["Resource"] == "/".join([*arn.split("/")[:2], "*"]), name


def test_every_event_of_the_vectors_is_refused_in_its_form_without_a_good_token(sight):
    sight.register()
    for name, event in guarded.vectors().items():
        for changed in (event, guarded.with_token(event, "x.y.z")):
            if "version" not in event:
                with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
                    sight.authorizer(changed)
                continue
            answer = sight.authorizer(changed)
            if event["version"] == "2.0":
                assert answer["isAuthorized"] is False, name
            else:
                (statement,) = answer["policyDocument"]["Statement"]
                assert statement["Effect"] == "Deny", name
                assert statement["Resource"].endswith("/test/*"), name


def test_what_the_api_behind_gets_to_know_is_plain_and_never_the_token(sight):
    tokens = sight.register()
    sight.roles(tokens, add=("admin", "writer"))
    tokens = sight.sign_in()
    for event in (http_event(tokens["access_token"]), token_event(tokens["access_token"])):
        answer = sight.authorizer(event)
        context = answer["context"]
        assert context == {
            "user_id": tokens["user"]["id"],
            "session_id": context["session_id"],
            "roles": "admin writer",
            "auth_time": int(sight.server.clock()),
        }
        assert all(type(value) in {str, int} for value in context.values())
        assert tokens["access_token"] not in str(answer)
        assert tokens["access_token"].rpartition(".")[2] not in str(answer)


def test_an_expired_token_is_refused_and_says_so(sight):
    token = sight.register()["access_token"]
    assert sight.passed(token)
    sight.time.passes(911)
    answer = sight.ask(token)
    assert answer["isAuthorized"] is False
    assert answer["context"]["reason"] == "expired"
    with pytest.raises(Unauthorized):
        sight.authorizer(token_event(token))


def test_who_signed_out_is_refused_at_the_next_look(sight):
    tokens = sight.register()
    assert sight.passed(tokens["access_token"])
    sight.sign_out(tokens)
    assert sight.passed(tokens["access_token"])  # within the bound nothing is asked
    sight.time.passes(0.5)
    answer = sight.ask(tokens["access_token"])
    assert (answer["isAuthorized"], answer["context"]["reason"]) == (False, "signed_out")
    assert sight.passed(sight.sign_in()["access_token"])


def test_a_token_with_a_role_that_was_taken_away_is_refused(sight):
    tokens = sight.register()
    sight.roles(tokens, add=("admin",))
    token = sight.sign_in()["access_token"]
    assert sight.ask(token)["context"]["roles"] == "admin"
    sight.roles(tokens, remove=("admin",))
    assert sight.refused_soon(token) == "revoked"
    assert sight.ask(sight.sign_in()["access_token"])["context"]["roles"] == ""


def test_what_a_withdrawn_key_signed_is_refused_and_its_successor_is_known(sight):
    token = sight.register()["access_token"]
    assert sight.passed(token)

    async def withdraw(auth):
        (key,) = auth.keys.state
        return await auth.keys.withdraw(key.kid, auth.clock())

    sight.elsewhere(withdraw)
    assert sight.refused_soon(token) == ""
    until = time.monotonic() + PATIENCE
    while not sight.passed(sight.sign_in()["access_token"]):  # the server reads its keys next
        assert time.monotonic() < until


def test_a_key_that_was_rotated_is_known_when_it_signs(sight):
    token = sight.register()["access_token"]
    assert sight.passed(token)
    kid = sight.elsewhere(lambda auth: auth.keys.rotate(auth.clock()))
    until = time.monotonic() + PATIENCE
    while kid not in httpx.get(f"{sight.url}/.well-known/jwks.json").text:
        assert time.monotonic() < until
    sight.time.passes(301)  # past jwks_max_age it signs
    fresh = sight.sign_in()["access_token"]
    assert sight.passed(fresh)
    assert sight.passed(token)


def test_a_policy_is_answered_where_the_api_wants_one(live):
    with live(verifier_keys=(KEY,)) as server:
        time = guarded.Live(server.clock)
        url = f"{server.url}/auth"
        with guard(url, time.clocks, authorizer_answer="policy") as authorizer:
            sight = Sight(server, authorizer, time)
            token = sight.register()["access_token"]
            good, bad = authorizer(http_event(token)), authorizer(http_event("x.y.z"))
    for answer, effect in ((good, "Allow"), (bad, "Deny")):
        (statement,) = answer["policyDocument"]["Statement"]
        assert statement == {
            "Action": "execute-api:Invoke",
            "Effect": effect,
            "Resource": f"{STAGE}/*",
        }
    assert bad["principalId"] == "nobody"
    assert bad["context"]["code"] == "invalid_token"


def test_a_rest_api_that_wants_reasons_is_denied_what_can_never_be_good_again(live):
    with live(verifier_keys=(KEY,)) as server:
        time = guarded.Live(server.clock)
        url = f"{server.url}/auth"
        with guard(url, time.clocks, authorizer_refusal="deny") as authorizer:
            sight = Sight(server, authorizer, time)
            tokens = sight.register()
            assert authorizer(token_event(tokens["access_token"]))["principalId"] != "nobody"
            sight.sign_out(tokens)
            time.passes(0.5)
            answer = authorizer(token_event(tokens["access_token"]))
            assert answer["context"]["reason"] == "signed_out"
            assert answer["policyDocument"]["Statement"][0]["Effect"] == "Deny"
            # Forged, or none: nothing to say, and nothing to keep in a cache.
            for text in ("x.y.z", ""):
                with pytest.raises(Unauthorized):
                    authorizer(token_event(text))


def test_nobody_gets_in_with_a_key_that_the_issuer_does_not_know(live, caplog):
    with live(verifier_keys=("another key than the authorizer's 0123456789",)) as server:
        time = guarded.Live(server.clock)
        with guard(f"{server.url}/auth", time.clocks) as authorizer:
            sight = Sight(server, authorizer, time)
            token = sight.register()["access_token"]
            with pytest.raises(Unavailable):
                sight.ask(token)
    assert "401" in caplog.text
    assert KEY not in caplog.text


FOUND = [
    lambda text: token_event(f"Bearer {text}"),
    lambda text: token_event(f"bearer {text}"),
    lambda text: token_event(f"BEARER  {text} "),
    token_event,
    lambda text: request_event({"Authorization": f"Bearer {text}"}),
    lambda text: request_event({"authorization": f"bearer {text}"}),
    lambda text: request_event({"AUTHORIZATION": f"Bearer {text}"}),
    lambda text: request_event(multiValueHeaders={"authorization": [f"Bearer {text}"]}),
    lambda text: request_event(
        {"Authorization": f"Bearer {text}"},
        multiValueHeaders={"Authorization": [f"Bearer {text}"]},
    ),
    lambda text: http_event(text, cookies=["admit-access=x.y.z"]),
    lambda text: http_event(text, headers={}, identitySource=[f"Bearer {text}"]),
    lambda text: http_event(text, headers={}, identitySource=[text]),
    lambda text: request_event(version="1.0", identitySource=f"Bearer {text}"),
]


def test_a_token_is_found_in_every_form_that_api_gateway_hands_it_on(sight):
    token = sight.register()["access_token"]
    for number, event in enumerate(FOUND):
        assert "user_id" in sight.authorizer(event(token))["context"], number


ELSEWHERE = [
    lambda text: token_event(f"Basic {text}"),
    lambda text: token_event(f"Bearer{text}"),
    lambda text: token_event(""),
    lambda text: token_event(None),
    lambda text: {"type": "TOKEN", "methodArn": f"{STAGE}/GET/"},
    lambda text: request_event({"Authorization": f"Basic {text}"}),
    lambda text: request_event({"Authorization": text}),
    lambda text: request_event({"X-Authorization": f"Bearer {text}"}),
    lambda text: request_event({"Authorization": "Basic x"}, identitySource=f"Bearer {text}"),
    lambda text: request_event({"Cookie": f"admit-access={text}"}),
    lambda text: request_event(queryStringParameters={"access_token": text}),
    lambda text: request_event(None, multiValueHeaders=None),
]


def test_a_token_elsewhere_is_none(sight):
    token = sight.register()["access_token"]
    for event in ELSEWHERE:
        with pytest.raises(Unauthorized):
            sight.authorizer(event(token))


TWICE = [
    lambda text: http_event(text, headers={}, cookies=[f"admit-access={text}"]),
    lambda text: http_event(text, headers={}, identitySource=[f"Bearer {text}", "1"]),
    lambda text: http_event(text, headers={"authorization": f"Bearer {text},Bearer {text}"}),
    lambda text: http_event(
        text, headers={"authorization": f"Bearer {text}", "Authorization": f"Bearer {text}"}
    ),
]


def test_a_token_in_two_places_or_in_a_cookie_is_refused(sight):
    token = sight.register()["access_token"]
    for number, event in enumerate(TWICE):
        assert sight.authorizer(event(token))["isAuthorized"] is False, number


def test_a_token_in_two_headers_is_refused(sight):
    text = f"Bearer {sight.register()['access_token']}"
    with pytest.raises(Unauthorized):
        sight.authorizer(request_event(multiValueHeaders={"Authorization": [text, text]}))


ARNS = [
    (STAGE, STAGE),
    (f"{STAGE}/$default", STAGE),
    (f"{STAGE}/GET/", STAGE),
    (f"{STAGE}/GET/a:b/c:d/*", STAGE),
    (f"{STAGE}/POST/x/arn:aws:execute-api:eu-central-1:1:other/prod/GET/", STAGE),
    (f"{STAGE}/GET/line\nbreak", STAGE),
    (
        "arn:aws-us-gov:execute-api:us-gov-west-1:1:abc/$default/GET/x",
        "arn:aws-us-gov:execute-api:us-gov-west-1:1:abc/$default",
    ),
]


def test_a_policy_speaks_of_the_whole_stage_whatever_the_path(sight):
    token = sight.register()["access_token"]
    for arn, stage in ARNS:
        answer = sight.authorizer(token_event(token) | {"methodArn": arn})
        assert answer["policyDocument"]["Statement"][0]["Resource"] == f"{stage}/*"


OTHERS: list[dict[str, object]] = [
    {},
    {"type": "TOKEN"},
    {"type": "TOKEN", "methodArn": "arn:aws:execute-api:eu:1:*/prod/GET/"},
    {"type": "TOKEN", "methodArn": "arn:aws:lambda:eu:1:function/prod/GET/"},
    {"type": "TOKEN", "methodArn": "arn:aws:execute-api:eu:1:abc"},
    {"type": "TOKEN", "methodArn": 1},
    {"type": "OTHER", "methodArn": f"{STAGE}/GET/"},
    {"type": "REQUEST", "version": "3.0", "methodArn": f"{STAGE}/GET/"},
    {"type": "REQUEST", "version": "2.0", "methodArn": f"{STAGE}/GET/"},
    {"version": "2.0", "rawPath": "/", "headers": {}},
]


def test_an_event_of_something_else_is_answered_with_no_policy(sight):
    token = sight.register()["access_token"]
    for event in OTHERS:
        with pytest.raises(ValueError, match="no event that API Gateway sends"):
            sight.authorizer({"authorizationToken": token, **event})
