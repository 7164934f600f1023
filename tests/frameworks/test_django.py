"""What is Django's own: settings.py, checks, manage.py, classes of views, its middleware."""

import asyncio
import os
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command, execute_from_command_line
from django.test import Client, override_settings

from admit import Admit, Principal
from admit.frameworks.bridge import BRIDGE
from admit.frameworks.django import routes
from admit.guards.gate import Gate
from admit.testing.http_caller import PASSWORD
from tests.cheap import cheap
from tests.frameworks.django_site import Site, configured
from tests.frameworks.wsgi_caller import called, environ_of

configured()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("django")


@pytest.fixture(scope="module")
def auth(place):
    made = Admit(cheap(data_dir=place))
    yield made
    BRIDGE.call(made.close())


@pytest.fixture
def client(auth):
    with Site(auth):
        yield Client()


@pytest.fixture(scope="module")
def signed_in(auth):
    with Site(auth):
        client = Client()
        body = {"email": "ada@example.com", "password": PASSWORD}
        client.post("/auth/register", body, content_type="application/json")
        body = {"login": "ada@example.com", "password": PASSWORD, "delivery": "body"}
        answer = client.post("/auth/login", body, content_type="application/json")
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize("path", ["/guarded", "/later", "/thing", "/later-thing", "/slashed/"])
def test_views_of_every_kind_are_guarded(client, signed_in, path):
    assert client.get(path).status_code == 401
    assert client.get(path, headers=signed_in).status_code == 200


def test_a_slash_is_added_to_the_projects_own_paths_only(client, signed_in):
    """`APPEND_SLASH` is on; a POST to ours would lose its body."""
    assert client.get("/slashed", headers=signed_in).status_code == 301
    for path in ("/auth/login", "/auth/login/", "/auth/nothing"):
        answer = client.post(path, {}, content_type="application/json")
        assert answer.status_code in {404, 422}
        assert "Location" not in answer.headers


def urls():
    """Our URLs, made from the settings as they are now."""
    return tuple(run_path(str(Path(routes.__file__).with_name("urls.py")))["urlpatterns"])


@pytest.mark.anyio
@pytest.mark.parametrize("force", [None, "/shop"])
async def test_the_prefix_is_the_public_path_wherever_the_project_is_mounted(tmp_path, force):
    """Whether the server names the path before it, or the settings do and the proxy strips it."""
    auth = Admit(cheap(data_dir=tmp_path, prefix="/shop/auth"))
    with Site(auth) as site, override_settings(FORCE_SCRIPT_NAME=force, ROOT_URLCONF=urls()):
        below = httpx.ASGITransport(site.asgi(), root_path="" if force else "/shop")
        async with httpx.AsyncClient(transport=below, base_url="http://localhost:8000") as caller:
            path = "/auth/me" if force else "/shop/auth/me"
            answer = await caller.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        call = {"PATH_INFO": "/auth/me", "SCRIPT_NAME": "/shop"}
        request = httpx.Request("GET", "http://localhost:8000/auth/me")
        status, _, _ = await asyncio.to_thread(called, site.wsgi(), environ_of(request, b"") | call)
        assert status == 401
    BRIDGE.call(auth.close())


def test_a_refusal_that_a_view_raises_is_answered_as_one(client):
    answer = client.get("/raises")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert answer["Content-Type"] == "application/problem+json"


def test_nobody_is_the_principal_where_no_guard_ran(client, signed_in):
    assert client.get("/unguarded", headers=signed_in).json() == {"user_id": None}


def test_djangos_own_check_of_cross_site_requests_is_not_in_the_way(auth, signed_in):
    """Our routes check by themselves; the project's own views stay under Django's."""
    with Site(auth):
        strict = Client(enforce_csrf_checks=True)
        body = {"login": "ada@example.com", "password": PASSWORD}
        answer = strict.post("/auth/login", body, content_type="application/json")
        assert answer.status_code == 200
        crossed = {"Sec-Fetch-Site": "cross-site"}
        answer = strict.post("/auth/login", body, content_type="application/json", headers=crossed)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
        assert strict.post("/slashed/", headers=signed_in).status_code == 403


def test_a_body_that_a_middleware_has_read_is_still_there(auth):
    def reads(get_response):
        def middleware(request):
            assert request.body
            return get_response(request)

        return middleware

    from django.conf import settings

    globals()["reads"] = reads
    with Site(auth), override_settings(MIDDLEWARE=[f"{__name__}.reads", *settings.MIDDLEWARE]):
        body = {"login": "ada@example.com", "password": "not it at all"}
        answer = Client().post("/auth/login", body, content_type="application/json")
        assert answer.status_code == 401


