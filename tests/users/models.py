"""The app's tables: one like any app's, and fastapi-users' own."""

from datetime import datetime
from typing import Any

from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from admit.users.sqlalchemy import SQLAlchemyUsers


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None] = mapped_column(unique=True)
    secret: Mapped[str]
    groups: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    since: Mapped[datetime | None]


class FastAPIUser(SQLAlchemyBaseUserTableUUID, Base):
    pass


def people(sessions, *, made=SQLAlchemyUsers, **given: Any):
    """The users of `Person`."""
    names: dict[str, Any] = {
        "username": "name",
        "password": "secret",
        "roles": "groups",
        "active": "active",
        "created": "since",
        "registration": True,
    }
    return made(sessions, Person, **(names | given))


def fastapi_users(sessions):
    """The users of fastapi-users' table, by the names that it has."""
    return SQLAlchemyUsers(
        sessions,
        FastAPIUser,
        active="is_active",
        verified="is_verified",
        roles=lambda row: ["superuser"] if row.is_superuser else [],
        registration=True,
    )
