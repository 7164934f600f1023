"""The pages as they are served: which there are, what they carry, and what they do not know."""

import json
import re
import sys
from html.parser import HTMLParser

import pytest

from admit import SettingsError
from admit.guards.problems import security_headers
from admit.users import UserStore

from .conftest import start

pytestmark = pytest.mark.anyio
PAGES = ("sign-in", "sign-up", "account", "signed-out")


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def policy(answer):
    rules = answer.headers["content-security-policy"].split("; ")
    return dict(each.partition(" ")[::2] for each in rules)


def told(answer):
    """What the page's script is told."""
    (found,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', answer.text)
    return json.loads(found)


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_served_with_every_header_of_the_house(browser, name):
    answer = await browser.get(f"/auth/{name}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert len(answer.headers["x-request-id"]) == 32
    for header, value in security_headers(secure=False).items():
        if header != "Content-Security-Policy":
            assert answer.headers.get_list(header) == [value]


async def test_on_https_it_has_the_header_for_that_too(pages):
    async with pages(base_url="https://auth.example.com") as browser:
        answer = await browser.get("/auth/sign-in")

    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize("name", PAGES)
async def test_the_policy_lets_nothing_in_but_what_this_answer_names(browser, name):
    first, second = [await browser.get(f"/auth/{name}") for _ in range(2)]
    (nonce,) = re.findall(r"^'nonce-([\w-]{24})'$", policy(first)["script-src"])

    assert policy(first) == {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert policy(second)["script-src"] != policy(first)["script-src"]
    for tag, attributes in Elements(first.text).found:
        is_run = tag == "script" and attributes.get("type") != "application/json"
        if is_run or (tag == "link" and attributes["rel"] == "stylesheet"):
            assert attributes["nonce"] == nonce


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_has_no_inline_handler_no_style_and_nothing_of_anybody_else(browser, name):
    answer = await browser.get(f"/auth/{name}")

    for tag, attributes in Elements(answer.text).found:
        assert tag != "style"
        assert not [each for each in attributes if each.startswith("on") or each == "style"]
        for each in ("href", "src", "action"):
            assert attributes.get(each, "/").startswith(("/auth/", "/", "?", "#"))
            assert not attributes.get(each, "/").startswith("//")
        if tag == "form":
            assert attributes["method"] == "post"


@pytest.mark.parametrize("name", PAGES)
async def test_every_file_that_a_page_names_is_there_and_may_be_kept(browser, name):
    page = await browser.get(f"/auth/{name}")
    named = set(re.findall(r'"(/auth/static/[^"]+\?v=[0-9a-f]+)"', page.text))

    assert named
    for each in named:
        answer = await browser.get(each)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_other_methods_are_told_which_there_are(browser):
    """A form whose script failed posts what was typed: it is not read, and not answered."""
    for method in ("POST", "PUT", "DELETE"):
        answer = await browser.request(method, "/auth/sign-in", data={"password": "secret"})
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    head = await browser.head("/auth/sign-in")
    assert (head.status_code, head.content) == (200, b"")


async def test_the_json_routes_stay_as_they_are(browser):
    answer = await browser.get("/auth/login")

    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_page_lives_under_another_prefix_too(pages):
    for prefix in ("", "/accounts/v1"):
        async with pages(prefix=prefix) as browser:
            answer = await browser.get(f"{prefix}/sign-in")
            assert told(answer)["baseUrl"] == prefix
            assert told(answer)["next"] == f"{prefix}/account"
            assert f'"{prefix}/static/style.css?v=' in answer.text


async def test_the_pages_are_off_unless_somebody_turns_them_on(pages):
    async with pages(pages=False) as browser:
        for name in PAGES:
            assert (await browser.get(f"/auth/{name}")).status_code == 404
        assert (await browser.get("/auth/static/style.css")).status_code == 404


async def test_a_page_is_answered_while_the_store_is_out(pages):
    """It says so itself, in words, where a JSON refusal would help nobody."""
    away = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    async with pages(database_url=away) as browser:
        assert (await browser.get("/auth/sign-in")).status_code == 200
        assert (await browser.get("/auth/static/style.css")).status_code == 200


class ClosedUsers(UserStore):
    """Users that an app makes by itself."""

    registers = False

    async def find(self, login):
        return None

    async def get(self, user_id):
        return None

    async def save_password(self, user_id, password_hash, *, was):
        raise NotImplementedError


async def test_where_nobody_registers_there_is_no_such_page_and_no_link_to_it(pages):
    async with pages(users=ClosedUsers()) as browser:
        assert "sign-up" not in (await browser.get("/auth/sign-in")).text.partition("<body")[2]
        assert (await browser.get("/auth/sign-up")).status_code == 404


async def test_the_product_is_called_what_it_is_called(pages):
    async with pages(pages_name="Lanterns & <Sons>") as browser:
        answer = await browser.get("/auth/sign-in")

    assert "<title>Sign in · Lanterns &amp; &lt;Sons&gt;</title>" in answer.text
    assert "<Sons>" not in answer.text


async def test_the_password_s_hint_has_the_length_that_is_wanted(pages):
    async with pages(password_min_length=15) as browser:
        answer = await browser.get("/auth/sign-up")

    assert "At least 15 characters." in answer.text
    assert told(answer)["shortest"] == 15


async def test_fields_are_what_password_managers_and_phones_expect(browser):
    sign_in = dict_of_inputs(await browser.get("/auth/sign-in"))
    sign_up = dict_of_inputs(await browser.get("/auth/sign-up"))
    account = dict_of_inputs(await browser.get("/auth/account"))

    assert sign_in["login"]["autocomplete"] == "username"
    assert sign_in["password"]["autocomplete"] == "current-password"
    assert (sign_up["email"]["autocomplete"], sign_up["email"]["type"]) == ("username", "email")
    assert sign_up["password"]["autocomplete"] == "new-password"
    assert account["username"]["autocomplete"] == "username"
    assert account["current_password"]["autocomplete"] == "current-password"
    assert account["new_password"]["autocomplete"] == "new-password"
    for each in (*sign_in.values(), *sign_up.values()):
        assert (each["autocapitalize"], each["spellcheck"]) == ("none", "false")
        assert "maxlength" not in each


def dict_of_inputs(answer):
    found = [attributes for tag, attributes in Elements(answer.text).found if tag == "input"]
    return {each["name"]: each for each in found}


async def test_who_opens_an_address_where_nothing_is_gets_a_page_and_a_program_does_not(browser):
    person = await browser.get("/auth/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    program = await browser.get("/auth/nothing", headers={"Accept": "application/json"})
    poster = await browser.post("/auth/nothing", headers={"Accept": "text/html"})

    assert (person.status_code, program.status_code, poster.status_code) == (404, 404, 404)
    assert "Nothing here" in person.text
    assert policy(person)["default-src"] == "'none'"
    assert program.json()["code"] == poster.json()["code"] == "not_found"


async def test_nothing_of_the_address_comes_back_as_markup(browser):
    evil = '"><script>alert(1)</script>'
    for name in (*PAGES, "nothing"):
        answer = await browser.get(
            f"/auth/{name}",
            params={"return_to": f"/{evil}", "lang": evil, "reason": evil},
            headers={"Accept": "text/html", "Accept-Language": evil},
        )
        assert "alert(1)" not in answer.text.replace("%3Cscript%3Ealert%281%29%3C%2Fscript%3E", "")
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "wanted", ["javascript:alert(1)", "//evil.example", "https://evil.example"]
)
def test_a_home_that_nobody_is_sent_to_stops_the_start(tmp_path, wanted):
    with pytest.raises(SettingsError) as raised:
        start(data_dir=tmp_path, pages=True, pages_home=wanted)

    assert raised.value.setting == "pages_home"
    assert str(raised.value).startswith("ADMIT_PAGES_HOME (pages_home) ")


async def test_home_is_where_one_goes_when_the_link_said_nothing(pages):
    async with pages(pages_home="/shop?from=sign-in") as browser:
        assert told(await browser.get("/auth/sign-in"))["next"] == "/shop?from=sign-in"
        assert told(await browser.get("/auth/sign-in?return_to=/x"))["next"] == "/x"


@pytest.mark.parametrize(
    ("prompt", "again"),
    [("login", True), ("login consent", True), ("none", False), ("LOGIN", False), ("", False)],
)
async def test_an_address_may_ask_for_another_sign_in_and_the_links_keep_it(browser, prompt, again):
    params = {"prompt": prompt, "return_to": "/shop"}
    for name, other in (("sign-in", "sign-up"), ("sign-up", "sign-in")):
        answer = await browser.get(f"/auth/{name}", params=params)
        kept = "&amp;prompt=login" if again else ""
        assert told(answer)["again"] is again
        assert f'href="/auth/{other}?return_to=%2Fshop{kept}"' in answer.text
        assert f'href="?lang=de&amp;return_to=%2Fshop{kept}"' in answer.text


async def test_without_jinja2_the_start_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "admit.web.pages", raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(SettingsError) as raised:
        start(data_dir=tmp_path, pages=True)

    assert raised.value.setting == "pages"
    assert "pip install 'admit[pages]'" in str(raised.value)


async def test_what_is_counted_of_the_pages_is_a_short_list(pages):
    """A label that held what was asked for would fill the memory of whoever counts."""
    key = "a key of thirty-two bytes and more for tests"
    async with pages(metrics_keys=key) as browser:
        for path in ("/auth/sign-in?x=1", "/auth/static/page.js", "/auth/static/a", "/auth/odd"):
            await browser.get(path, headers={"Accept": "text/html"})
        answer = await browser.get("/metrics", headers={"Authorization": f"Bearer {key}"})

    routes = set(re.findall(r'admit_http_requests_total\{.*route="([^"]*)"', answer.text))
    assert routes == {"/auth/sign-in", "/auth/static/{name:path}", "unmatched"}
