"""A user store of one's own: users in a collection of MongoDB, whose ids are ObjectIds.

Addresses and names are kept in lower case, and two unique indexes see to it that each is one
user's: `await MongoUsers.prepare(collection)` makes them, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from admit.users import AppUser, NewUser, UserStore

if TYPE_CHECKING:
    from pymongo.asynchronous.collection import AsyncCollection

    from admit.stores.base import Taken

    Users = AsyncCollection[dict[str, Any]]


class MongoUsers(UserStore):
    """`Admit(users=MongoUsers(AsyncMongoClient(...).shop.users))`."""

    registers = True

    def __init__(self, users: Users) -> None:
        self._users = users

    @staticmethod
    async def prepare(users: Users) -> None:
        """Make the indexes; those that are there stay."""
        await users.create_index("email", unique=True)
        named = {"username": {"$type": "string"}}
        await users.create_index("username", unique=True, partialFilterExpression=named)

    async def get(self, user_id: str) -> AppUser | None:
        """The user with this id, in the one spelling that it has."""
        return _user(await self._users.find_one({"_id": _id(user_id)}))

    async def find(self, login: str) -> AppUser | None:
        """By address or by username; the value is text, so no operator comes in with it."""
        field = "email" if "@" in login else "username"
        return _user(await self._users.find_one({field: login.casefold()}))

    async def add(self, user: NewUser) -> AppUser | Taken:
        """The unique indexes decide between those who come at once."""
        made = {"_id": ObjectId(), "email": user.email.casefold(), "password": user.password_hash}
        made |= {"username": user.username.casefold()} if user.username else {}
        try:
            await self._users.insert_one(made)
        except DuplicateKeyError:
            taken = await self._users.find_one({"email": made["email"]}, {"_id": True})
            return "email" if taken else "username"
        return _known(made)

    async def save_password(self, user_id: str, password_hash: str, *, was: str) -> bool:
        """One document, one write: of any number who say the same `was`, one matches."""
        held = {"_id": _id(user_id), "password": was}
        done = await self._users.update_one(held, {"$set": {"password": password_hash}})
        return done.modified_count == 1


def _id(text: str) -> ObjectId | None:
    return ObjectId(text) if ObjectId.is_valid(text) and str(ObjectId(text)) == text else None


def _user(found: dict[str, Any] | None) -> AppUser | None:
    return None if found is None else _known(found)


def _known(found: dict[str, Any]) -> AppUser:
    return AppUser(
        id=str(found["_id"]),
        email=found["email"],
        username=found.get("username"),
        password_hash=found.get("password", ""),
        roles=tuple(found.get("roles", ())),
        active=found.get("active", True),
    )
