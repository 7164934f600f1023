"""What changes in the app's table is followed: sessions end with their reason, tokens stop."""

import asyncio
import logging

import bcrypt
import jwt
import pytest

from admit import Admit, Hooks, InvalidToken, Unavailable
from admit.errors import (
    AlreadyExists,
    Forbidden,
    InvalidCredentials,
    NotFound,
    RefreshRefused,
    SettingsError,
)
from admit.moving import Express
from admit.stores import patience
from admit.stores.postgres import PostgresStore
from admit.testing.http_contract import Clock
from tests.cheap import cheap
from tests.users.conftest import SECRET
from tests.users.models import people

pytestmark = pytest.mark.anyio

EMAIL, PASSWORD, ANOTHER = "ada@example.com", "correct horse battery", "another horse battery"
CALLERS = 20


async def register(auth, email=EMAIL, name="ada"):
    return await auth.accounts.register(
        email=email, username=name, password=PASSWORD, now=auth.clock()
    )


async def sign_in(auth, login=EMAIL, password=PASSWORD):
    return await auth.sessions.sign_in(login=login, password=password, now=auth.clock())


async def refresh(auth, tokens):
    return await auth.sessions.refresh(tokens.refresh_token, now=auth.clock())


async def refused(auth, tokens):
    """Why a refresh of these tokens is refused."""
    with pytest.raises(RefreshRefused) as raised:
        await refresh(auth, tokens)
    return raised.value.reason


def off(auth, tokens):
    """Why the access token is refused; None where it is good."""
    try:
        auth.verify(tokens.access_token)
    except InvalidToken as error:
        return error.reason
    return None


async def kinds(auth):
    """What the audit trail has, the oldest first, without the sign-ins."""
    events = await auth.store.events()
    left_out = {"signed_in", "key_published"}
    return [(each.kind, each.reason) for each in events[::-1] if each.kind not in left_out]


@pytest.fixture(params=["sqlite", "postgres"])
async def either(request, process):
    """An engine on either store."""
    given = {}
    if request.param == "postgres":
        request.getfixturevalue("patient_postgres")
        given["store"] = PostgresStore(request.getfixturevalue("database_url"))
    async with process(**given) as auth:
        yield auth


async def test_the_whole_story_on_either_store(either, app):
    auth = either
    user = await register(auth)
    app.change(user.id, groups="writer admin")
    first, second = await sign_in(auth), await sign_in(auth, "ADA")
    principal = auth.verify(first.access_token)
    assert (principal.user_id, principal.roles) == (user.id, ("admin", "writer"))
    assert user.id == "1"

    app.change(user.id, groups="writer")
    first = await refresh(auth, first)
    assert auth.verify(first.access_token).roles == ("writer",)
    assert off(auth, second) == "revoked"  # it carries the role that was lost
    second = await refresh(auth, second)
    assert off(auth, second) is None

    app.change(user.id, groups="writer editor")
    assert "editor" in auth.verify((await refresh(auth, first)).access_token).roles
    assert off(auth, second) is None  # a role more takes nothing away

    await auth.accounts.change_password(
        user_id=user.id,
        session_id=first.session_id,
        current_password=PASSWORD,
        new_password=ANOTHER,
        now=auth.clock(),
    )
    assert await refused(auth, second) == "password_changed"
    assert off(auth, first) is None
    with pytest.raises(InvalidCredentials):
        await sign_in(auth)
    third = await sign_in(auth, password=ANOTHER)

    app.change(user.id, active=False)
    assert await refused(auth, third) == "revoked"
    assert off(auth, first) == "revoked"
    with pytest.raises(InvalidCredentials):
        await sign_in(auth, password=ANOTHER)
    app.change(user.id, active=True)
    assert off(auth, await sign_in(auth, password=ANOTHER)) is None
    assert await kinds(auth) == [
        ("user_registered", None),
        ("roles_changed", "app"),
        ("roles_changed", "app"),
        ("roles_changed", "app"),
        ("session_ended", "password_changed"),
        ("password_changed", None),
        ("sign_in_failed", "wrong_password"),
        ("session_ended", "revoked"),
        ("session_ended", "revoked"),
        ("user_disabled", "app"),
        ("sign_in_failed", "disabled"),
        ("user_enabled", "app"),
    ]


async def test_a_password_that_the_app_changed_ends_every_session(auth, app):
    await register(auth)
    one, two = await sign_in(auth), await sign_in(auth)
    app.change(1, secret=bcrypt.hashpw(ANOTHER.encode(), bcrypt.gensalt(4)).decode())
    assert await refused(auth, one) == "password_changed"
    assert off(auth, two) == "password_changed"
    with pytest.raises(InvalidCredentials):
        await sign_in(auth)
    assert (await sign_in(auth, password=ANOTHER)).user.id == "1"


