"""The contract of a `UserStore`: one suite for every place where an app has its users.

A store's own test is a subclass and a fixture:

    class TestMyUsers(UserStoreContract):
        @pytest.fixture
        async def users(self):
            yield MyUsers(...)

`users` has nobody in it, and lets people register. Override `other` as well where the same table
can be opened twice: half of every race runs through it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from admit.errors import InvalidInput
from admit.users.base import ID, AppUser, NewUser

if TYPE_CHECKING:
    from admit.users.base import UserStore

NOW = 1_800_000_000.0
CALLERS = 20
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$" + "x" * 86  # of nobody's password
NOBODYS = (
    "",
    "0",
    "nobody",
    "nobody@example.com",
    "ada@example.co_",
    "ada@example.com ",
    "%",
    "_da",
    "ada'--",
    "[1]",
    "*",
    '{"$ne": null}',
    "x" * 320,
    "é",
    "99999999999999999999",
    "00000000-0000-0000-0000-000000000000",
    "0" * 24,
)


def new(name: str = "ada", *, username: str | None = None) -> NewUser:
    """Somebody who registers."""
    return NewUser(
        email=f"{name}@example.com", username=username, password_hash=HASH, created_at=NOW
    )


class UserStoreContract:
    """Every law and every race of `admit.users.UserStore`."""

    pytestmark = pytest.mark.anyio

    usernames = True
    """Whether people may sign in with a username."""

    addresses = True
    """Whether an address belongs to one user."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The loop that the engine runs on."""
        return "asyncio"

    @pytest.fixture
    def other(self, users: UserStore) -> UserStore:
        """A second handle on the same table; the same one where there is none."""
        return users

    async def added(self, users: UserStore, name: str = "ada") -> AppUser:
        """A user who was just added, with a username where there are any."""
        user = await users.add(new(name, username=name if self.usernames else None))
        assert isinstance(user, AppUser)
        return user

    async def test_who_is_added_is_there(self, users: UserStore, other: UserStore) -> None:
        """With the very hash, no role, enabled, and an id that Admit can carry."""
        assert users.registers
        user = await self.added(users)
        assert ID.fullmatch(user.id)
        assert (user.email, user.password_hash) == ("ada@example.com", HASH)
        assert (user.roles, user.active, user.email_verified) == ((), True, False)
        assert user.created_at in {None, NOW}
        assert await other.get(user.id) == user
        assert HASH not in repr(user)

    async def test_the_login_is_found_in_any_case(self, users: UserStore) -> None:
        """The address, and the username where there are any; of two users the right one."""
        for name in ("ada", "bob"):
            user = await self.added(users, name)
            by_address = [f"{name}@example.com", f"{name.upper()}@Example.com"]
            logins = (by_address if self.addresses else []) + (
                [name, name.title()] if self.usernames else []
            )
            for login in logins:
                assert await users.find(login) == user, login

    async def test_what_is_nobodys_is_not_found(self, users: UserStore) -> None:
        """Text stands for itself, whatever a database might take it for, and nothing is raised."""
        await self.added(users)
        for login in NOBODYS:
            assert await users.find(login) is None, login
            assert await users.get(login) is None, login
            assert await users.save_password(login, "another", was=HASH) is False, login

    async def test_what_is_taken_is_named(self, users: UserStore) -> None:
        """In any case, and nobody is added."""
        user = await self.added(users)
        assert await users.add(new("ADA", username="eve" if self.usernames else None)) == "email"
        assert await users.find("eve") is None
        if self.usernames:
            assert await users.add(new("eve", username="ADA")) == "username"
        assert await users.find("eve@example.com") is None
        assert await users.find("ada" if self.usernames else "ada@example.com") == user

    async def test_a_username_that_has_no_place_is_refused(self, users: UserStore) -> None:
        """Or somebody would register a name, and never get in with it."""
        if not self.usernames:
            with pytest.raises(InvalidInput) as raised:
                await users.add(new(username="ada"))
            assert set(raised.value.fields or {}) == {"username"}

    async def test_of_callers_with_one_address_exactly_one_adds_it(
        self, users: UserStore, other: UserStore
    ) -> None:
        """Whatever its case; the others hear that it is taken."""
        if not self.addresses:
            return
        names = [f"ada{index}" if self.usernames else None for index in range(CALLERS)]
        answers = await asyncio.gather(
            *(
                (users, other)[index % 2].add(new(("ada", "Ada")[index // 2 % 2], username=name))
                for index, name in enumerate(names)
            )
        )
        (user,) = (each for each in answers if isinstance(each, AppUser))
        assert [each for each in answers if each != user] == ["email"] * (CALLERS - 1)
        assert await users.find("ada@example.com") == user

    async def test_of_callers_with_one_username_exactly_one_adds_it(
        self, users: UserStore, other: UserStore
    ) -> None:
        """As with an address."""
        if not self.usernames:
            return
        answers = await asyncio.gather(
            *(
                (users, other)[index % 2].add(
                    new(f"ada{index}", username=("ada", "Ada")[index // 2 % 2])
                )
                for index in range(CALLERS)
            )
        )
        (user,) = (each for each in answers if isinstance(each, AppUser))
        assert [each for each in answers if each != user] == ["username"] * (CALLERS - 1)
        assert await users.find("ada") == user

    async def test_of_callers_with_one_hash_exactly_one_replaces_it(
        self, users: UserStore, other: UserStore
    ) -> None:
        """The others get False and write nothing; nobody else's hash is touched."""
        bob, user = await self.added(users, "bob"), await self.added(users)
        answers = await asyncio.gather(
            *(
                (users, other)[index % 2].save_password(user.id, f"{HASH}{index}", was=HASH)
                for index in range(CALLERS)
            )
        )
        assert sum(answers) == 1
        hashed = f"{HASH}{answers.index(True)}"
        assert await other.get(user.id) == msgspec.structs.replace(user, password_hash=hashed)
        assert await users.get(bob.id) == bob
        assert await users.save_password(user.id, "another", was=HASH) is False
