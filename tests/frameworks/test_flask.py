"""What is Flask's own: factories, blueprints, a principal that is there or is an error."""

import asyncio
import errno
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from math import nan
from queue import Queue
from typing import Any, cast

import pytest
from flask import Blueprint, Flask

from admit import Admit, Refusal, SettingsError
from admit.errors import Forbidden, Unavailable
from admit.frameworks import bridge
from admit.frameworks.bridge import BRIDGE, Bridge
from admit.frameworks.flask import Guard, mount
from admit.frameworks.routes import LONG_POLLS
from admit.guards.gate import Gate
from admit.http.feed import RevocationFeed
from admit.testing.http_caller import EMAIL, PASSWORD
from admit.users import UserStore
from tests.cheap import cheap
from tests.frameworks.django_site import Site
from tests.frameworks.flask_site import flask_app, guard


def admitted(place):
    """An `Admit` with one account that has signed in, and its access token."""
    auth = Admit(cheap(data_dir=place))

    async def sign_in():
        await auth.begin()
        now = auth.clock()
        await auth.accounts.register(email=EMAIL, password=PASSWORD, roles=("admin",), now=now)
        account = await auth.accounts.check(login=EMAIL, password=PASSWORD, now=now)
        return (await auth.sessions.open(account, now=now)).access_token

    BRIDGE.keep(auth)
    return auth, {"Authorization": f"Bearer {BRIDGE.call(sign_in())}"}


@pytest.fixture(scope="module")
def auths(tmp_path_factory):
    made = [admitted(tmp_path_factory.mktemp("flask")) for _ in range(2)]
    yield made
    for auth, _ in made:
        BRIDGE.call(auth.close())


def test_a_blueprint_is_guarded_as_a_whole(auths):
    auth, signed_in = auths[0]
    client = flask_app(auth).test_client()
    assert client.get("/inside/page").status_code == 401
    assert client.get("/inside/page", headers=signed_in).status_code == 200


def test_a_factory_makes_apps_that_know_their_own_users_only(auths):
    (first, signed_in), (second, elsewhere) = auths
    clients = [flask_app(auth).test_client() for auth in (first, second)]
    for path in ("/guarded", "/auth/me"):
        assert [each.get(path, headers=signed_in).status_code for each in clients] == [200, 401]
        assert [each.get(path, headers=elsewhere).status_code for each in clients] == [401, 200]


def test_two_apps_may_share_one(auths):
    auth, signed_in = auths[0]
    for app in (flask_app(auth), flask_app(auth)):
        assert app.test_client().get("/auth/me", headers=signed_in).status_code == 200


def test_a_second_mount_is_a_mistake(auths):
    auth, _ = auths[0]
    with pytest.raises(ValueError, match="mount one"):
        mount(flask_app(auth), auth)


def test_nobody_is_a_principal_where_no_guard_ran(auths):
    """Nor is whoever called before, though Flask's own context may outlive a request."""
    auth, signed_in = auths[0]
    app = flask_app(auth)
    app.testing = True
    with app.app_context():
        client = app.test_client()
        assert client.get("/guarded", headers=signed_in).status_code == 200
        with pytest.raises(RuntimeError, match="No guard stands before this view"):
            client.get("/unguarded", headers=signed_in)


def test_an_app_without_an_admit_lets_nobody_in():
    app = Flask("forgotten")
    app.testing = True
    app.add_url_rule("/guarded", "guarded", guard.user(lambda: "in"))
    with pytest.raises(RuntimeError, match=r"call mount\(app, auth\)"):
        app.test_client().get("/guarded")


def test_a_guard_of_its_own_needs_no_mount(auths):
    auth, signed_in = auths[0]
    app, own = Flask("bare"), Guard(auth)
    app.add_url_rule("/guarded", "guarded", own.user(lambda: {"in": own.principal is not None}))
    client = app.test_client()
    assert client.get("/guarded", headers=signed_in).status_code == 200
    refused = client.get("/guarded")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "unauthenticated")
    assert client.get("/auth/me", headers=signed_in).status_code == 404


def test_a_refusal_that_a_view_raises_is_answered_as_one(auths):
    auth, _ = auths[0]
    app = flask_app(auth)

    def view():
        raise Forbidden

    app.add_url_rule("/raises", "raises", view)
    answer = app.test_client().get("/raises")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert answer.content_type == "application/problem+json"


def test_the_names_of_a_view_stay(auths):
    """Or two guarded views would be one endpoint."""

    @guard.user
    def orders():
        """All of them."""

    assert (orders.__name__, orders.__doc__) == ("orders", "All of them.")


def test_a_loop_that_would_wait_for_itself_says_so(auths):
    """A hook that calls back through the bridge is told, and does not hang for a minute."""

    async def inside():
        async def never():
            pass

        with pytest.raises(RuntimeError, match="can't wait for itself"):
            BRIDGE.call(never())

    BRIDGE.call(inside())


