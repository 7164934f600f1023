"""How many files of tests are under way, and in which order they are begun."""

from pathlib import Path
from types import SimpleNamespace

from tests import order

TESTS = Path(__file__).parents[1]


def test_what_is_begun_first_is_there():
    """A file that was renamed would come last, and be waited for."""
    assert [name for name in order.LONGEST if not (TESTS / name).is_file()] == []


def test_the_longest_come_first_and_the_others_stay_as_they_are():
    others = ["core/test_b.py", "core/test_a.py"]
    items = [SimpleNamespace(path=TESTS / name) for name in (*others, *reversed(order.LONGEST))]
    order.pytest_collection_modifyitems(items)
    names = [str(each.path.relative_to(TESTS)) for each in items]
    assert names == [*order.LONGEST, *others]


def test_there_are_more_workers_than_cores(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert order.pytest_xdist_auto_num_workers() == 3
