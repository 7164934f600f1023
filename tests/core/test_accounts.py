"""Accounts on the real engine: register, sign in, change, and what an administrator does."""

import asyncio

import bcrypt
import pytest

from admit.errors import (
    AlreadyExists,
    InvalidCredentials,
    InvalidInput,
    InvalidToken,
    NotFound,
    RefreshRefused,
)
from admit.model import Origin
from admit.testing import samples

pytestmark = pytest.mark.anyio

EMAIL, PASSWORD = "Ada@Example.com", "correct horse battery"
ORIGIN = Origin(ip="192.0.2.1", user_agent="Browser/1.0")


async def register(engine, **given):
    given = {"email": EMAIL, "password": PASSWORD} | given
    return await engine.accounts.register(now=engine.clock(), **given)


async def sign_in(engine, login=EMAIL, password=PASSWORD):
    return await engine.sessions.sign_in(
        login=login, password=password, now=engine.clock(), origin=ORIGIN
    )


async def reasons(engine, kind):
    return [each.reason for each in await engine.store.events(kind=kind)]


async def test_whoever_registers_signs_in_by_address_or_name_in_any_case(engine):
    user = await register(engine, username="Ada_L", roles=("b", "a", "b"))
    assert (user.email, user.username, user.roles) == ("Ada@example.com", "Ada_L", ("a", "b"))
    assert not user.email_verified
    assert (await sign_in(engine, "ada@EXAMPLE.com")).user == user
    tokens = await sign_in(engine, "ADA_l")
    assert tokens.user == user
    session = await engine.store.find_session(tokens.session_id)
    assert session is not None
    assert (session.ip, session.user_agent) == ("192.0.2.1", "Browser/1.0")
    (line, _) = await engine.store.events(kind="signed_in")
    assert (line.user_id, line.session_id, line.ip) == (user.id, tokens.session_id, "192.0.2.1")


async def test_a_taken_address_or_name_is_refused_in_any_spelling(engine):
    await register(engine, username="Ada_L")
    for given, field in (
        ({"email": "ADA@example.COM"}, "email"),
        ({"email": "bob@example.com", "username": "ADA_L"}, "username"),
    ):
        with pytest.raises(AlreadyExists) as raised:
            await register(engine, **given)
        assert set(raised.value.fields or {}) == {field}


async def test_every_wrong_field_is_named_at_once(engine):
    with pytest.raises(InvalidInput) as raised:
        await register(engine, email="ada", username="a b", password="short")
    assert set(raised.value.fields or {}) == {"email", "username", "password"}
    for roles in (("a b",), ("",), ("x" * 65,), ("ä",)):
        with pytest.raises(InvalidInput) as raised:
            await register(engine, roles=roles)
        assert set(raised.value.fields or {}) == {"roles"}
    assert await engine.store.list_users(search="", after="", limit=1) == []


async def test_wrong_unknown_and_disabled_are_one_refusal_and_three_events(engine, clock):
    user = await register(engine)
    refusals = []
    for login, password in ((EMAIL, "wrong"), ("bob@example.com", PASSWORD), ("bob", PASSWORD)):
        with pytest.raises(InvalidCredentials) as raised:
            await sign_in(engine, login, password)
        refusals.append(raised.value)
    await engine.accounts.set_enabled(user.id, enabled=False, now=clock())
    with pytest.raises(InvalidCredentials) as raised:
        await sign_in(engine)
    refusals.append(raised.value)
    assert {(str(each), each.detail, each.reason) for each in refusals} == {
        (InvalidCredentials.title(), None, None)
    }
    assert await reasons(engine, "sign_in_failed") == [
        "disabled",
        "unknown_login",
        "unknown_login",
        "wrong_password",
    ]


async def test_a_bcrypt_hash_is_replaced_at_the_next_sign_in(engine):
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    account = samples.account(password_hash=hashed)
    await engine.store.add_user(account, event=samples.event())
    tokens = await sign_in(engine)
    row = await engine.store.find_user("id", "id-ada")
    assert row is not None
    assert row.password_hash.startswith("$argon2id$")
    assert row.password_version == 0
    # Nobody is signed out by it, and the token that was just given is good.
    assert engine.verify(tokens.access_token)
    assert await engine.sessions.refresh(tokens.refresh_token, now=engine.clock())
    assert await sign_in(engine)


async def test_a_changed_password_ends_every_other_session(engine, clock):
    user = await register(engine)
    mine, other = await sign_in(engine), await sign_in(engine)
    await engine.accounts.change_password(
        now=engine.clock(),
        user_id=user.id,
        session_id=mine.session_id,
        current_password=PASSWORD,
        new_password="another horse battery",
        origin=ORIGIN,
    )
    assert engine.verify(mine.access_token)
    with pytest.raises(InvalidToken) as raised:
        engine.verify(other.access_token)
    assert raised.value.reason == "password_changed"
    with pytest.raises(RefreshRefused) as refused:
        await engine.sessions.refresh(other.refresh_token, now=clock())
    assert refused.value.reason == "password_changed"
    assert await engine.sessions.refresh(mine.refresh_token, now=clock())
    with pytest.raises(InvalidCredentials):
        await sign_in(engine)
    assert await sign_in(engine, password="another horse battery")
    assert len(await engine.store.events(kind="password_changed")) == 1


