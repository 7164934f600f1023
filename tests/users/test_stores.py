"""The contract of user stores, on SQLAlchemy of either colour, SQLite and PostgreSQL."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from admit.errors import SettingsError
from admit.testing.user_store_contract import UserStoreContract, new
from admit.users import AppUser
from admit.users.sqlalchemy import SQLAlchemyUsers
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


async def test_a_name_that_no_attribute_has_is_refused_at_the_start(app_engine):
    with pytest.raises(SettingsError, match="'hashed_password'"):
        SQLAlchemyUsers(app_engine, Person)
