"""The app's table and Admit's are two databases: what a crash, or another process, leaves between.

Neither an honest client is signed out for it, nor does an old password stay good.
"""

import bcrypt
import pytest

from admit import Unavailable
from admit.errors import InvalidCredentials
from tests.users.conftest import app, app_engine, app_file, clock, meddling, process, users
from tests.users.test_following import (
    ANOTHER,
    EMAIL,
    PASSWORD,
    kinds,
    off,
    refresh,
    refused,
    register,
    sign_in,
)

__all__ = ["app", "app_engine", "app_file", "clock", "meddling", "process", "users"]
pytestmark = pytest.mark.anyio


@pytest.fixture
async def auth(process, meddling):
    async with process(users=meddling) as auth:
        yield auth


async def killed():
    """The process ends here, as far as anybody can tell."""
    raise Unavailable("killed")


async def change_password(auth, tokens):
    await auth.accounts.change_password(
        user_id="1",
        session_id=tokens.session_id,
        current_password=PASSWORD,
        new_password=ANOTHER,
        now=auth.clock(),
    )


async def test_killed_before_the_app_has_the_new_password(auth, meddling):
    await register(auth)
    mine, other = await sign_in(auth), await sign_in(auth)
    meddling.meddle("before", "save_password", killed)
    with pytest.raises(Unavailable):
        await change_password(auth, mine)
    for tokens in (mine, other):
        await refresh(auth, tokens)
    with pytest.raises(InvalidCredentials):
        await sign_in(auth, password=ANOTHER)
    await sign_in(auth)
    await change_password(auth, mine)
    assert await refused(auth, other) == "password_changed"


@pytest.mark.parametrize("first", ["mine", "other", "sign_in", "told"])
async def test_killed_once_the_app_has_the_new_password(auth, meddling, first):
    """Whoever comes first finishes the change: all sessions but the one that made it end."""
    await register(auth)
    mine, other = await sign_in(auth), await sign_in(auth)
    meddling.meddle("after", "save_password", killed)
    with pytest.raises(Unavailable):
        await change_password(auth, mine)
    if first == "other":
        assert await refused(auth, other) == "password_changed"
    elif first == "sign_in":
        await sign_in(auth, password=ANOTHER)
    elif first == "told":
        await auth.users_changed("1")
    mine = await refresh(auth, mine)
    assert await refused(auth, other) == "password_changed"
    assert off(auth, other) == "password_changed"
    assert off(auth, mine) is None
    with pytest.raises(InvalidCredentials):
        await sign_in(auth)
    assert (await kinds(auth)).count(("password_changed", "app")) == 1


async def test_another_process_sees_the_new_password_first(auth, meddling, process, users):
    await register(auth)
    mine, other = await sign_in(auth), await sign_in(auth)
    async with process(users=users) as quick:

        async def seen():
            assert await refused(quick, other) == "password_changed"
            assert (await refresh(quick, mine)).session_id == mine.session_id

        meddling.meddle("after", "save_password", seen)
        await change_password(auth, mine)
    assert off(auth, mine) is None
    assert off(auth, other) == "password_changed"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_while_a_hash_is_upgraded(auth, meddling, app, when):
    app.add(email=EMAIL, secret=bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    meddling.meddle("before", "save_password", killed)
    with pytest.raises(Unavailable):
        await sign_in(auth)
    meddling.meddle(when, "save_password", killed)
    with pytest.raises(Unavailable):
        await sign_in(auth)
    tokens = await sign_in(auth)
    await refresh(auth, tokens)
    assert app.hash_of(1).startswith("$argon2id$")
    assert not any(kind == "password_changed" for kind, _ in await kinds(auth))


async def test_a_look_that_began_before_an_upgrade_ends_nothing(
    auth, meddling, app, process, users
):
    """It read the old hash, and by the time it goes on only the new one is known."""
    app.add(email=EMAIL, secret=bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    old = app.hash_of(1)
    async with process(users=users) as other:
        await sign_in(other)
        app.change(1, secret=old)
        await other.users_changed("1")
        meddling.meddle("before", "save_password", killed)
        with pytest.raises(Unavailable):
            await sign_in(auth)
        tokens = None

        async def upgraded():
            nonlocal tokens
            tokens = await sign_in(other)

        before = await kinds(auth)
        meddling.meddle("after", "get", upgraded)
        await auth.users_changed("1")
        assert tokens is not None
        await refresh(auth, tokens)
        assert await kinds(auth) == before


async def test_a_password_changed_while_it_was_checked_opens_nothing(auth, meddling, app):
    await register(auth)
    stolen = bcrypt.hashpw(ANOTHER.encode(), bcrypt.gensalt(4)).decode()

    async def changed():
        app.change(1, secret=stolen)

    meddling.meddle("after", "find", changed)
    with pytest.raises(InvalidCredentials):
        await sign_in(auth)
    assert await auth.sessions.list("1", now=auth.clock()) == []


async def test_a_user_disabled_while_the_password_was_checked_opens_nothing(auth, meddling, app):
    await register(auth)

    async def disabled():
        app.change(1, active=False)

    meddling.meddle("after", "find", disabled)
    with pytest.raises(InvalidCredentials):
        await sign_in(auth)
    assert await auth.sessions.list("1", now=auth.clock()) == []


async def test_two_who_change_the_password_at_once(auth, meddling, process, users):
    """One wins; the other hears that it was changed, and its password is not the one."""
    await register(auth)
    mine, other = await sign_in(auth), await sign_in(auth)
    async with process(users=users) as quick:

        async def changed():
            await quick.accounts.change_password(
                user_id="1",
                session_id=other.session_id,
                current_password=PASSWORD,
                new_password="the quick one's horse",
                now=quick.clock(),
            )

        meddling.meddle("before", "save_password", changed)
        with pytest.raises(InvalidCredentials):
            await change_password(auth, mine)
    assert await refused(auth, mine) == "password_changed"
    await refresh(auth, other)
    with pytest.raises(InvalidCredentials):
        await sign_in(auth, password=ANOTHER)
    await sign_in(auth, password="the quick one's horse")


async def test_a_password_that_the_app_sets_meanwhile_is_not_written_over(auth, meddling, app):
    """Whoever knew the old password only does not undo what its owner just did."""
    await register(auth)
    mine = await sign_in(auth)
    owners = bcrypt.hashpw(b"the owner's new horse", bcrypt.gensalt(4)).decode()

    async def changed():
        app.change(1, secret=owners)

    async def read_again():
        meddling.meddle("after", "get", changed)

    meddling.meddle("after", "get", read_again)
    with pytest.raises(InvalidCredentials):
        await change_password(auth, mine)
    assert app.hash_of(1) == owners
    assert await refused(auth, mine) == "password_changed"


async def test_another_look_between_the_announcement_and_the_write(
    auth, meddling, app, process, users
):
    """It changes the shadow for another reason, so the last write is too late, and made anew."""
    await register(auth)
    mine, other = await sign_in(auth), await sign_in(auth)
    async with process(users=users) as quick:

        async def looked():
            app.change(1, groups="writer")
            await quick.users_changed("1")

        meddling.meddle("before", "save_password", looked)
        await change_password(auth, mine)
    assert off(auth, other) == "password_changed"
    assert off(auth, mine) is None
    assert (await refresh(auth, mine)).user.roles == ("writer",)
