"""The OpenAPI document says what the service does, and the service does what it says."""

import asyncio
import json
import subprocess
import sys

import httpx
import pytest

from admit import Admit
from admit.errors import Refusal
from admit.http.admin import operations as administer
from admit.http.operations import operations
from admit.http.routes import Routes
from admit.testing.http_caller import EMAIL, PASSWORD
from admit.testing.http_revocations import KEY
from tests.cheap import cheap

pytestmark = pytest.mark.anyio
BY_ROLE = {"admin_role": "admin"}
ROUTES = {
    "post /auth/register": {201, 400, 403, 409, 413, 415, 422, 429, 503},
    "post /auth/login": {200, 400, 401, 403, 413, 415, 422, 429, 503},
    "post /auth/refresh": {200, 400, 401, 403, 413, 415, 422, 429, 503},
    "post /auth/logout": {204, 400, 403, 413, 415, 422, 503},
    "post /auth/logout/all": {204, 400, 401, 413, 503},
    "get /auth/me": {200, 400, 401, 413, 503},
    "post /auth/password": {204, 400, 401, 413, 415, 422, 429, 503},
    "get /auth/sessions": {200, 400, 401, 413, 503},
    "delete /auth/sessions/{id}": {204, 400, 401, 404, 413, 503},
    "get /auth/revocations": {200, 304, 400, 401, 413, 422, 503},
    "get /auth/.well-known/jwks.json": {200, 413, 503},
}
"""Every status that a route can answer."""
ADMIN = {
    "get /auth/admin/users": {200, 400, 401, 403, 413, 422, 503},
    "get /auth/admin/users/{id}": {200, 400, 401, 403, 404, 413, 422, 503},
    "get /auth/admin/users/{id}/sessions": {200, 400, 401, 403, 404, 413, 422, 503},
    "delete /auth/admin/users/{id}/sessions": {200, 400, 401, 403, 404, 413, 422, 503},
    "post /auth/admin/users/{id}/disable": {200, 400, 401, 403, 404, 413, 415, 422, 503},
    "post /auth/admin/users/{id}/enable": {200, 400, 401, 403, 404, 413, 415, 422, 503},
    "post /auth/admin/users/{id}/roles": {200, 400, 401, 403, 404, 413, 415, 422, 503},
    "get /auth/admin/sessions": {200, 400, 401, 403, 413, 422, 503},
    "get /auth/admin/sessions/{id}": {200, 400, 401, 403, 404, 413, 422, 503},
    "delete /auth/admin/sessions/{id}": {204, 400, 401, 403, 404, 413, 422, 503},
    "get /auth/admin/events": {200, 400, 401, 403, 413, 422, 503},
    "get /auth/admin/activity": {200, 400, 401, 403, 413, 422, 503},
}
"""The same where a role administers."""

