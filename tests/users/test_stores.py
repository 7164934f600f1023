"""The contract of user stores, on SQLAlchemy of either colour, SQLite and PostgreSQL."""

import asyncio
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from admit import Admit
from admit.errors import SettingsError
from admit.testing.user_store_contract import UserStoreContract, new
from admit.users import AppUser, UserStore
from admit.users.sqlalchemy import SQLAlchemyUsers
from tests.cheap import cheap
from tests.users.models import Base, FastAPIUser, Person, fastapi_users, people


class TestAsynchronous(UserStoreContract):
    pass


class TestSynchronous(UserStoreContract):
    @pytest.fixture
    def users(self, app_file):
        engine = sa.create_engine(f"sqlite:///{app_file}")
        yield people(sa.orm.sessionmaker(engine, expire_on_commit=False))
        engine.dispose()

    @pytest.fixture
    def other(self, app_file):
        engine = sa.create_engine(f"sqlite:///{app_file}")
        yield people(engine)
        engine.dispose()


class TestFastAPIUsers(UserStoreContract):
    usernames = False

    @pytest.fixture
    def users(self, app_engine):
        return fastapi_users(async_sessionmaker(app_engine, expire_on_commit=False))


@pytest.fixture(scope="module")
def database(postgres):
    return postgres.create().replace("postgresql:", "postgresql+psycopg:")


@pytest.fixture
def tables(database):
    engine = sa.create_engine(database)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    engine.dispose()


class TestPostgreSQL(UserStoreContract):
    @pytest.fixture
    async def users(self, tables, database):
        engine = create_async_engine(database)
        yield people(engine)
        await engine.dispose()

    @pytest.fixture
    async def other(self, tables, database):
        engine = create_async_engine(database)
        yield people(engine)
        await engine.dispose()


pytestmark = pytest.mark.anyio


async def test_of_rows_that_differ_in_case_only_the_one_that_was_typed_is_found(users, app_file):
    engine = sa.create_engine(f"sqlite:///{app_file}")
    with engine.begin() as connection:
        for email in ("Ada@example.com", "ADA@example.com"):
            connection.execute(sa.insert(Person).values(email=email, secret="-"))
    engine.dispose()
    assert (await users.find("ADA@example.com")).email == "ADA@example.com"
    assert await users.find("ada@example.com") is None


async def test_the_columns_of_fastapi_users_are_read(app_engine):
    users = fastapi_users(app_engine)
    user = await users.add(new())
    assert isinstance(user, AppUser)
    async with app_engine.begin() as connection:
        await connection.execute(
            sa.update(FastAPIUser).values(is_active=False, is_superuser=True, is_verified=True)
        )
    user = await users.get(user.id)
    assert (user.roles, user.active, user.email_verified) == (("superuser",), False, True)


async def test_nobody_registers_where_two_could_have_one_login(app_engine):
    with pytest.raises(SettingsError, match="'groups'"):
        people(app_engine, username="groups")
    people(app_engine, username="groups", registration=False)


async def test_what_is_no_engine_and_no_mapped_class_is_refused_at_the_start(app_engine):
    """An address, a table, or the two the wrong way round."""
    wrongs: list[Any] = [
        ("sqlite://", FastAPIUser),
        (app_engine, FastAPIUser.__table__),
        (FastAPIUser, app_engine),
    ]
    for engine, model in wrongs:
        with pytest.raises(SettingsError, match="SQLAlchemyUsers wants"):
            SQLAlchemyUsers(engine, model)


async def test_what_is_no_store_of_users_is_refused_at_the_start(tmp_path):
    """The class instead of the object, or one that is not derived; and a verb that is missing."""

    class Forgot(UserStore):
        async def get(self, user_id):
            return None

    wrongs: list[Any] = [SQLAlchemyUsers, object(), Forgot]
    for wrong in wrongs:
        with pytest.raises(SettingsError, match="derives from"):
            Admit(cheap(data_dir=tmp_path), users=wrong)
    with pytest.raises(TypeError, match="find"):
        wrongs[-1]()


async def test_a_name_that_no_attribute_has_is_refused_at_the_start(app_engine):
    with pytest.raises(SettingsError, match="'hashed_password'"):
        SQLAlchemyUsers(app_engine, Person)


async def test_a_scoped_session_is_shared_with_nobody(app_file):
    """It has one session for whoever asks in one thread: Admit asks in many at once."""
    engine = sa.create_engine(f"sqlite:///{app_file}")
    with engine.begin() as connection:
        connection.execute(sa.insert(Person).values(email="ada@example.com", secret="-"))
    used, both = [], threading.Barrier(2, timeout=60)

    def roles(row):
        used.append(sa.orm.object_session(row))
        both.wait()
        return ""

    users = people(sa.orm.scoped_session(sa.orm.sessionmaker(engine)), roles=roles)
    assert all(await asyncio.gather(*(users.find("ada@example.com") for _ in range(2))))
    assert used[0] is not used[1]
    engine.dispose()


async def test_a_function_may_give_roles_as_text(users, app_engine):
    await users.add(new())
    named = people(app_engine, roles=lambda row: "admin writer")
    assert (await named.find(new().email)).roles == ("admin", "writer")


async def test_only_case_may_differ_whatever_the_collation_takes_for_the_same(tmp_path):
    """Or each spelling would have guesses of its own."""

    class Loose(sa.orm.DeclarativeBase):
        pass

    class Padded(Loose):
        __tablename__ = "padded"
        id: sa.orm.Mapped[int] = sa.orm.mapped_column(primary_key=True)
        email: sa.orm.Mapped[str] = sa.orm.mapped_column(sa.String(collation="RTRIM"))
        secret: sa.orm.Mapped[str]

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'padded.db'}")
    Loose.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(Padded).values(email="Ada@example.com", secret="-"))
    users = SQLAlchemyUsers(engine, Padded, password="secret")
    assert await users.find("ADA@example.com")
    assert await users.find("Ada@example.com ") is None
    engine.dispose()
