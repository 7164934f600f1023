"""What the faults share: how long a run is, its dice, and a place for its servers on each store."""

import os
import random
import secrets

import pytest

from tests.faults.cluster import Place
from tests.faults.figures import Figures, show

LONG = os.environ.get("FAULTS") == "long"
"""`FAULTS=long` runs what the issue asks for; otherwise a short form of the same."""


@pytest.fixture(autouse=True)
def unmeasured(no_cover):
    """Other processes serve here: coverage would only slow down whoever calls them."""


@pytest.fixture
def long():
    """Whether this is the long run."""
    return LONG


@pytest.fixture
def dice():
    """Every chance of a run; `FAULTS_SEED` repeats one's decisions, though not its races."""
    seed = os.environ.get("FAULTS_SEED") or secrets.token_hex(4)
    show(f"FAULTS_SEED={seed}", [])
    return random.Random(seed)


@pytest.fixture
def figures(request):
    """What the run sees; printed at its end, and nothing of it may be wrong."""
    figures = Figures()
    yield figures
    show(request.node.name, figures.lines())


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Makes a service's place on each store."""

    def make(**settings):
        if request.param == "postgres":
            settings["database_url"] = request.getfixturevalue("database_url")
        return Place(tmp_path, **settings)

    return make
