"""Which processes that tests start are measured by coverage: those of `measured_processes` alone.

A Python that is measured costs twice what it costs otherwise, and most of those that tests start
are no test of ours: emulators, pip, linters, servers whose code this process runs as well.
"""

import os

import pytest

VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""Coverage's `patch = ["subprocess"]` starts in every Python that finds this."""
SETTING = pytest.StashKey[str]()


@pytest.hookimpl(tryfirst=True)  # before any fixture starts a process
def pytest_runtest_setup(item):
    """Take it out of the environment; coverage sets it anew after each test of `no_cover`."""
    if given := os.environ.pop(VARIABLE, None):
        item.config.stash[SETTING] = given


@pytest.fixture
def measured_processes(pytestconfig, monkeypatch):
    """What this test starts is measured: it shows what only a process of its own does."""
    if given := pytestconfig.stash.get(SETTING, None):
        monkeypatch.setenv(VARIABLE, given)
