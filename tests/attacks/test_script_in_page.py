"""A script that got into the page can act for the user while the page is open, and no longer.

It can't read the refresh token, by any way tried here, so it has nothing to take away. The script
is there before anything else, sees whatever the client does, and knows all names.
"""

import json
from typing import Any

import pytest

from tests.browser.sites import OURS, PASSWORD, sign_in

NAME = "__Host-Http-admit-refresh"
MARK = "a-mark-that-every-way-finds"

SPY = """
(() => {
  globalThis.spied = [];
  const see = (...what) => { try { spied.push(JSON.stringify(what)); } catch { } };
  const ask = fetch;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    see(request.url, [...request.headers], await request.clone().text());
    const answer = await ask(request);
    see(answer.url, [...answer.headers], await answer.clone().text());
    return answer;
  };
  const post = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) {
    see(this.name, message);
    post.call(this, message);
    const other = new BroadcastChannel(this.name);
    other.onmessage = ({ data }) => see(data);
  };
  const set = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    see(key, value);
    set.call(this, key, value);
  };
})()
"""
"""Sees everything that the client asks, hears, tells and keeps."""

LOOK = """async (mark) => {
  const found = [];
  const see = (...what) => found.push(JSON.stringify(what));
  document.cookie = `mark=${mark}; Secure; Path=/`;
  see(document.cookie, await cookieStore.getAll(), await cookieStore.get("NAME"));
  see({ ...localStorage }, { ...sessionStorage }, await indexedDB.databases(), await caches.keys());
  see(performance.getEntries(), history.state, location.href, name, document.cookie);
  see(document.documentElement.outerHTML, document.referrer, Object.keys(globalThis));
  see(await navigator.storage.estimate());
  for (const each of await indexedDB.databases()) {
    const base = await new Promise((done) => {
      indexedDB.open(each.name).onsuccess = ({ target }) => done(target.result);
    });
    for (const store of base.objectStoreNames) {
      const all = base.transaction(store).objectStore(store).getAll();
      see(await new Promise((done) => { all.onsuccess = () => done(all.result); }));
    }
  }
  const frame = document.createElement("iframe");
  frame.src = "/plain";
  await new Promise((done) => { frame.onload = done; document.body.append(frame); });
  see(frame.contentDocument.cookie, await frame.contentWindow.cookieStore.getAll());
  frame.remove();
  return found;
}""".replace("NAME", NAME)
"""Looks everywhere that a page can look at without asking anybody."""

REQUESTS: list[dict[str, Any]] = [
    {},
    {"json": {"delivery": "body"}},
    {"json": {}},
    {"json": {"refresh_token": ""}},
    {"json": {"refresh_token": "x"}},
    {"json": {"refresh_token": NAME}},
    {"headers": {"Refresh-Token": "x"}},
    {"headers": {"Refresh-Token": ""}},
    {"headers": {"Cookie": f"{NAME}=x", "Cookie2": "x"}},
    {"headers": {"Authorization": "Bearer x"}},
    {"headers": {"Idempotency-Key": "k", "Accept": "text/html"}},
    {"headers": {"X-HTTP-Method-Override": "TRACE"}},
    {"query": "?delivery=body"},
    {"credentials": "omit", "json": {"delivery": "body"}},
]
PATHS = ["/refresh", "/login", "/me", "/logout", "/sessions", "/openapi.json", "/revocations"]

ASK = """async ({ path, method, query, json, headers, credentials }) => {
  const found = [];
  const all = { ...headers, ...(json ? { "Content-Type": "application/json" } : {}) };
  const body = method === "GET" || !json ? undefined : JSON.stringify(json);
  try {
    const url = "/auth" + path + (query ?? "");
    const answer = await fetch(url, { method, headers: all, body, credentials });
    found.push(JSON.stringify([...answer.headers]), answer.headers.getSetCookie().join());
    found.push(await answer.text(), String(answer.status));
  } catch (error) {
    found.push(String(error));
  }
  return found;
}"""

OLD_ASK = """({ method, path }) => new Promise((done) => {
  const request = new XMLHttpRequest();
  request.open(method, "/auth" + path);
  request.withCredentials = true;
  request.onloadend = () => done([
    request.getAllResponseHeaders(),
    String(request.getResponseHeader("Set-Cookie")),
    String(request.getResponseHeader("Cookie")),
    request.responseText,
  ]);
  request.send();
})"""

WORKER = """
const channel = new BroadcastChannel("worker");
const tell = (...what) => channel.postMessage(JSON.stringify(what));
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => event.respondWith((async () => {
  const { request } = event;
  tell("request", request.url, [...request.headers]);
  const answer = await fetch(request);
  const cookies = await cookieStore.getAll();
  tell("answer", request.url, [...answer.headers], await answer.clone().text(), cookies);
  return answer;
})()));
"""
REGISTER = """async () => {
  globalThis.told = [];
  globalThis.worker = new BroadcastChannel("worker");
  worker.onmessage = ({ data }) => told.push(data);
  const controlled = new Promise((done) => {
    navigator.serviceWorker.oncontrollerchange = done;
  });
  await navigator.serviceWorker.register("/uploaded.js", { scope: "/" });
  await controlled;
}"""


class Tokens:
    """A rule of the wire that keeps every refresh token that ever went to the browser."""

    def __init__(self):
        self.sent = set()

    def __call__(self, asked, ask):
        answer = ask()
        for name, value in answer.headers:
            if name.lower() == "set-cookie" and value.startswith(f"{NAME}="):
                self.sent.add(value.partition("=")[2].partition(";")[0])
        return answer