def test_a_process_without_room_for_an_event_loop_says_so_and_tries_again(monkeypatch):
    """Nobody waits a minute for a thread that has died."""
    own = Bridge()

    def full():
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patching:
        patching.setattr("asyncio.events.new_event_loop", full)
        for _ in range(2):
            with pytest.raises(Unavailable, match="Too many open files"):
                own.call(asyncio.sleep(0))
    assert own.call(asyncio.sleep(0, "runs")) == "runs"
    own.close()


def test_a_fork_leaves_alone_what_another_loop_runs(tmp_path):
    """Who waits for news there goes on waiting, now and later: nothing would begin it anew."""
    own, auth = Bridge(), Admit(cheap(data_dir=tmp_path))
    loops: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def running():
        async with auth:
            stopping = asyncio.Event()
            loops.put((asyncio.get_running_loop(), stopping))
            await stopping.wait()

    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(asyncio.run, running())
        loop, stopping = loops.get(timeout=60)
        own.keep(auth)
        own.call(asyncio.sleep(0))
        own.before_fork()
        own.after_fork()
        seen = auth.ready, auth.revoked.news.open
        loop.call_soon_threadsafe(stopping.set)
        ended.result(60)
    assert seen == (True, True)


def test_who_waits_for_news_takes_no_more_threads_than_are_left(tmp_path, monkeypatch):
    """However the query is written."""
    monkeypatch.setattr("admit.frameworks.routes.LONG_POLLS", 0)
    monkeypatch.setattr(RevocationFeed, "_waited", None)  # what is called is not answered
    key = "a-key-of-the-verifiers-0123456789-abcdef"
    auth = Admit(cheap(data_dir=tmp_path, verifier_keys=key))
    client = flask_app(auth).test_client()
    for query in ("wait=30", "w%61it=30"):
        path = f"/auth/revocations?{query}"
        answer = client.get(path, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.json["revocations"]) == (200, [])
    BRIDGE.call(auth.close())


def test_what_flask_answers_without_a_view_needs_nobody(auths):
    """A preflight carries no token; a view of one's own for OPTIONS is guarded as all are."""
    auth, _ = auths[0]
    app, own = Flask("preflights"), Guard(auth)
    app.before_request(own.check())
    app.add_url_rule("/page", "page", dict)
    app.add_url_rule("/own", "own", dict, methods=["OPTIONS"])
    client = app.test_client()
    assert [client.get(path).status_code for path in ("/page", "/nowhere")] == [401, 401]
    assert [client.options(path).status_code for path in ("/page", "/own")] == [200, 401]


@pytest.mark.anyio
async def test_a_refusal_that_nobody_reads_any_more_is_not_logged(caplog):
    """Whoever hangs up could else fill the log with tracebacks."""
    begun, going_on = threading.Event(), threading.Event()

    async def refuse():
        begun.set()
        await asyncio.to_thread(going_on.wait)
        raise Forbidden

    asked = asyncio.create_task(BRIDGE.wait(refuse()))
    await asyncio.to_thread(begun.wait)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    going_on.set()
    await asyncio.to_thread(BRIDGE.close)
    await asyncio.sleep(0)
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_a_fork_waits_for_no_request_that_nothing_ends(monkeypatch):
    """Who waits for it is told, and not forgotten."""
    monkeypatch.setattr(bridge, "QUIET_SECONDS", 0.02)
    made, begun = Bridge(), threading.Event()

    async def endless():
        begun.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(made.call, endless())
        assert begun.wait(60)
        forking = threading.Thread(target=made.before_fork, daemon=True)
        forking.start()
        forking.join(60)
        ended = not forking.is_alive()
        with pytest.raises(Refusal, match="took too long"):
            asking.result(60)
    assert ended
    made.after_fork()


def test_a_fork_waits_for_nothing_that_can_not_be_closed(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(bridge, "CLOSE_SECONDS", 0.05)
    made, auth = Bridge(), Admit(cheap(data_dir=tmp_path))

    async def endless():
        await asyncio.Event().wait()

    monkeypatch.setattr(auth, "close", endless)
    made.keep(auth)
    made.call(asyncio.sleep(0))
    forking = threading.Thread(target=made.before_fork, daemon=True)
    forking.start()
    forking.join(60)
    assert not forking.is_alive()
    assert "could not be closed" in caplog.text
    made.after_fork()


def test_what_takes_too_long_is_given_up(auths, monkeypatch):
    """A thread is not lost for ever to a request that nothing ends."""
    monkeypatch.setattr(bridge, "LONGEST", 0.05)
    ended = asyncio.Event()

    async def endless():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Refusal, match="took too long"):
        BRIDGE.call(endless())
    BRIDGE.call(asyncio.wait_for(asyncio.sleep(0), 60))
    assert ended.is_set()