async def test_a_password_is_changed_by_whoever_knows_it_to_another_good_one(engine):
    user = await register(engine)

    async def change(current, new):
        await engine.accounts.change_password(
            now=engine.clock(),
            user_id=user.id,
            session_id="x",
            current_password=current,
            new_password=new,
        )

    with pytest.raises(InvalidCredentials):
        await change("wrong", "another horse battery")
    for new in (PASSWORD, "short", "password", "ada@example.com"):
        with pytest.raises(InvalidInput) as raised:
            await change(PASSWORD, new)
        assert set(raised.value.fields or {}) == {"new_password"}
    assert len(await engine.store.events(kind="password_refused")) == 1
    assert await sign_in(engine)


async def test_of_two_changes_at_once_one_wins(engine):
    user = await register(engine)

    async def change(new):
        await engine.accounts.change_password(
            now=engine.clock(),
            user_id=user.id,
            session_id="x",
            current_password=PASSWORD,
            new_password=new,
        )

    news = ["first horse battery", "second horse battery"]
    outcomes = await asyncio.gather(*map(change, news), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["InvalidCredentials", "NoneType"]
    assert await sign_in(engine, password=news[outcomes.index(None)])


async def test_a_change_that_races_an_administrator_is_made_all_the_same(engine, clock):
    """Roles and password are changed at once: neither is lost."""
    user = await register(engine, roles=("a",))
    await asyncio.gather(
        engine.accounts.change_password(
            now=engine.clock(),
            user_id=user.id,
            session_id="x",
            current_password=PASSWORD,
            new_password="another horse battery",
        ),
        *(
            engine.accounts.set_roles(user.id, add=(role,), remove=(), now=clock())
            for role in ("b", "c", "d")
        ),
    )
    tokens = await sign_in(engine, password="another horse battery")
    assert tokens.user.roles == ("a", "b", "c", "d")


async def test_an_administrator_resets_a_password_and_every_session_ends(engine, clock):
    user = await register(engine)
    tokens = await sign_in(engine)
    await engine.accounts.reset_password(user.id, "given horse battery", now=clock())
    with pytest.raises(RefreshRefused):
        await engine.sessions.refresh(tokens.refresh_token, now=clock())
    assert await sign_in(engine, password="given horse battery")
    with pytest.raises(InvalidInput) as raised:
        await engine.accounts.reset_password(user.id, "short", now=clock())
    assert set(raised.value.fields or {}) == {"password"}


async def test_what_stands_already_changes_nothing(engine, clock):
    user = await register(engine, roles=("a",))
    assert not await engine.accounts.set_enabled(user.id, enabled=True, now=clock())
    roles = await engine.accounts.set_roles(user.id, add=("a",), remove=("b",), now=clock())
    assert roles == ("a",)
    assert await engine.store.events(kind="roles_changed") == []
    assert await engine.store.events(kind="user_enabled") == []


async def test_a_role_is_taken_away_and_added_in_one_step(engine, clock):
    user = await register(engine, roles=("a", "b"))
    roles = await engine.accounts.set_roles(user.id, add=("c",), remove=("a",), now=clock())
    assert roles == ("b", "c")
    (line,) = await engine.store.events(kind="roles_changed")
    assert line.detail == {"roles": "b c"}


async def test_nobody_is_not_found(engine, clock):
    for work in (
        engine.accounts.set_enabled("nobody", enabled=False, now=clock()),
        engine.accounts.set_roles("nobody", add=("a",), remove=(), now=clock()),
        engine.accounts.reset_password("nobody", PASSWORD, now=clock()),
    ):
        with pytest.raises(NotFound):
            await work


async def test_nothing_that_is_printed_or_recorded_holds_a_password_or_token(engine, clock):
    user = await register(engine)
    tokens = await sign_in(engine)
    with pytest.raises(InvalidCredentials):
        await sign_in(engine, password="a wrong guess")
    account = await engine.store.find_user("id", user.id)
    assert account is not None
    told = repr((await engine.store.events(), account, tokens, user))
    for secret in (PASSWORD, "a wrong guess", account.password_hash, tokens.refresh_token):
        assert secret not in told
    assert tokens.access_token not in told


async def test_a_login_that_no_text_can_be_is_unknown(engine):
    with pytest.raises(InvalidCredentials):
        await sign_in(engine, "\ud800@example.com")
