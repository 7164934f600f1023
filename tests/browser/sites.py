"""The sites of a story: our own with Admit beside its pages, a sibling of it, and another one.

All of them stand behind one wire, so a test decides what happens to each request.
"""

import sqlite3
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from starlette.responses import Response

from admit.testing.http_contract import Clock
from tests.browser.wire import Wire
from tests.live import served

OURS = "app.example.test"
SIBLING = "evil.example.test"
"""Another owner's, under the same registered name."""
FOREIGN = "evil.other.test"
"""Another site."""

CLIENT = Path(__file__).parents[2] / "src/admit/web/static/client.js"

APP = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>App</title>
<h1>App</h1>
<script>
globalThis.passed = 0;
const ticking = performance.now.bind(performance);
performance.now = () => ticking() + passed;
</script>
<script type="module">
import { createAdmit } from "/client.js";
globalThis.heard = [];
globalThis.admit = createAdmit({ baseUrl: "/auth" });
admit.onChange((state) => heard.push(state));
</script>
"""
"""A page of the app: `admit` is the client, `heard` what it told since the page was opened, and
`passed` the milliseconds that passed here without anybody waiting for them."""
EMPTY = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Page</title><h1>Page</h1>"
HTML = "text/html; charset=utf-8"
PEOPLE = {"ada": "ada@example.com", "bob": "bob@example.com"}
REFRESH = "__Host-Http-admit-refresh"
PASSWORD = "correct horse battery"


class Pages:
    """The plain pages of every host; what is under the prefix of our own is Admit's, `admit`."""

    def __init__(self):
        self.admit: Any = None
        self._kept = {}
        self.put(OURS, "/", APP)
        self.put(OURS, "/plain", EMPTY)
        self.put(SIBLING, "/", EMPTY)
        self.put(FOREIGN, "/", EMPTY)

    def put(self, host, path, body, type_=HTML, **headers):
        """Serve this there, from now on; a header's name with underscores for its hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._kept[host, path] = (body, type_, named)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.admit(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode().partition(":")[0]
        if host == OURS and scope["path"].startswith("/auth/"):
            await self.admit(scope, receive, send)
            return
        await self._page(host, scope["path"])(scope, receive, send)

    def _page(self, host, path):
        if path == "/client.js":
            return Response(CLIENT.read_bytes(), media_type="text/javascript")
        body, type_, headers = self._kept.get((host, path), ("not here", "text/plain", {}))
        status = 200 if (host, path) in self._kept else 404
        return Response(body, status, headers, media_type=type_)


class Sites:
    """Where a story takes place; see `opened`.

    `wire` is the line to all of them, `pages` are the plain ones, `clock` is the server's, and
    `auth` is the Admit that runs.
    """

    def __init__(self, data_dir, wire, **settings):
        self.wire = wire
        self.clock = settings.pop("clock", None) or Clock()
        self.url = f"https://{OURS}:{wire.port}"
        self.sibling = f"https://{SIBLING}:{wire.port}"
        self.foreign = f"https://{FOREIGN}:{wire.port}"
        self.pages = Pages()
        self.auth = None
        self._data_dir = data_dir
        self._settings = {"base_url": self.url, "throttle": "off", **settings}
        self._stack = ExitStack()

    def start(self):
        """A server is there, or there again, with what it knew."""
        live = self._stack.enter_context(
            served(self._data_dir, clock=self.clock, around=self._around, **self._settings)
        )
        self.auth = live.auth
        self.wire.to = live.port

    def stop(self):
        """The server is gone; what it wrote stays."""
        self.wire.to = None
        self._stack.close()

    def _around(self, app):
        self.pages.admit = app
        return self.pages

    def let_pass(self, seconds, *tabs):
        """Let that long pass at the server, and in these tabs as far as their clock is asked."""
        self.clock.advance(seconds)
        for tab in tabs:
            tab.evaluate("(seconds) => { passed += seconds * 1000; }", seconds)

    def open(self, context, path="/"):
        """A new tab with this page of ours; that with the client, unless said otherwise."""
        tab = context.new_page()
        return self.load(tab) if path == "/" else self.show(tab, path)

    def show(self, tab, path):
        """This tab, with another page of ours in it."""
        tab.goto(self.url + path)
        return tab

    def load(self, tab):
        """This tab, with the page of the client in it, anew."""
        self.show(tab, "/")
        tab.wait_for_function("'admit' in globalThis")
        return tab

    def signed_in(self, context, who="ada"):
        """A new tab where this person, who has an account by now, just signed in."""
        self.have(who)
        tab = self.open(context)
        sign_in(tab, who)
        return tab

    def have(self, who):
        """This person has an account."""
        body = {"email": PEOPLE[who], "password": PASSWORD, "username": who}
        if not self.rows("SELECT 1 FROM users WHERE email = ?", PEOPLE[who]):
            self.post("/auth/register", body)

    def post(self, path, body, **headers):
        """The answer to JSON from no browser, past the wire."""
        import httpx

        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self.wire.to}{path}"
        answer = httpx.post(url, json=body, headers={"Host": OURS, **named})
        assert answer.is_success, answer.text
        return answer

    def rows(self, query, *given):
        """What is in the store, read beside the server as another process would."""
        with closing(
            sqlite3.connect(f"file:{self._data_dir / 'admit.db'}?mode=ro", uri=True)
        ) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, given)]

    def sessions(self):
        """Every session that there ever was, oldest first."""
        return self.rows("SELECT * FROM sessions ORDER BY opened_at, rowid")

    def events(self, kind):
        """What the audit trail has of this kind."""
        return self.rows("SELECT * FROM events WHERE kind = ?", kind)

    def everything(self):
        """All rows of all tables, to compare."""
        tables = self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            each["name"]: self.rows(f"SELECT * FROM {each['name']}")
            for each in tables
            if not each["name"].startswith("sqlite_")
        }


def cookie(context):
    """The refresh token that the browser holds, or None."""
    found = [each["value"] for each in context.cookies() if each["name"] == REFRESH]
    return found[0] if found else None


def sign_in(tab, who="ada"):
    """This person signs in on a page of the app, and is its user there."""
    given = {"login": PEOPLE[who], "password": PASSWORD}
    user = tab.evaluate("given => admit.signIn(given)", given)
    assert user["email"] == PEOPLE[who]


@contextmanager
def opened(data_dir, certificate, **settings):
    """The sites with these settings, for the length of a block."""
    with closing(Wire(certificate)) as wire:
        sites = Sites(data_dir, wire, **settings)
        sites.start()
        try:
            yield sites
        finally:
            sites.stop()