async def test_a_hash_that_admit_upgrades_ends_nothing(auth, app):
    app.add(email=EMAIL, secret=bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    old = app.hash_of(1)
    one = await sign_in(auth)
    assert app.hash_of(1).startswith("$argon2id$")
    app.change(1, secret=old)  # as it was when the second signs in
    await auth.users_changed("1")
    two = await sign_in(auth)
    assert await refused(auth, one) == "password_changed"  # the app went back: another hash
    two = await refresh(auth, two)
    three = await sign_in(auth)
    for tokens in (two, three):
        await refresh(auth, tokens)
    assert ("password_changed", None) not in await kinds(auth)


async def test_who_is_gone_is_out_and_leaves_nothing_of_theirs(auth, app):
    await register(auth)
    tokens = await sign_in(auth)
    app.delete(1)
    await auth.users_changed("1")
    assert off(auth, tokens) == "revoked"
    assert await refused(auth, tokens) == "revoked"
    with pytest.raises(InvalidCredentials):
        await sign_in(auth)
    (shadow,) = await auth.store.list_users(search="", after="", limit=10)
    assert (shadow.user.email, shadow.user.username, shadow.email_key) == ("", None, "#1")


async def test_an_id_that_is_given_again_opens_nobody_elses_session(auth, app):
    await register(auth)
    tokens = await sign_in(auth)
    app.delete(1)
    await register(auth, "eve@example.com", "eve")
    assert (await sign_in(auth, "eve")).user.id == "1"
    assert await refused(auth, tokens) == "password_changed"


async def test_addresses_that_two_users_exchange_follow_them(auth, app):
    ada, bob = await register(auth), await register(auth, "bob@example.com", "bob")
    tokens = await sign_in(auth)
    await sign_in(auth, "bob")
    app.change(bob.id, email="free@example.com")
    app.change(ada.id, email="bob@example.com")
    app.change(bob.id, email="ada@example.com")
    assert (await sign_in(auth, "ada@example.com")).user.id == bob.id
    assert (await refresh(auth, tokens)).user.email == "bob@example.com"


async def test_what_the_app_tells_reaches_other_processes_too(process, auth, app):
    await register(auth)
    tokens = await sign_in(auth)
    async with process() as other:
        app.change(1, active=False)
        assert (off(auth, tokens), off(other, tokens)) == (None, None)
        other.users_changed_soon("1")  # from a thread without a loop it would be the same
        async with asyncio.timeout(60):
            while off(auth, tokens) is None or off(other, tokens) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert off(auth, tokens) == "revoked"
    other.users_changed_soon("1")  # closed: nothing to do, and no error


async def test_of_many_who_see_a_change_one_writes_it(process, auth, app):
    await register(auth)
    many = [await sign_in(auth) for _ in range(CALLERS)]
    app.change(1, groups="reader")
    async with process() as other:
        each = (refresh((auth, other)[index % 2], tokens) for index, tokens in enumerate(many))
        assert {tokens.user.roles for tokens in await asyncio.gather(*each)} == {("reader",)}
    assert (await kinds(auth)).count(("roles_changed", "app")) == 1


async def test_while_the_users_cannot_be_read_nothing_is_lost(process, meddling, clock, caplog):
    """Refreshed before the users were read, the retry would come back as theft."""

    said = f"{EMAIL} $argon2id$secret"

    async def fail():
        raise OSError(said)

    async with process(users=meddling) as auth:
        await register(auth)
        tokens = await sign_in(auth)
        for _ in range(2):
            meddling.meddle("before", "get", fail)
            with caplog.at_level(logging.ERROR), pytest.raises(Unavailable, match="OSError"):
                await refresh(auth, tokens)
            clock.advance(60)
        meddling.meddle("before", "find", fail)
        with pytest.raises(Unavailable):
            await sign_in(auth)
        assert (await refresh(auth, tokens)).session_id == tokens.session_id
    assert "OSError" in caplog.text
    assert "example.com" not in caplog.text
    assert "argon2id" not in caplog.text


async def test_a_driver_that_cancels_by_itself_ends_no_request(process, meddling):
    async def cancelled():
        raise asyncio.CancelledError

    async with process(users=meddling) as auth:
        meddling.meddle("before", "add", cancelled)
        with pytest.raises(Unavailable, match="CancelledError"):
            await register(auth)
        await register(auth)
        meddling.meddle("before", "find", cancelled)
        with pytest.raises(Unavailable, match="CancelledError"):
            await sign_in(auth)

        meddling.meddle("before", "find", asyncio.Event().wait)
        asked = asyncio.create_task(sign_in(auth))
        await asyncio.sleep(0)
        asked.cancel()
        assert [type(each) for each in await asyncio.gather(asked, return_exceptions=True)] == [
            asyncio.CancelledError
        ]


async def test_users_that_never_answer_are_given_up(process, meddling, monkeypatch, serve):
    forever = asyncio.Event()
    async with serve(users=meddling) as service:
        await service.register()
        tokens = await service.sign_in()
        meddling.meddle("before", "get", forever.wait)
        monkeypatch.setattr("admit.stores.patience.SECONDS", 0.05)
        answer = await service.refresh(tokens["refresh_token"])
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        monkeypatch.undo()
        assert (await service.refresh(tokens["refresh_token"])).status_code == 200


async def test_of_two_who_register_one_address_one_is_added(auth):
    answers = await asyncio.gather(
        *(register(auth, name=f"ada{index}") for index in range(CALLERS)), return_exceptions=True
    )
    refused = [each for each in answers if isinstance(each, AlreadyExists)]
    assert len(refused) == CALLERS - 1
    assert {tuple(each.fields or ()) for each in refused} == {("email",)}
    assert (await kinds(auth)) == [("user_registered", None)]


async def test_where_the_app_adds_its_users_nobody_registers(serve, app_engine):
    async with serve(users=people(app_engine, registration=False)) as service:
        body = {"email": EMAIL, "password": PASSWORD}
        answer = await service.send("POST", "/register", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        paths = (await service.send("GET", "/openapi.json")).json()["paths"]
        assert "/auth/login" in paths
        assert "/auth/register" not in paths
        with pytest.raises(NotFound, match="in the app"):
            await register(service.auth)


async def test_what_is_the_apps_to_change_is_refused_with_a_sentence(auth, tmp_path, clock):
    user = await register(auth)
    changes = (
        lambda: auth.accounts.set_enabled(user.id, enabled=False, now=clock()),
        lambda: auth.accounts.set_roles(user.id, add=("admin",), remove=(), now=clock()),
    )
    for change in changes:
        with pytest.raises(Forbidden, match="live in the app"):
            await change()
    await auth.accounts.reset_password(user.id, ANOTHER, now=clock())
    assert (await sign_in(auth, password=ANOTHER)).user.roles == ()


async def test_a_user_who_was_there_before_admit_signs_in_and_gets_a_password(auth, app, clock):
    app.add(email="Eve@Example.com", secret="", groups="a b/c " + "x" * 65)
    with pytest.raises(InvalidCredentials):
        await sign_in(auth, "eve@example.com", "")
    await auth.accounts.reset_password("1", ANOTHER, now=clock())
    user = (await sign_in(auth, "eve@example.com", ANOTHER)).user
    assert (user.email, user.roles) == ("Eve@Example.com", ("a",))
    assert user.created_at == Clock().now


async def test_only_users_of_the_app_can_have_changed(tmp_path):
    with pytest.raises(SettingsError, match="Admit itself"):
        await Admit(data_dir=tmp_path).users_changed("1")


async def test_guesses_leave_no_shadow_and_the_first_sign_in_makes_one(auth, app):
    app.add(email=EMAIL, secret=bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    for password in ("wrong", ""):
        with pytest.raises(InvalidCredentials):
            await sign_in(auth, password=password)
    assert await auth.store.list_users(search="", after="", limit=1) == []
    await sign_in(auth)
    assert app.hash_of(1).startswith("$argon2id$")  # upgraded, though it was the first
    assert ("user_registered", "app") in await kinds(auth)


OLD_FORM = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


async def test_a_password_that_changes_during_the_first_sign_in_is_the_one_that_counts(
    process, meddling, app
):
    new = bcrypt.hashpw(ANOTHER.encode(), bcrypt.gensalt(4)).decode()

    async def change():
        app.change(1, secret=new)

    async with process(users=meddling) as auth:
        app.add(email=EMAIL, secret=OLD_FORM)
        meddling.meddle("after", "find", change)
        with pytest.raises(InvalidCredentials):
            await sign_in(auth)
        assert app.hash_of(1) == new  # the old password's better hash was not written over it


async def test_a_hash_upgraded_during_the_first_sign_in_keeps_nobody_out(process, meddling, app):
    async def quicker():
        await sign_in(auth)

    async with process(users=meddling) as auth:
        app.add(email=EMAIL, secret=OLD_FORM)
        meddling.meddle("after", "find", quicker)
        await refresh(auth, await sign_in(auth))


async def test_a_role_that_is_lost_during_the_first_sign_in_is_in_no_token(process, meddling, app):
    async def lose():
        app.change(1, groups="")

    async with process(users=meddling) as auth:
        app.add(email=EMAIL, secret=OLD_FORM, groups="admin")
        meddling.meddle("after", "find", lose)
        assert auth.verify((await sign_in(auth)).access_token).roles == ()


async def test_who_hangs_up_leaves_no_new_password_beside_old_sessions(
    process, meddling, monkeypatch
):
    monkeypatch.setattr(patience, "SECONDS", 60)
    written, told = asyncio.Event(), asyncio.Event()

    async def hold():
        written.set()
        await told.wait()

    async with process(users=meddling) as auth:
        await register(auth)
        one, two = await sign_in(auth), await sign_in(auth)

        async def request():
            with patience.Patience():
                await auth.accounts.change_password(
                    user_id="1",
                    session_id=one.session_id,
                    current_password=PASSWORD,
                    new_password=ANOTHER,
                    now=auth.clock(),
                )

        meddling.meddle("after", "save_password", hold)
        asked = asyncio.create_task(request())
        await written.wait()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        told.set()
        await patience.settle(60)
        living = await auth.sessions.list("1", now=auth.clock())
        assert [each.id for each in living] == [one.session_id]
        assert await refused(auth, two) == "password_changed"


async def test_an_id_as_the_app_has_it_is_taken_as_its_text(auth, app):
    """Else the app's `user.id` would be nobody there, and its sessions in Admit would end."""
    user = await register(auth)
    tokens = await sign_in(auth)
    await auth.users_changed(int(user.id))
    assert off(auth, tokens) is None
    app.change(1, active=False)
    await auth.users_changed(int(user.id))
    assert off(auth, tokens) == "revoked"


async def test_a_users_former_token_becomes_a_session_that_follows_them(
    app, tmp_path, clock, users
):
    """Own users, hooks, a former system, and no watch: all at once."""
    former = Express(secret=SECRET, until="2100-01-31")
    settings = cheap(data_dir=tmp_path, secret=(SECRET,), throttle=False)
    app.add(email=EMAIL, name="ada", secret=OLD_FORM, groups="writer")
    theirs = [
        jwt.encode({"username": "ada", "exp": int(clock()) + left}, SECRET, "HS256")
        for left in (1000, 2000)
    ]
    hooks = Hooks(claims=lambda user, _: {"name": user.username})
    async with Admit(
        settings, clock=clock, users=users, moving=[former], hooks=hooks, watch=False
    ) as auth:
        tokens = await auth.sessions.refresh(theirs[0], now=clock())
        principal = auth.verify((await refresh(auth, tokens)).access_token)
        assert (principal.roles, principal.claims["name"]) == (("writer",), "ada")
        app.change(1, active=False)
        for token in (theirs[1], theirs[0]):
            with pytest.raises(RefreshRefused) as raised:
                await auth.sessions.refresh(token, now=clock())
            assert raised.value.reason == "revoked"


async def test_without_a_watch_a_request_settles_what_the_app_told(
    app, tmp_path, clock, users, monkeypatch
):
    monkeypatch.setattr("admit.upkeep.SETTLE_SECONDS", 60)
    settings = cheap(data_dir=tmp_path, secret=(SECRET,), throttle=False)
    async with Admit(settings, clock=clock, users=users, watch=False) as auth:
        await register(auth)
        tokens = await sign_in(auth)
        app.change(1, active=False)
        auth.users_changed_soon("1")
        await auth.settle()
        await auth.catch_up()
        assert off(auth, tokens) == "revoked"


async def test_an_administrator_ends_sessions_here_and_changes_users_in_the_app(serve, users, app):
    """Who lost the role in the app just now administers nothing any more."""
    async with serve(users=users, admin_role="admin") as service:
        boss = await service.register()
        ada = await service.register("other@example.com")
        app.change(boss["id"], groups="admin")
        token = (await service.sign_in())["access_token"]
        others = await service.sign_in("other@example.com")

        async def ask(method, path, **given):
            return await service.send(method, f"/admin/users{path}", bearer=token, **given)

        path = f"/{ada['id']}"
        (found,) = (await ask("GET", "?search=other@")).json()["users"]
        assert found == (await ask("GET", path)).json()["user"]
        for route, body in (("disable", {}), ("roles", {"add": ["admin"]})):
            answer = await ask("POST", f"{path}/{route}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert "live in the app" in answer.json()["detail"]
        assert (await ask("DELETE", f"{path}/sessions")).json() == {"ended": 1}
        assert await service.me(others["access_token"]) == 401
        app.change(boss["id"], groups="")
        assert (await ask("GET", path)).status_code == 401
