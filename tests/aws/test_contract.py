"""The HTTP contract through each kind of event that the function understands.

Coverage doubles what a test costs: one kind is measured here, and each in test_events.
"""

from functools import partial

import pytest

from admit.testing.http_caller import EMAIL, PASSWORD, refused
from admit.testing.http_contract import HTTPContract
from admit.testing.http_refusals import NEEDS_A_BEARER
from admit.testing.http_revocations import KEY

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_sqlite")]


class TestREST(HTTPContract):
    """Through an API Gateway REST API."""

    @pytest.fixture
    def serve(self, through):
        return partial(through, "rest")


@pytest.mark.no_cover
class TestHTTP(HTTPContract):
    """Through an API Gateway HTTP API, payload 2.0."""

    @pytest.fixture
    def serve(self, through):
        return partial(through, "http", base_url="https://auth.example.com")


@pytest.mark.no_cover
class TestFunctionURL(HTTPContract):
    """Through a Lambda Function URL."""

    @pytest.fixture
    def serve(self, through):
        return partial(through, "url", base_url="https://auth.example.com")


@pytest.mark.no_cover
class TestBalancedMultiValue(HTTPContract):
    """Through a load balancer whose target group has multi-value headers."""

    @pytest.fixture
    def serve(self, through):
        return partial(through, "alb-multi", base_url="https://auth.example.com")


@pytest.mark.no_cover
class TestBalanced(HTTPContract):
    """Through a load balancer whose target group has not: of what comes twice it sends the last.

    So two tokens can't be seen to be two. Nothing is
    lost by it: whoever stands behind the load balancer sees the same one.
    """

    @pytest.fixture
    def serve(self, through):
        return partial(through, "alb")

    async def test_two_authorization_headers_are_malformed(self, serve):
        """The last counts, whatever stands before it."""
        async with serve() as service:
            await service.register()
            token = (await service.sign_in())["access_token"]
            for first, last, status in (("x", token, 200), (token, "x", 401)):
                headers = [("Authorization", f"Bearer {each}") for each in (first, last)]
                answer = await service.send("GET", "/me", headers=headers)
                assert answer.status_code == status
            for method, path in NEEDS_A_BEARER:
                headers = [("Authorization", f"Bearer {each}") for each in (token, "x")]
                refused(await service.send(method, path, headers=headers), 401, "invalid_token")

    async def test_a_token_in_two_places_is_refused(self, serve):
        """In two headers of one name the last counts; any two others are refused."""
        async with serve() as service:
            await service.register()
            token = (await service.sign_in())["refresh_token"]
            cookies, headers = {service.refresh_cookie: token}, {"Refresh-Token": token}
            body = {"refresh_token": token}
            for path in ("/refresh", "/logout"):
                for two in (
                    await service.send("POST", path, cookies=cookies, headers=headers),
                    await service.send("POST", path, cookies=cookies, json=body),
                    await service.send("POST", path, headers=headers, json=body),
                ):
                    refused(two, 400, "malformed")
            twice = [("Refresh-Token", token), ("Refresh-Token", "x")]
            answer = await service.send("POST", "/refresh", headers=twice)
            refused(answer, 401, "refresh_refused", reason="malformed")

    async def test_only_a_verifiers_key_reads_the_feed(self, serve):
        """As everywhere, but for two keys at once."""
        async with serve(verifier_keys=KEY) as service:
            for key, status in ((KEY, 200), ("x" * 32, 401), (f"{KEY},{KEY}", 401)):
                answer = await service.send("GET", "/revocations", bearer=key)
                assert answer.status_code == status
            twice = [("Authorization", f"Bearer {each}") for each in (KEY, "x")]
            answer = await service.send("GET", "/revocations", headers=twice)
            refused(answer, 401, "invalid_token")

    async def test_what_is_asked_is_read_strictly(self, serve):
        """As everywhere, but for what is asked twice."""
        async with serve(verifier_keys=KEY) as service:
            for query, wrong in (("after=x", "after"), ("wait=31", "wait"), ("x=1", "x")):
                answer = await service.send("GET", f"/revocations?{query}", bearer=KEY)
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == {wrong}
            answer = await service.send("GET", "/revocations?wait=x&wait=0", bearer=KEY)
            assert answer.status_code == 200


@pytest.mark.parametrize("form", ["rest", "http"])
@pytest.mark.parametrize("prefix", ["/auth", "/prod/auth"])
async def test_a_named_stage_stands_before_every_path(form, prefix, through):
    """Whether the routes' prefix names it or not; without it there is nothing."""
    async with through(form, stage="prod", prefix=prefix) as service:
        body = {"email": EMAIL, "password": PASSWORD}
        asked = service.client.request
        answer = await asked("POST", "/prod/auth/register", json=body)
        assert answer.status_code == 201
        assert (await asked("GET", "/prod/healthz")).status_code == 200
        assert (await asked("GET", "/prod/x/auth/me")).status_code == 404
        assert (await asked("GET", "/prod/me")).status_code == 404


async def test_who_is_seen_by_no_gateway_is_limited_all_the_same(through):
    """An event without an address, as from the console's test button: they all count as one."""
    async with through("http", peer="") as service:
        await service.register()
        body = {"login": EMAIL, "password": "wrong one"}
        tries = [await service.send("POST", "/login", json=body) for _ in range(6)]
        assert [each.status_code for each in tries] == [401] * 5 + [429]
