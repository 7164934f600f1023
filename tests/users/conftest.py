"""What the tests of the app's users share: its tables in a file, and an engine beside them."""

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from admit import Admit
from admit.testing.http_contract import Clock
from admit.users.sqlalchemy import SQLAlchemyUsers
from tests.cheap import cheap
from tests.users.models import Base, Person, people

SECRET = "one secret of the tests, 0123456789 abcdef"


@pytest.fixture
def app_file(tmp_path):
    """The file of the app's database, with its tables."""
    path = tmp_path / "app.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
async def app_engine(app_file):
    engine = create_async_engine(f"sqlite+aiosqlite:///{app_file}")
    yield engine
    await engine.dispose()


@pytest.fixture
def users(app_engine):
    return people(app_engine)


class App:
    """The app's own hand on its table, in transactions of its own."""

    def __init__(self, path):
        self._engine = sa.create_engine(f"sqlite:///{path}")

    def add(self, **values):
        with self._engine.begin() as connection:
            connection.execute(sa.insert(Person).values(**values))

    def change(self, user_id, **values):
        with self._engine.begin() as connection:
            changed = connection.execute(
                sa.update(Person).where(Person.id == int(user_id)).values(**values)
            )
            assert changed.rowcount == 1

    def delete(self, user_id):
        with self._engine.begin() as connection:
            connection.execute(sa.delete(Person).where(Person.id == int(user_id)))

    def hash_of(self, user_id):
        with self._engine.begin() as connection:
            return connection.scalar(sa.select(Person.secret).where(Person.id == int(user_id)))

    def close(self):
        self._engine.dispose()


@pytest.fixture
def app(app_file):
    app = App(app_file)
    yield app
    app.close()


@pytest.fixture
def meddling(app_engine):
    return people(app_engine, made=Meddling)


class Meddling(SQLAlchemyUsers):
    """The users of the app, where something happens before or after one of the verbs, once."""

    before: dict[str, Any]
    after: dict[str, Any]

    async def _meddle(self, when, verb):
        if work := self.__dict__.setdefault(when, {}).pop(verb, None):
            await work()

    async def _do(self, verb, doing):
        await self._meddle("before", verb)
        done = await doing()
        await self._meddle("after", verb)
        return done

    async def get(self, user_id):
        return await self._do("get", partial(super().get, user_id))

    async def find(self, login):
        return await self._do("find", partial(super().find, login))

    async def add(self, user):
        return await self._do("add", partial(super().add, user))

    async def save_password(self, user_id, password_hash, *, was):
        return await self._do(
            "save_password", partial(super().save_password, user_id, password_hash, was=was)
        )

    def meddle(self, when, verb, work):
        self.__dict__.setdefault(when, {})[verb] = work


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def process(tmp_path, clock, users):
    """Makes an engine beside the app's users, as one more process would."""

    def made(**given):
        store, users_ = given.pop("store", None), given.pop("users", users)
        settings = cheap(data_dir=tmp_path, secret=(SECRET,), throttle=False, **given)
        return Admit(settings, clock=clock, store=store, users=users_)

    return made


@pytest.fixture
async def auth(process):
    async with process() as auth:
        yield auth
