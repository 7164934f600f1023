"""Django's own User and a model of the project's: the contract, hashes, the admin's changes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import get_hashers, make_password
from django.contrib.auth.models import Group, User
from django.db import connection, transaction

from admit import InvalidToken, SettingsError
from admit.testing.http_caller import PASSWORD, refused
from admit.testing.user_store_contract import UserStoreContract
from admit.users.django import THREADS, DjangoUsers, follow
from tests.users.django_shop.models import Customer

pytestmark = pytest.mark.anyio
ANOTHER = "another horse battery"


class Clerk(User):
    class Meta:
        app_label = "auth"
        proxy = True


class TestDjangosUser(UserStoreContract):
    addresses = False

    @pytest.fixture
    def users(self):
        return DjangoUsers(registration=True)

    @pytest.fixture
    def other(self):
        return DjangoUsers(registration=True)


class TestCustomers(UserStoreContract):
    usernames = False

    @pytest.fixture
    def users(self, customers):
        return DjangoUsers(registration=True)

    @pytest.fixture
    def other(self, customers):
        return DjangoUsers(registration=True)


@pytest.fixture
def customers(monkeypatch):
    """As if AUTH_USER_MODEL named it: a process has one."""
    monkeypatch.setattr("admit.users.django.get_user_model", lambda: Customer)


async def test_a_customer_signs_in_and_out(serve, customers):
    async with serve(users=DjangoUsers(registration=True)) as service:
        follow(service.auth)
        user = await service.register()
        tokens = await service.sign_in("ADA@example.com")
        assert tokens["user"] == user
        customer = await Customer._default_manager.aget()
        assert str(customer.pk) == user["id"]
        await customer.adelete()
        assert await refused_at_once(service, tokens["access_token"]) == "revoked"


@pytest.fixture
async def service(serve):
    async with serve(users=DjangoUsers(registration=True), throttle=False) as service:
        follow(service.auth)
        yield service


in_django = sync_to_async


async def made(hashed=None, **given):
    values = {"username": "ada", "email": "ada@example.com"} | given
    return await User.objects.acreate(password=hashed or make_password(PASSWORD), **values)


async def refused_at_once(service, access_token):
    """Returns once the access token is refused, without anybody who refreshes."""
    async with asyncio.timeout(60):
        while True:
            try:
                service.auth.verify(access_token)
            except InvalidToken as error:
                return error.reason
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("hasher", [each.algorithm for each in get_hashers()])
async def test_every_hash_of_djangos_opens_and_ends_as_the_preferred_one(service, hasher):
    """And then signing in to Django changes nothing any more, so no session ends for it."""
    user = await made(make_password(PASSWORD, hasher=hasher))
    tokens = [await service.sign_in("ada") for _ in range(2)]
    await user.arefresh_from_db()
    assert user.password.startswith("pbkdf2_sha256$1000$")
    hashed = user.password
    assert await in_django(authenticate)(username="ada", password=PASSWORD) == user
    await user.arefresh_from_db()
    assert user.password == hashed
    await service.sign_in("ada")
    for each in tokens:
        assert (await service.refresh(each["refresh_token"])).status_code == 200


async def test_a_password_that_is_changed_here_opens_djangos_admin(service):
    await made()
    mine = await service.sign_in("ada")
    body = {"current_password": PASSWORD, "new_password": ANOTHER}
    answer = await service.send("POST", "/password", bearer=mine["access_token"], json=body)
    assert answer.status_code == 204
    assert await in_django(authenticate)(username="ada", password=ANOTHER) is not None
    assert await in_django(authenticate)(username="ada", password=PASSWORD) is None


async def test_no_password_opens_an_account_without_a_usable_one(service):
    for name, hashed in {"ada": make_password(None), "bob": "", "eve": "gibberish"}.items():
        await User.objects.acreate(username=name, password=hashed)
        for password in (PASSWORD, hashed or "!"):
            body = {"login": name, "password": password}
            refused(await service.send("POST", "/login", json=body), 401, "invalid_credentials")


async def test_what_djangos_admin_changes_stops_access_tokens_at_once(service):
    user = await made(is_staff=True)
    writers: Any = await Group.objects.acreate(name="writers")
    for name in ("two words", "superuser"):
        await user.groups.aadd(await Group.objects.acreate(name=name))
    await user.groups.aadd(writers)

    async def lost(change):
        tokens = await service.sign_in("ada")
        await change()
        assert await refused_at_once(service, tokens["access_token"]) == "revoked"
        return tokens

    assert (await service.sign_in("ada"))["user"]["roles"] == ["staff", "writers"]
    await lost(lambda: user.groups.aremove(writers))
    await writers.user_set.aadd(user)
    await lost(writers.user_set.aclear)
    await user.groups.aadd(writers)
    await lost(writers.adelete)
    user.is_staff = False
    await lost(user.asave)
    assert (await service.sign_in("ada"))["user"]["roles"] == []

    tokens = await service.sign_in("ada")
    user.set_password(ANOTHER)
    await user.asave()
    assert await refused_at_once(service, tokens["access_token"]) == "password_changed"
    await user.asave(update_fields=["last_login"])
    tokens = await service.send("POST", "/login", json={"login": "ada", "password": ANOTHER})
    user.is_active = False
    await user.asave()
    assert await refused_at_once(service, tokens.json()["access_token"]) == "revoked"


async def test_who_is_deleted_is_out_at_once(service):
    user = await made()
    tokens = await service.sign_in("ada")
    await user.adelete()
    assert await refused_at_once(service, tokens["access_token"]) == "revoked"
    answer = await service.refresh(tokens["refresh_token"])
    refused(answer, 401, "refresh_refused", reason="revoked")


async def test_what_is_changed_or_deleted_by_way_of_a_proxy_is_heard_of_too(service):
    for change in (Clerk.asave, Clerk.adelete):
        await made(is_active=True)
        tokens = await service.sign_in("ada")
        clerk = await Clerk.objects.aget(username="ada")
        clerk.is_active = False
        await change(clerk)
        assert await refused_at_once(service, tokens["access_token"]) == "revoked"
        await User.objects.all().adelete()


async def test_a_change_that_is_rolled_back_is_none(service):
    await made()
    tokens = await service.sign_in("ada")
    seen = []
    service.auth.users_changed_soon = lambda *ids: seen.append(ids)

    def rolled_back():
        with suppress(ZeroDivisionError), transaction.atomic():
            User.objects.get(username="ada").delete()
            raise ZeroDivisionError

    await in_django(rolled_back)()
    assert seen == []
    assert await service.me(tokens["access_token"]) == 200


async def test_an_address_signs_in_where_that_is_wanted_and_it_is_one_users():
    users = DjangoUsers(email_login=True)
    await made()
    found = await users.find("ADA@example.com")
    assert found is not None
    assert found.username == "ada"
    assert await DjangoUsers().find("ada@example.com") is None
    await made(username="eve")
    assert await users.find("ada@example.com") is None  # it is two users' now
    await made(username="mallory@example.com", email="")
    await made(username="victim", email="mallory@example.com")
    assert await users.find("mallory@example.com") is None
    with pytest.raises(SettingsError, match="'email'"):
        DjangoUsers(email_login=True, registration=True)


async def test_a_function_may_give_roles_as_text():
    await made()
    named = DjangoUsers(roles=lambda user: "admin writer")
    found: Any = await named.find("ada")
    assert found.roles == ("admin", "writer")


async def test_its_threads_keep_no_connection_open_and_are_few():
    users = DjangoUsers()
    await asyncio.gather(*(users.get("1") for _ in range(50)))
    pool = users._pool()
    assert isinstance(pool, ThreadPoolExecutor)
    assert len(pool._threads) <= THREADS
    assert pool.submit(lambda: connection.connection).result() is None
