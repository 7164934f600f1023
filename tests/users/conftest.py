"""What the tests of the app's users share: its tables in a file, and an engine beside them."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.users.models import Base, people


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
