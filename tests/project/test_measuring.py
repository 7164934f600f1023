"""Which processes coverage measures."""

import os

import pytest

from tests.measuring import SETTING, VARIABLE


def test_what_a_test_starts_is_not_measured():
    assert VARIABLE not in os.environ


def test_what_is_started_under_measured_processes_is(measured_processes, pytestconfig):
    """With the very setting that coverage gave, where it runs at all."""
    assert os.environ.get(VARIABLE) == pytestconfig.stash.get(SETTING, None)


@pytest.mark.no_cover
def test_nor_is_it_where_the_test_is_not_either():
    assert VARIABLE not in os.environ


def test_nor_after_one_that_is_not():
    """Coverage goes on, and sets what its children find."""
    assert VARIABLE not in os.environ
