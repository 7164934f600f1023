"""A request whose token is refused is sent once more, with its body, of whatever kind that is."""

import pytest

WATCH = """() => {
  globalThis.unheard = [];
  addEventListener("unhandledrejection", ({ reason }) => { unheard.push(String(reason)); });
  addEventListener("error", ({ message }) => { unheard.push(message); });
}"""
FORM = """(() => {
  const form = new FormData();
  form.append("file", new Blob(["of the form"]), "a.txt");
  return form;
})()"""
CURED = 11
"""Seconds after which a new token that is refused is exchanged again."""
BODIES = {
    "text": ('"of a text"', b"of a text"),
    "blob": ('new Blob(["of a blob"])', b"of a blob"),
    "form": (FORM, b"of the form"),
    "bytes": ("new Uint8Array(3e6).fill(65)", b"A" * 3_000_000),
    "parameters": ("new URLSearchParams({ of: 'parameters' })", b"of=parameters"),
}
ASK = "admit.fetch({}).then(({{ status }}) => status, String)"


class Refusing:
    """An API that refuses the first token of each address; what it was sent."""

    def __init__(self):
        self.sent = {}

    def __call__(self, route):
        asked = route.request
        sent = self.sent.setdefault(asked.url, [])
        sent.append((asked.headers["authorization"], asked.post_data_buffer))
        refused = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        status, headers = (401, refused) if len(sent) == 1 else (200, {})
        route.fulfill(status=status, headers=headers, body="said")


@pytest.fixture
def tab(sites, context):
    tab = sites.signed_in(context)
    tab.evaluate(WATCH)
    yield tab
    assert tab.evaluate("unheard") == []


def repeated(sites, tab, asks):
    """The two bodies that were sent for what is asked; the tokens are two as well."""
    api = Refusing()
    tab.route("**/api", api)
    assert tab.evaluate(ASK.format(asks)) == 200, asks
    ((first, one), (second, two)) = api.sent.popitem()[1]
    assert first != second
    tab.unroute("**/api")
    sites.let_pass(CURED, tab)
    return one, two


def test_a_body_of_each_kind_is_sent_again(sites, tab):
    for body, bytes_ in BODIES.values():
        for one in repeated(sites, tab, f'"/api", {{ method: "POST", body: {body} }}'):
            assert bytes_ in one
    given = 'new Request("/api", { method: "POST", body: "of a request" })'
    assert repeated(sites, tab, given) == (b"of a request", b"of a request")


def test_what_outlives_the_page_is_sent_again_as_large_as_it_may_be(sites, tab):
    """The browser lets 64 KiB of it be under way, and counts what was not read to its end."""
    asks = '"/api", { method: "POST", body: "A".repeat(40000), keepalive: true }'
    assert repeated(sites, tab, asks) == (b"A" * 40_000, b"A" * 40_000)
