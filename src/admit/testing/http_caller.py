"""How the HTTP contract speaks to a service: plain requests, no cookie jar, one movable clock.

Every answer passes through `checked`, so what the contract says of every answer is looked at on
every answer of the suite: its headers, the shape of a refusal, and that no refusal sets a cookie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import httpx

    from admit import Admit

PASSWORD = "correct horse battery"  # noqa: S105  a test's own
EMAIL = "ada@example.com"
PROBLEM = {"type", "title", "status", "code"}
MAY_HOLD = PROBLEM | {"detail", "reason", "fields", "retry_after"}
EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
HSTS = "max-age=31536000; includeSubDomains"
REFUSED = 400
BROKEN = 500

Headers = dict[str, str] | list[tuple[str, str]]


class Clock:
    """The clock that an `Admit` is given, for tests to move."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let that long pass."""
        self.now += seconds


class Client(Protocol):
    """What the suite needs of a client; `httpx.AsyncClient` has it."""

    cookies: httpx.Cookies

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Any = ...,  # noqa: ANN401  httpx takes many types
        content: Any = ...,  # noqa: ANN401
        json: Any = ...,  # noqa: ANN401
    ) -> httpx.Response:
        """The answer to one request; `url` is a path, since the client knows the base URL."""


class Service:
    """One running service: how to reach it, the `Admit` behind it, and its clock.

    The suite looks at nothing of `auth` but its settings.
    """

    def __init__(self, client: Client, auth: Admit, clock: Clock) -> None:
        self.client = client
        self.auth = auth
        self.clock = clock
        self.settings = auth.settings
        self.refresh_cookie = self._cookie("admit-refresh")
        self.access_cookie = self._cookie("admit-access")

    def _cookie(self, name: str) -> str:
        return f"__Host-Http-{name}" if self.settings.base_url.startswith("https:") else name

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: bytes | None = None,
        headers: Headers | None = None,
        bearer: str | None = None,
        cookies: dict[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to one request under the prefix, checked for what every answer has."""
        return await self.send_to_root(
            method,
            self.settings.prefix + path,
            json=json,
            content=content,
            headers=headers,
            bearer=bearer,
            cookies=cookies,
        )

    async def send_to_root(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: bytes | None = None,
        headers: Headers | None = None,
        bearer: str | None = None,
        cookies: dict[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to one request, whose cookies are exactly those that are given."""
        listed = list(headers.items() if isinstance(headers, dict) else headers or [])
        if bearer is not None:
            listed.append(("Authorization", f"Bearer {bearer}"))
        if cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
            listed.append(("Cookie", pairs))
        self.client.cookies.clear()
        body: dict[str, Any] = {"json": json} if json is not None else {"content": content}
        answer = await self.client.request(method, path, headers=listed, **body)
        return checked(answer, https=self.settings.base_url.startswith("https:"))

    async def register(self, email: str = EMAIL, username: str | None = None) -> dict[str, Any]:
        """A new account's user."""
        body = {"email": email, "password": PASSWORD, "username": username}
        answer = await self.send("POST", "/register", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["user"])

    async def sign_in(self, login: str = EMAIL) -> dict[str, Any]:
        """The tokens of a sign-in with body delivery."""
        body = {"login": login, "password": PASSWORD, "delivery": "body"}
        answer = await self.send("POST", "/login", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refresh(self, token: str, *, key: str | None = None) -> httpx.Response:
        """The answer to a refresh with the token in the body."""
        headers = {"Idempotency-Key": key} if key else None
        return await self.send("POST", "/refresh", json={"refresh_token": token}, headers=headers)

    async def me(self, access_token: str) -> int:
        """The status of `GET /me`."""
        return (await self.send("GET", "/me", bearer=access_token)).status_code


class Serve(Protocol):
    """The fixture `serve`: starts a service with these settings, for the length of a block."""

    def __call__(self, **settings: object) -> AbstractAsyncContextManager[Service]: ...  # noqa: D102


class Mixin:
    """What the parts of the contract share with the class that joins them."""

    at_root = True
    """Whether `/healthz`, `/readyz` and `/.well-known/jwks.json` are answered at the root."""


def checked(answer: httpx.Response, *, https: bool) -> httpx.Response:
    """The answer, with everything that the contract says of every answer."""
    headers = answer.headers
    assert answer.status_code < BROKEN or answer.status_code == 503, answer.text
    for name, value in EVERY_ANSWER.items():
        assert headers.get(name) == value, f"{name}: {headers.get(name)}"
    assert "frame-ancestors 'none'" in headers.get("content-security-policy", "")
    assert headers.get("strict-transport-security") == (HSTS if https else None)
    if answer.status_code >= REFUSED:
        _check_refusal(answer)
    elif answer.content:
        assert headers["content-type"] == "application/json"
    return answer


def _check_refusal(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert not answer.headers.get_list("set-cookie"), "a refusal never touches a cookie"
    problem = answer.json()
    assert set(problem) >= PROBLEM, problem
    assert set(problem) <= MAY_HOLD, problem
    assert problem["status"] == answer.status_code
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="admit"')
    if answer.status_code in {429, 503}:
        assert int(answer.headers["retry-after"]) == problem["retry_after"] >= 1


def refused(answer: httpx.Response, status: int, code: str, **expected: object) -> None:
    """Assert that the answer is this refusal, with these members besides."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    for name, value in expected.items():
        assert answer.json().get(name) == value, answer.text


def set_cookies(answer: httpx.Response) -> dict[str, tuple[str, set[str]]]:
    """The cookies that an answer sets: the value, and every attribute as it stands."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, _, value = pair.partition("=")
        assert name not in found, f"{name} is set twice"
        found[name] = (value, set(attributes))
    return found