def parses_forms(get_response):
    def middleware(request):
        assert request.POST is not None
        return get_response(request)

    return middleware


def reads_the_stream(get_response):
    def middleware(request):
        assert request.read()
        return get_response(request)

    return middleware


@pytest.mark.parametrize("first", ["parses_forms", "reads_the_stream"])
def test_a_body_that_a_middleware_has_used_up_is_refused_and_no_500(auth, first):
    from django.conf import settings

    with Site(auth), override_settings(MIDDLEWARE=[f"{__name__}.{first}", *settings.MIDDLEWARE]):
        form = Client(raise_request_exception=False).post("/auth/login", {"login": "ada"})
        assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_url": "http://example.com"}, r"ADMIT in settings.py: ADMIT_BASE_URL \(base_url\)"),
        ({"no_such": 1}, "no setting 'no_such'"),
        ({"access_ttl": "soon"}, "ADMIT_ACCESS_TTL"),
        (["base_url"], "must be a dict"),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_settings_that_cannot_work_stop_the_start(given, said, debug):
    """Whatever is started, and whether or not DEBUG is on."""
    from django.apps import apps
    from django.core.handlers.wsgi import WSGIHandler

    with override_settings(ADMIT=given, ADMIT_AUTH=None, DEBUG=debug):
        with pytest.raises(ImproperlyConfigured, match=said):
            apps.get_app_config("admit").ready()
        with (
            override_settings(MIDDLEWARE=["admit.frameworks.django.Middleware"]),
            pytest.raises(ImproperlyConfigured, match=said),
        ):
            WSGIHandler()


def test_what_is_named_as_an_admit_must_be_one():
    from django.core.handlers.wsgi import WSGIHandler

    with (
        override_settings(ADMIT_AUTH="os.path", MIDDLEWARE=["admit.frameworks.django.Middleware"]),
        pytest.raises(ImproperlyConfigured, match="no Admit and no Verifier"),
    ):
        WSGIHandler()


def test_reading_the_settings_makes_nothing(tmp_path):
    """A build that collects static files must not leave a secret in its image."""
    from django.apps import apps

    place = tmp_path / "data"
    with override_settings(ADMIT={"data_dir": place}, ADMIT_AUTH=None):
        apps.get_app_config("admit").ready()
    assert not place.exists()


def test_a_missing_middleware_is_an_error(auth):
    with Site(auth):
        assert not [each for each in run_checks() if each.id == "admit.E001"]
        with override_settings(MIDDLEWARE=[]):
            assert [each for each in run_checks() if each.id == "admit.E001"]


def test_a_project_finds_its_own_routes_by_their_names(auth):
    """Django turns every pattern round for it, ours too: one that it can't would end every page."""
    from django.urls import reverse

    with Site(auth):
        assert reverse("admit") == "/auth"


def test_routes_that_are_included_elsewhere_are_found(auth):
    from django.core.checks import run_checks
    from django.urls import include, path

    class Nested:
        urlpatterns = (path("auth/", include("admit.frameworks.django.urls")),)

    class NotThere:
        urlpatterns = ()

    def warned():
        return [each.msg for each in run_checks() if each.id == "admit.W002"]

    with Site(auth):
        assert not warned()
        with override_settings(ROOT_URLCONF=NotThere):
            assert not warned()
        with override_settings(ROOT_URLCONF=Nested):
            (said,) = warned()
    assert "'/auth/auth'" in said


def test_plain_http_is_warned_of_before_deployment(auth, tmp_path):
    def warned():
        found = run_checks(include_deployment_checks=True)
        return [each.id for each in found if each.id == "admit.W001"]

    with Site(auth):
        assert warned() == ["admit.W001"]
    safe = {"base_url": "https://example.com", "data_dir": tmp_path}
    with override_settings(ADMIT=safe, ADMIT_AUTH=None):
        assert warned() == []


def test_manage_py_admit_does_what_the_command_does(auth, place, signed_in, capsys, monkeypatch):
    """With the settings of the project."""
    monkeypatch.setattr("os.environ", {**os.environ})
    chosen = override_settings(ADMIT={"data_dir": place}, ADMIT_AUTH=None)
    with chosen, pytest.raises(SystemExit) as ended:
        call_command("admit", "user", "show", "ada@example.com")
    assert ended.value.code in {0, None}
    assert "ada@example.com" in capsys.readouterr().out