# Every check but one.
LEFT_OUT = {
    # It wants whatever fits the schema to be accepted, and no schema says which passwords are
    # among the common ones, which texts are e-mail addresses, or that two fields must differ.
    "positive_data_acceptance",
}
# What refuses bad data; by itself the tool doesn't count 413.
CONFIG = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]
"""


async def document(service):
    return (await service.send("GET", "/openapi.json")).json()


@pytest.mark.parametrize(("settings", "routes"), [({}, ROUTES), (BY_ROLE, ROUTES | ADMIN)])
async def test_every_route_is_described_with_every_status(serve, settings, routes):
    async with serve(**settings) as service:
        described = {
            f"{method} {path}": {int(status) for status in operation["responses"]}
            for path, methods in (await document(service))["paths"].items()
            for method, operation in methods.items()
        }
        assert described == routes


async def test_every_operation_is_described_and_exists(serve):
    """None is routed but not described, and each has a name of its own."""
    async with serve(**BY_ROLE) as service:
        paths = (await document(service))["paths"]
        served = [*operations(Routes(service.auth)), *administer(service.auth)]
        prefix = service.settings.prefix
        assert {(prefix + each.path, each.method.lower()) for each in served} == {
            (path, method) for path, methods in paths.items() for method in methods
        }
        names = [each["operationId"] for methods in paths.values() for each in methods.values()]
        assert len(set(names)) == len(names)
        for path, methods in paths.items():
            for method in methods:
                answer = await service.send(
                    method.upper(), path.removeprefix(prefix).replace("{id}", "x" * 22)
                )
                assert answer.status_code not in {404, 405}, path


async def test_every_refusals_code_is_among_those_described(serve):
    """And every reference leads somewhere."""
    async with serve() as service:
        described = await document(service)
        schemas = described["components"]["schemas"]
        codes = {each.code for each in Refusal.__subclasses__()}
        assert set(schemas["Problem"]["properties"]["code"]["enum"]) == codes
        text = json.dumps(described)
        for reference in (part.split('"')[0] for part in text.split('"$ref": "')[1:]):
            assert reference.removeprefix("#/components/schemas/") in schemas


async def test_the_documents_bounds_follow_the_settings(serve):
    """The shortest password, the prefix, the cookie's name."""
    settings = {"password_min_length": 15, "prefix": "/id", "base_url": "https://a.example"}
    async with serve(**settings) as service:
        described = await document(service)
        components = described["components"]
        assert components["schemas"]["RegisterBody"]["properties"]["password"]["minLength"] == 15
        assert all(path.startswith("/id/") for path in described["paths"])
        names = {each.get("name") for each in components["securitySchemes"].values()}
        assert "__Host-Http-admit-refresh" in names


@pytest.mark.parametrize("who", ["a stranger", "somebody signed in", "a verifier", "an admin"])
def test_schemathesis_finds_nothing(live, tmp_path, who):
    """Examples, boundary values, generated requests and sequences of them, good and bad."""
    settings = BY_ROLE if who == "an admin" else {}
    with live(throttle="off", verifier_keys=KEY, **settings) as server:
        options = ["--checks", "all", "--exclude-checks", ",".join(LEFT_OUT)]
        options += ["--max-examples", "10", "--generation-deterministic", "--no-color"]
        if who == "a verifier":
            # With something in the feed there is next to nothing to wait for.
            bearer = {"Authorization": f"Bearer {access_token(server.url)}"}
            httpx.post(f"{server.url}/auth/logout/all", headers=bearer)
            options += ["--header", f"Authorization: Bearer {KEY}"]
            options += ["--include-path-regex", "revocations"]
        if who == "somebody signed in":
            options += ["--header", f"Authorization: Bearer {access_token(server.url)}"]
            options += ["--exclude-path-regex", "logout"]  # or it would not stay signed in
        if who == "an admin":
            options += ["--header", f"Authorization: Bearer {administrators(server, tmp_path)}"]
            options += ["--include-path-regex", "/admin/", "--max-examples", "3"]
            # Sequences of requests would find the administrator's own session, and end it.
            options += ["--phases", "examples,coverage,fuzzing"]
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG)
        command = [sys.executable, "-m", "schemathesis.cli"]
        command += ["--config-file", str(config), "run", *options]
        command += ["--url", server.url, f"{server.url}/auth/openapi.json"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "generated" in done.stdout


def access_token(url):
    httpx.post(f"{url}/auth/register", json={"email": EMAIL, "password": PASSWORD})
    body = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
    return httpx.post(f"{url}/auth/login", json=body).json()["access_token"]


def administrators(server, data_dir):
    """The access token of somebody who administers; the role is given by the command's way."""
    access_token(server.url)

    async def give_role():
        async with Admit(cheap(data_dir=data_dir), clock=server.clock) as auth:
            account = await auth.accounts.find(EMAIL)
            assert account
            roles = (BY_ROLE["admin_role"],)
            await auth.accounts.set_roles(account.user.id, add=roles, remove=(), now=auth.clock())

    asyncio.run(give_role())
    return access_token(server.url)
