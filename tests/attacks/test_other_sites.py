"""Pages of another site, and of a sibling subdomain, in the browser of somebody who is signed in.

They send whatever a page can send to where something could change. Nothing does: the store is the
same, row for row, and so are the browser's cookies.
"""

import json

import pytest

from tests.browser.sites import FOREIGN, HTML, PASSWORD, SIBLING, sign_in

NAME = "__Host-Http-admit-refresh"
TARGETS = ["/login", "/register", "/refresh", "/logout", "/logout/all", "/password"]
BODIES = {
    "/login": {"login": "bob@example.com", "password": PASSWORD},
    "/register": {"email": "eve@example.com", "password": "horse battery correct"},
    "/password": {"current_password": PASSWORD, "new_password": "horse battery correct"},
}
ELSEWHERE = {"cookie_samesite": "none", "allowed_origins": "https://front.other.test"}
"""A front end on another site may use the cookies; the attacker's isn't that."""

ATTACK = """async ({ to, path, body }) => {
  const json = JSON.stringify(body);
  const url = to + path;
  const settled = [];
  const send = (init, where = url) => settled.push(
    fetch(where, { method: "POST", credentials: "include", ...init }).then(String, String)
  );
  const typed = (type) => ({ headers: { "Content-Type": type }, body: json });
  for (const mode of ["no-cors", "cors"]) {
    send({ mode });
    send({ mode, ...typed("text/plain") });
    send({ mode, ...typed("text/plain; x=application/json") });
    send({ mode, ...typed("application/x-www-form-urlencoded") });
    send({ mode, ...typed("application/json") });
    send({ mode, body: new Blob([json], { type: "application/json" }) });
    send({ mode, body: new Blob([json]) });
    send({ mode, body: new URLSearchParams(body) });
    send({ mode, method: "GET" });
    send({ mode, method: "GET" }, url + "?_method=POST");
    send({ mode, method: "HEAD" });
  }
  for (const name of ["X-HTTP-Method-Override", "X-Method-Override", "Idempotency-Key"])
    send({ headers: { [name]: "POST" } });
  for (const method of ["DELETE", "PUT", "PATCH"]) send({ method });
  send({ method: "DELETE" }, to + "/sessions/" + "0".repeat(32));
  send({ keepalive: true, mode: "no-cors", ...typed("text/plain") });
  const request = new XMLHttpRequest();
  settled.push(new Promise((done) => { request.onloadend = done; }));
  request.open("POST", url);
  request.withCredentials = true;
  request.send(json);
  navigator.sendBeacon(url + "?beacon");
  navigator.sendBeacon(url + "?beacon", json);
  navigator.sendBeacon(url, new Blob([json], { type: "application/json" }));
  for (const [tag, at] of [["img", "src"], ["script", "src"], ["iframe", "src"]])
    settled.push(new Promise((done) => {
      const made = document.createElement(tag);
      made.onload = made.onerror = done;
      made[at] = url;
      document.body.append(made);
    }));
  for (const type of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
    settled.push(new Promise((done) => {
      const frame = document.createElement("iframe");
      frame.name = "frame" + Math.random();
      document.body.append(frame);
      const form = document.createElement("form");
      Object.assign(form, { action: url, method: "post", enctype: type, target: frame.name });
      const field = document.createElement("input");
      // As text/plain, the form sends JSON: the = is a part of a value.
      [field.name, field.value] = [json.slice(0, -1) + ', "x": "', '"}'];
      form.append(field);
      document.body.append(form);
      frame.onload = done;
      form.submit();
    }));
  await Promise.all(settled);
  return settled.length;
}"""
"""Everything that a page can send by itself."""

NAVIGATE = """([url, name, value]) => {
  const form = document.createElement("form");
  Object.assign(form, { action: url, method: "post", enctype: "text/plain" });
  const field = document.createElement("input");
  [field.name, field.value] = [name, value];
  form.append(field);
  document.body.append(form);
  form.submit();
}"""


