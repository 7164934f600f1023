"""Which processes coverage measures."""

import os

from tests.measuring import VARIABLE


def test_what_a_test_starts_is_not_measured():
    assert VARIABLE not in os.environ


def test_what_is_started_under_measured_processes_is(measured_processes, what_measures):
    """With the very setting that coverage gave, where it runs at all."""
    assert os.environ.get(VARIABLE) == what_measures
