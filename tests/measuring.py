"""Which processes that tests start are measured by coverage: those of `measured_processes` alone.

A Python that is measured costs twice what it costs otherwise, and most of those that tests start
are no test of ours: emulators, pip, linters, servers whose code this process runs as well.
"""

import os

import pytest

VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""Coverage's `patch = ["subprocess"]` starts in every Python that finds this."""


@pytest.fixture(scope="session", autouse=True)
def what_measures():
    """Coverage's own setting, taken out of the environment; None where nothing is measured."""
    with pytest.MonkeyPatch.context() as patch:
        given = os.environ.get(VARIABLE)
        patch.delenv(VARIABLE, raising=False)
        yield given


@pytest.fixture
def measured_processes(what_measures, monkeypatch):
    """What this test starts is measured: it shows what only a process of its own does."""
    if what_measures is not None:
        monkeypatch.setenv(VARIABLE, what_measures)