def held(context):
    """The refresh token that the browser holds."""
    [cookie] = [each for each in context.cookies() if each["name"] == NAME]
    return cookie["value"]


@pytest.fixture
def tokens(sites):
    sites.wire.rule = Tokens()
    return sites.wire.rule


@pytest.fixture
def tab(sites, context, tokens):
    """A page with the spy in it, whose user signed in and refreshed since."""
    context.add_init_script(SPY)
    tab = sites.signed_in(context)
    refresh(sites, tab)
    return tab


def refresh(sites, tab):
    """The client gets new tokens, because the old ones are of no use any more."""
    before = sites.wire.count("/auth/refresh")
    sites.let_pass(1000, tab)
    assert tab.evaluate("admit.fetch('/auth/me').then((answer) => answer.status)") == 200
    assert sites.wire.count("/auth/refresh") == before + 1


def nothing_in(found, tokens, context):
    """Not one of the tokens is in there, nor a longer part of one."""
    sent = {each for each in tokens.sent if each}
    assert held(context) in sent
    text = "\n".join(found)
    for token in sent:
        for part in (token, *(each for each in token.split(".") if len(each) > 20)):
            assert part not in text


def test_it_finds_the_token_nowhere_in_the_page(sites, context, tab, tokens):
    found = tab.evaluate(LOOK, MARK)
    assert "\n".join(found).count(MARK) >= 4  # these ways do find what can be found
    nothing_in(found, tokens, context)


def test_nothing_that_the_client_does_shows_it(sites, context, tab, tokens):
    """Its requests, their answers, what it keeps and what it tells the other tabs."""
    other = sites.open(context)
    refresh(sites, other)
    refresh(sites, tab)
    tab.evaluate("admit.session()")
    found = [*tab.evaluate("spied"), *other.evaluate("spied")]
    text = "\n".join(found)
    assert "/auth/login" in text
    assert "access_token" in text  # that it can read: it may act, as long as the page is open
    nothing_in(found, tokens, context)


def test_no_request_makes_the_server_tell_it(sites, context, tab, tokens):
    found = []
    for path in PATHS:
        for method in ("GET", "POST"):
            if path == "/logout" and method == "POST":
                continue  # a script can sign its user out
            for each in REQUESTS:
                found += tab.evaluate(ASK, {"path": path, "method": method, **each})
            found += tab.evaluate(OLD_ASK, {"path": path, "method": method})
    for method in ("TRACE", "TRACK", "CONNECT", "HEAD", "OPTIONS", "PUT"):
        found += tab.evaluate(ASK, {"path": "/refresh", "method": method})
    assert sum("access_token" in each for each in found) >= len(REQUESTS) // 2
    nothing_in(found, tokens, context)
    assert len(sites.sessions()) == 1


def test_a_second_sign_in_shows_only_its_own(sites, context, tab, tokens):
    """Who knows the password may have a token in the body; the cookie's stays where it is."""
    mine = held(context)
    given = {"login": "ada@example.com", "password": PASSWORD, "delivery": "body"}
    found = tab.evaluate(ASK, {"path": "/login", "method": "POST", "json": given})
    answer = json.loads(found[-2])
    assert answer["refresh_token"]
    assert mine not in "\n".join(found)


def test_a_worker_between_the_page_and_the_server_sees_no_cookie(sites, context, tab, tokens):
    """Should an attacker upload one where the app serves scripts, it sees all but the cookies."""
    sites.pages.put(OURS, "/uploaded.js", WORKER, "text/javascript")
    tab.evaluate(REGISTER)
    refresh(sites, tab)
    told = tab.evaluate("told")
    assert any("/auth/refresh" in each and "access_token" in each for each in told)
    nothing_in(told, tokens, context)


def test_nothing_of_ours_can_be_made_a_worker(sites, context, tab):
    """Admit serves no script that a page could place between itself and the server."""
    for path in ("/auth/openapi.json", "/auth/me", "/auth/refresh", "/auth/.well-known/jwks.json"):
        said = tab.evaluate(
            "(path) => navigator.serviceWorker.register(path).then(() => 'taken', String)", path
        )
        assert said != "taken", path
    for url in ("blob", "data"):
        said = tab.evaluate(
            """(kind) => {
              const url = kind === "data" ? "data:text/javascript," :
                URL.createObjectURL(new Blob([""], { type: "text/javascript" }));
              return navigator.serviceWorker.register(url).then(() => "taken", String);
            }""",
            url,
        )
        assert said != "taken", url


def test_it_can_neither_write_nor_remove_the_cookie(sites, context, tab):
    """So it can't bind the browser to a session of its own, which would outlive the page."""
    mine = held(context)
    for flags in ("", "; Secure; Path=/", "; Secure; Path=/auth", "; Max-Age=0; Secure; Path=/"):
        tab.evaluate("(line) => { document.cookie = line; }", f"{NAME}=planted{flags}")
        tab.evaluate("(line) => { document.cookie = line; }", f"={NAME}=planted{flags}")
    tab.evaluate(
        """(name) => Promise.allSettled([
          cookieStore.set(name, "planted"),
          cookieStore.set({ name, value: "planted", path: "/" }),
          cookieStore.delete(name),
        ])""",
        NAME,
    )
    assert held(context) == mine
    assert [each["value"] for each in context.cookies() if "planted" in each["value"]] == []
    refresh(sites, tab)
    sign_in(tab)
