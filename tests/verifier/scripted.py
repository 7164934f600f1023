"""An issuer that says what a test has it say, over real HTTP, and a verifier that asks it."""

import json
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import ECKey

from admit.verifier import following
from admit.verifier.instants import Clocks
from admit.verifier.on_request import OnRequest
from admit.verifier.service import Verifier
from tests.attacks.forging import signed

KEY = "a verifier's own key 0123456789 abcdef"
ISSUER = "http://localhost:8000/auth"
AUDIENCE = "http://localhost:8000"
NOW = 1_800_000_000.0
PATIENCE = 60.0


class Time:
    """Both clocks, for tests to move together or one alone."""

    def __init__(self, wall=NOW, steady=1_000.0):
        self.wall, self.steady = wall, steady
        self.clocks = Clocks(lambda: self.wall, lambda: self.steady)

    def passes(self, seconds):
        self.wall += seconds
        self.steady += seconds


@contextmanager
def verifier(url, clocks, **more):
    """A verifier, for the length of a block."""
    made = OnRequest(issuer=ISSUER, audience=AUDIENCE, key=KEY, url=url, clocks=clocks, **more)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def service(url, clocks, **more):
    """A verifier that keeps up by itself, for the length of a block."""
    given = {"issuer": ISSUER, "audience": AUDIENCE, "verifier_key": KEY, "url": url} | more
    with Verifier(clocks=clocks, **given) as made:
        yield made


def looking_often(monkeypatch):
    """Let threads look often at clocks of the test's, and take as long to end as they need."""
    monkeypatch.setattr(following, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(following, "CLOSE_SECONDS", PATIENCE)


def soon(is_so):
    """Wait until it is so."""
    until = monotonic() + PATIENCE
    while not is_so():
        assert monotonic() < until, "it did not come to be so"
        sleep(0.005)


class Overtaken:
    """Another thread's turn, taken right before a thread gets its own, or right after it let go."""

    def __init__(self, verifier, other, *, before=False, turns=1):
        self._issuer = verifier._issuer
        self._turn = self._issuer.turn
        self._other, self._before = other, before
        self._turns, self._depth = turns, 0
        self._issuer.turn = self

    def __enter__(self):
        if self._before:
            self._overtake()
        self._turn.acquire()
        self._depth += 1

    def __exit__(self, *_):
        self._depth -= 1
        self._turn.release()
        self._turns -= self._depth == 0
        if not self._before and self._turns == 0:
            self._overtake()

    def _overtake(self):
        self._issuer.turn = self._turn
        self._before = False
        self._turns = 0
        self._other()


class Scripted:
    """An issuer that says what a test has it say, over real HTTP, and remembers what it was asked.

    `answers` has, for each path, bytes, or a function that is given the handler.
    """

    def __init__(self, server):
        self._server = server
        self.key = ECKey.generate_key("P-256")
        self.url = f"http://127.0.0.1:{server.server_address[1]}/auth"
        self.asked = []
        self.connections = 0
        self.headers: Any = None
        self.answers = {}
        self.cursor = ""
        self.changed = threading.Condition()
        self.holds = False
        """Whether it holds a question that waits for news until there is some."""
        self.publish(self.key)
        self.revoke()

    def publish(self, *keys, **more):
        """Let these be the public keys."""
        self.answers["/auth/.well-known/jwks.json"] = json.dumps(
            {"keys": [public(each) | more for each in keys]}
        ).encode()

    def revoke(self, *entries, cursor="1.00000000", more=False):
        """Let these be the revocations."""
        with self.changed:
            self.cursor = cursor
            self.answers["/auth/revocations"] = page(*entries, cursor=cursor, more=more)
            self.changed.notify_all()

    def let_go(self):
        """Hold no question any longer."""
        with self.changed:
            self.holds = False
            self.changed.notify_all()

    def held(self, asked):
        """Hold this question as long as it waits for news, and there is none."""
        named = parse_qs(urlsplit(asked).query)
        if "wait" not in named:
            return
        with self.changed:
            self.changed.wait_for(
                lambda: not self.holds or [self.cursor] != named.get("after"),
                timeout=float(named["wait"][0]),
            )

    def looks(self, path="/auth/revocations"):
        """How often it was asked for this."""
        return len([each for each in self.asked if each.partition("?")[0] == path])

    def token(self, key=None, head=None, **changed):
        """A good token, but for these claims."""
        key = key or self.key
        header = {"typ": "at+jwt", "alg": "ES256", "kid": key.thumbprint()} | (head or {})
        return signed(header, claims(**changed), key)


def claims(**changed):
    """The claims of a good token."""
    given = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada",
        "client_id": "admit",
        "iat": int(NOW),
        "exp": int(NOW) + 900,
        "jti": "3.abcdefgh",
        "sid": "one",
        "auth_time": int(NOW) - 5,
        "amr": ["pwd"],
        "roles": ["admin", "writer"],
    }
    return {**given, **changed}


def public(key, **changed):
    """The key as an issuer publishes it."""
    own = {"kid": key.thumbprint(), "alg": "ES256", "use": "sig"}
    return key.as_dict(private=False) | own | changed


def entry(kind, subject, *, reason="signed_out", version=0, until=NOW + 920):
    """One revocation, as it travels."""
    return {
        "kind": kind,
        "subject": subject,
        "reason": reason,
        "at": _time(NOW),
        "until": _time(until),
        "version": version,
    }


def page(*entries, cursor, more=False):
    """One answer of the feed."""
    return json.dumps({"revocations": entries, "cursor": cursor, "more": more}).encode()


def _time(instant):
    return datetime.fromtimestamp(instant, UTC).isoformat().replace("+00:00", "Z")


class Server(ThreadingHTTPServer):
    """Says nothing of who hangs up before the answer comes."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def scripted():
    """Such an issuer, for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def setup(self):
            super().setup()
            issuer.connections += 1

        def do_GET(self):
            issuer.asked.append(self.path)
            issuer.headers = self.headers
            issuer.held(self.path)
            answer = issuer.answers.get(self.path, issuer.answers.get(self.path.partition("?")[0]))
            if callable(answer):
                answer(self)
            else:
                reply(self, 200 if answer is not None else 404, answer or b"")

        def log_message(self, *args):
            """Say nothing."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        issuer = Scripted(server)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            issuer.let_go()
            server.shutdown()
            thread.join()


def reply(handler, status, body=b"", **headers):
    """An ordinary answer."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def answering(status, body=b"", **headers):
    """A script's answer with this status."""
    return lambda handler: reply(handler, status, body, **headers)