def cookies(context):
    """Every cookie with all that the browser knows of it."""
    return sorted(json.dumps(each, sort_keys=True) for each in context.cookies())


def from_page(sites, origin):
    """What that page's requests brought to our server."""
    return [each for each in sites.wire.seen if dict(each.headers).get("Origin") == origin]


def brought_cookies(requests):
    return any(NAME in dict(each.headers).get("Cookie", "") for each in requests)


@pytest.mark.parametrize(
    ("where", "settings"),
    [
        ("sibling", {}),
        ("foreign", {}),
        ("foreign", {"cookie_samesite": "lax"}),
        ("foreign", ELSEWHERE),
    ],
    ids=["sibling", "foreign", "foreign, lax", "foreign, none"],
)
def test_nothing_that_another_page_sends_changes_anything(
    new_sites, lenient_context, where, settings
):
    context = lenient_context
    with new_sites(**settings) as sites:
        tab = sites.signed_in(context)
        sites.have("bob")
        origin = getattr(sites, where)
        before, kept = sites.everything(), cookies(context)
        evil = context.new_page()
        evil.goto(origin)
        for path in TARGETS:
            sites.wire.forget()
            given = {"to": f"{sites.url}/auth", "path": path, "body": BODIES.get(path, {})}
            assert evil.evaluate(ATTACK, given) > 30
            sites.wire.wait_for(f"/auth{path}?beacon", 2)  # nobody is told when they were sent
            came = from_page(sites, origin)
            assert brought_cookies(came) is (where == "sibling" or settings is ELSEWHERE)
        for path in TARGETS:
            body = json.dumps(BODIES.get(path, {}))
            evil.goto(origin)
            with evil.expect_navigation():
                evil.evaluate(NAVIGATE, [f"{sites.url}/auth{path}", body[:-1] + ', "x":"', '"}'])
            assert evil.url == f"{sites.url}/auth{path}"
            evil.goto(origin)
            evil.evaluate("(url) => { location.href = url; }", f"{sites.url}/auth{path}")
            evil.wait_for_url(f"{sites.url}/auth{path}")
        sites.wire.quiet()
        assert sites.everything() == before
        assert cookies(context) == kept
        assert tab.evaluate("admit.session().then(({ user }) => user.email)") == "ada@example.com"
        sites.let_pass(1000, tab)
        assert tab.evaluate("admit.fetch('/auth/me').then(({ status }) => status)") == 200


def test_a_visitor_is_not_signed_in_as_somebody_else(sites, context):
    """Login CSRF: she would work in the attacker's account, and never notice."""
    sites.have("bob")
    before = sites.everything()
    for origin in (sites.sibling, sites.foreign):
        evil = context.new_page()
        evil.goto(origin)
        given = {"to": f"{sites.url}/auth", "path": "/login", "body": BODIES["/login"]}
        evil.evaluate(ATTACK, given)
        sites.wire.wait_for("/auth/login?beacon", 2)
        sites.wire.quiet()
        sites.wire.forget()
    assert context.cookies() == []
    assert sites.everything() == before
    assert sites.open(context).evaluate("admit.session()") is None


BLANKS = ["", "\xa0", "\xa0 ", "\u2000".encode().decode("latin-1"), "=", " ", "\t"]
"""What a sibling's server may write before our name, and hope that somebody overlooks it."""


def plant(sites, context, token):
    """A sibling plants this refresh token by every name that it can, from server and script."""
    evil = context.new_page()
    names = [NAME, NAME.lower(), NAME.upper(), "admit-refresh", "__Host-admit-refresh"]
    for number, name in enumerate([*names, *(blank + NAME for blank in BLANKS)]):
        line = f"{name}={token}; Domain=example.test; Path=/; Secure; HttpOnly; SameSite=None"
        path = f"/plant{number}"
        sites.pages.put(SIBLING, path, "planted", HTML, Set_Cookie=line)
        evil.goto(sites.sibling + path)
        scripted = line.replace("; HttpOnly", "").encode("latin-1").decode("utf-8", "replace")
        for each in (scripted, scripted.replace("Path=/;", "Path=/auth/refresh;")):
            evil.evaluate("(line) => { document.cookie = line; }", each)
    evil.evaluate(
        """([name, value]) => Promise.allSettled([
          cookieStore.set({ name, value, domain: "example.test" }),
          cookieStore.set({ name: "", value: `${name}=${value}`, domain: "example.test" }),
          cookieStore.set({ name: "\\u00a0" + name, value, domain: "example.test" }),
        ])""",
        [NAME, token],
    )
    evil.close()


