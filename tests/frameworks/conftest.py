"""What the tests of the frameworks share."""

from functools import partial

import pytest

from tests.frameworks.apps import APPS, inside


@pytest.fixture(params=list(APPS))
def framework(request):
    return request.param


@pytest.fixture
def serve(framework, tmp_path):
    """Starts a service inside an app, for the length of a block."""
    return partial(inside, framework, data_dir=tmp_path)