def test_manage_py_admit_starts_no_second_server(auth):
    with Site(auth), pytest.raises(CommandError, match="its own server"):
        call_command("admit", "serve")


def test_manage_py_admit_takes_djangos_own_options(auth, place, signed_in, capsys, monkeypatch):
    """They say which project; the command must not stumble over them."""
    monkeypatch.setattr("os.environ", {**os.environ})
    typed = ["manage.py", "admit", "--pythonpath=.", "user", "show", "ada@example.com"]
    chosen = override_settings(ADMIT={"data_dir": place}, ADMIT_AUTH=None)
    with chosen, pytest.raises(SystemExit) as ended:
        execute_from_command_line(typed)
    assert ended.value.code in {0, None}
    assert "ada@example.com" in capsys.readouterr().out


def test_a_guard_over_a_class_or_its_method_is_a_mistake():
    """It would look for the token at the object that the method is handed."""
    from django.views import View

    from admit.frameworks.django import guard

    def get(self, request): ...

    wrongs: list[Any] = [View, get]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="method_decorator"):
            guard.user(wrong)


def test_what_manage_py_admit_refuses_is_one_sentence(auth, capsys):
    from django.core.management import execute_from_command_line

    with Site(auth), pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "admit", "serve"])
    assert ended.value.code == 1
    assert "its own server." in capsys.readouterr().err


def test_settings_become_the_variables_that_say_the_same(tmp_path):
    """Each kind of value: text, a switch, a number, several; and defaults that are meant so."""
    from admit import Settings
    from admit.frameworks.django.management.commands.admit import environment

    given = Settings.load(
        data_dir=tmp_path, access_cookie=True, leeway=5.0, allowed_origins=("https://a.example",),
        trusted_proxies="10.0.0.0/8,192.0.2.1", secret="of-thirty-two-bytes-or-more-0123456789",
    )  # fmt: skip
    assert Settings.load(environ=environment(given), dotenv=None) == given
    others = {"ADMIT_PREFIX": "/elsewhere", "ADMIT_THROTTLE": "off"}
    plain = Settings.load(data_dir=tmp_path, environ={}, dotenv=None)
    assert Settings.load(environ=others | environment(plain), dotenv=None) == plain


def test_rest_frameworks_own_permissions_know_what_to_ask():
    """`IsAdminUser` asks for Django's own staff, of which nobody here is."""
    from rest_framework.permissions import IsAdminUser

    from admit.frameworks.django.rest import SignedIn

    somebody = Principal(
        user_id="1", session_id="2", roles=(), auth_time=0, version=1, expires_at=0.0, payload=b"{}"
    )
    request = SimpleNamespace(user=SignedIn(somebody))
    assert not IsAdminUser().has_permission(request, None)


def test_rest_framework_knows_who_calls(client, signed_in):
    """And hands on what a bad token is refused with, and what another site may not do."""
    answer = client.get("/rest", headers=signed_in)
    assert answer.status_code == 200
    assert answer.json()["user"] == answer.json()["user_id"]
    nobody = client.get("/rest")
    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, 'Bearer realm="admit"')
    bad = {"Authorization": "Bearer x"}
    ours, theirs = client.get("/auth/me", headers=bad), client.get("/rest", headers=bad)
    assert (theirs.status_code, theirs.content) == (401, ours.content)
    assert theirs["WWW-Authenticate"] == ours["WWW-Authenticate"]


class Checks:
    """What only checks tokens: a gate, and nothing to start."""

    def __init__(self, auth):
        self.gate = Gate(auth)


def test_a_project_that_only_checks_tokens(auth, signed_in):
    """It has guards, and neither accounts to administer nor anything to deploy."""
    with Site(Checks(auth)):
        BRIDGE.keep(auth)
        BRIDGE.call(auth.begin())  # whoever knows the keys; the project before has closed it
        assert Client().get("/guarded", headers=signed_in).status_code == 200
        assert Client().get("/guarded").json()["code"] == "unauthenticated"
        assert Client().get("/auth/me", headers=signed_in).status_code == 404
        with pytest.raises(CommandError, match="where their issuer is"):
            call_command("admit", "user", "list")
        found = run_checks(include_deployment_checks=True)
        assert not [each for each in found if each.id == "admit.W001"]


def test_what_a_hook_has_open_in_its_thread_is_closed_as_after_a_request(auth):
    """Or a database that is started anew would be out for that thread for good."""
    from django.db import close_old_connections

    from admit.hooks.calls import AROUND

    assert close_old_connections in AROUND