@pytest.fixture
def attackers(sites):
    """A good refresh token of the attacker's own."""
    sites.have("bob")
    body = {"login": "bob@example.com", "password": PASSWORD, "delivery": "body"}
    return sites.post("/auth/login", body).json()["refresh_token"]


def test_a_sibling_cannot_plant_a_session(sites, context, attackers):
    """The visitor, who isn't signed in, stays so; and then signs in as who she is."""
    plant(sites, context, attackers)
    sites.wire.forget()
    tab = sites.open(context)
    assert tab.evaluate("admit.session()") is None
    asked = [each for each in sites.wire.seen if each.path == "/auth/refresh"]
    assert asked
    for each in asked:
        assert attackers in dict(each.headers)["Cookie"]  # by names that are not ours
    sites.have("ada")
    sign_in(tab)
    assert tab.evaluate("admit.session().then(({ user }) => user.email)") == "ada@example.com"


def test_a_sibling_cannot_put_its_session_in_place_of_ours(sites, context, attackers):
    """Who is signed in goes on, as herself and in her session."""
    tab = sites.signed_in(context)
    mine = sites.sessions()[-1]["id"]
    plant(sites, context, attackers)
    tab.reload()
    tab.wait_for_function("'admit' in globalThis")
    told = tab.evaluate("admit.session().then(({ user, session }) => [user.email, session.id])")
    assert told == ["ada@example.com", mine]


CROWD = """() => {
  for (let number = 0; number < 400; number++)
    document.cookie = `crowd${number}=x; Domain=example.test; Path=/; Secure`;
}"""


def test_a_sibling_that_crowds_our_cookie_out_gets_no_further(sites, context, attackers):
    """Browsers keep only so many cookies of a registered name, whoever's they are.

    So a sibling can make a browser forget ours, which no server can prevent: the visitor has to
    sign in again. Even then no session of the attacker's takes its place.
    """
    tab = sites.signed_in(context)
    evil = context.new_page()
    evil.goto(sites.sibling)
    evil.evaluate(CROWD)
    evil.wait_for_function("document.cookie.includes('crowd399=')")  # the browser writes later
    assert NAME not in {each["name"] for each in context.cookies()}
    plant(sites, context, attackers)
    sites.load(tab)
    assert tab.evaluate("admit.session()") is None
    sign_in(tab)
    assert tab.evaluate("admit.session().then(({ user }) => user.email)") == "ada@example.com"


def test_a_page_that_frames_ours_or_opens_it_gets_nothing(sites, context):
    """Neither what it shows nor what it holds; and a frame of Admit's answers stays empty."""
    sites.signed_in(context)
    for host, origin in ((SIBLING, sites.sibling), (FOREIGN, sites.foreign)):
        sites.pages.put(host, "/frames", f"<iframe src='{sites.url}/auth/me'></iframe>")
        evil = context.new_page()
        evil.goto(f"{origin}/frames")
        evil.frames[1].wait_for_url("chrome-error:**")
        with context.expect_page() as opened:
            evil.evaluate("(url) => { globalThis.ours = open(url); }", f"{sites.url}/")
        opened.value.wait_for_function("'admit' in globalThis")
        for reach in ("document", "admit", "localStorage", "heard"):
            said = evil.evaluate(
                "(name) => { try { return String(ours[name]); } catch { return 'no'; } }", reach
            )
            assert said == "no", reach