def test_a_guard_that_nobody_could_pass_is_a_mistake():
    for wrong in ({"role": ""}, {"within": 0}, {"within": -1}, {"within": nan}):
        with pytest.raises(ValueError, match="nobody passes"):
            guard.needs(**wrong)
        with pytest.raises(ValueError, match="nobody passes"):
            guard.check(**wrong)
    wrongs: list[Any] = [None, print]
    for role in wrongs:  # a variable that is not set; a view, where the role was forgotten
        with pytest.raises(ValueError, match="nobody passes"):
            guard.role(role)


@pytest.mark.parametrize("name", ["at once", "of a blueprint"])
def test_a_guard_over_its_route_is_a_mistake(auths, name):
    """Flask has the view without it: without a word, it would be open to everybody."""
    app = Flask("open")
    mount(app, auths[0][0])
    routes: Flask | Blueprint = app if name == "at once" else Blueprint("staff", "staff")

    @guard.role("admin")
    @guard.user
    @routes.delete("/orders")
    def forget():
        return ""

    if isinstance(routes, Blueprint):
        app.register_blueprint(routes)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="guard stands over"):
            app.test_client().delete("/orders")


def test_a_view_may_have_several_guards(auths):
    app = Flask("several")
    mount(app, auths[0][0])

    def page():
        return ""

    app.add_url_rule("/one", "one", guard.user(page))
    app.add_url_rule("/both", "both", guard.user(guard.optional(page)))
    assert [app.test_client().get(path).status_code for path in ("/one", "/both")] == [401, 401]


def test_without_a_prefix_every_path_would_be_ours(tmp_path):
    with pytest.raises(SettingsError, match="ADMIT_PREFIX"):
        mount(Flask("all"), Admit(cheap(data_dir=tmp_path, prefix="")))


class Checks:
    """What only checks tokens: a gate, and nothing to start."""

    def __init__(self, auth):
        self.gate = Gate(auth)


def test_what_only_checks_tokens_guards_and_has_no_routes(auths):
    auth, signed_in = auths[0]
    app = Flask("elsewhere")
    mount(app, Checks(auth))
    BRIDGE.keep(auth)
    BRIDGE.call(auth.begin())  # whoever knows the keys: a test before may have closed it
    app.add_url_rule("/guarded", "guarded", guard.user(lambda: {"id": guard.caller.user_id}))
    client = app.test_client()
    assert client.get("/guarded", headers=signed_in).status_code == 200
    assert client.get("/guarded").get_json()["code"] == "unauthenticated"
    assert client.get("/auth/me", headers=signed_in).status_code == 404


def test_a_caller_is_somebody(auths):
    """Where nobody has to call, asking for the caller fails and lets nobody in as somebody."""
    auth, signed_in = auths[0]
    app = flask_app(auth)
    app.testing = True
    app.add_url_rule("/who", "who", guard.optional(lambda: {"id": guard.caller.user_id}))
    client = app.test_client()
    assert client.get("/who", headers=signed_in).status_code == 200
    with pytest.raises(RuntimeError, match="Nobody calls"):
        client.get("/who")


def test_verifiers_that_wait_leave_threads_to_others(tmp_path):
    """Two may wait for news; the third is answered at once, though it would wait for a minute."""
    key = "of-thirty-two-bytes-or-more-0123456789"
    auth = Admit(cheap(data_dir=tmp_path, verifier_keys=key))
    app = Flask("issuer")
    mount(app, auth)
    routes = cast("Any", app.wsgi_app)._routes
    asking = {"Authorization": f"Bearer {key}"}

    def ask(wait):
        client = app.test_client()
        page = client.get("/auth/revocations", headers=asking).get_json()
        path = f"/auth/revocations?after={page['cursor']}&wait={wait}"
        return client.get(path, headers=asking).status_code

    with ThreadPoolExecutor(LONG_POLLS) as threads:
        waiting = [threads.submit(ask, 30) for _ in range(LONG_POLLS)]
        until = time.monotonic() + 60
        while routes._waiting._value:
            assert time.monotonic() < until
            time.sleep(0.001)
        assert ask(30) == 200
        assert not any(each.done() for each in waiting)
        BRIDGE.call(auth.close())  # nobody waits for news that will not come
        assert all(each.result(60) in {200, 503} for each in waiting)


class Asked(UserStore):
    """Users of an app, who only note that they are looked at."""

    def __init__(self):
        self.looked = threading.Event()

    async def get(self, user_id):
        self.looked.set()

    async def find(self, login):
        raise NotImplementedError

    async def save_password(self, user_id, password_hash, *, was):
        raise NotImplementedError


def _by_flask(auth):
    mount(Flask("shop"), auth)


def _by_django(auth):
    with Site(auth) as site:
        site.wsgi()


@pytest.mark.parametrize("served", [_by_flask, _by_django])
def test_a_worker_that_answered_nobody_yet_looks_at_a_changed_user_too(served, tmp_path):
    """Which of a server's processes serves the app's admin is chance."""
    users = Asked()
    auth = Admit(cheap(data_dir=tmp_path), users=users)
    served(auth)
    auth.users_changed_soon("1")
    assert users.looked.wait(60)
    BRIDGE.call(auth.close())
