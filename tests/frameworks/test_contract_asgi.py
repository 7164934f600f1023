"""The HTTP contract through an app of each asynchronous framework that Admit is mounted in.

Nobody runs the app's lifespan here, so every test also shows that the first request starts Admit.
"""

import pytest

from admit.testing.http_contract import HTTPContract

pytestmark = pytest.mark.anyio


class TestInside(HTTPContract):
    """Whatever the framework answers by itself must not show under the prefix."""
