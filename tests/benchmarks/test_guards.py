"""The guards' benchmark runs, with every framework's app: what nobody starts is soon broken."""

from dataclasses import replace

import pytest

from benchmarks import guards
from benchmarks.sizes import QUICK

GLANCE = replace(QUICK, guard_rounds=1, guard_seconds=0.01)


@pytest.mark.parametrize("module", guards.FRAMEWORKS)
def test_each_framework_is_measured(module):
    figures = guards.framework(module, GLANCE)
    assert all(figure.value > 0 for figure in figures if figure.unit != " µs")
    judged = [figure for figure in figures if figure.goal]
    assert [figure.goal for figure in judged] == ["≤ 1.15", "≥ 1.50 times"]
