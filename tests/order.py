"""More workers than cores, for tests wait; and the files that take longest are begun first.

`--dist loadfile` gives a file to one worker, in the order in which they are collected here; by
itself it begins with the files of the most tests, and those of a few long ones come last.
"""

import os

import pytest

SPARE = 1
"""Workers beyond the cores: a test of a server, a browser or a store mostly waits."""
LONGEST = (
    "benchmarks/test_quick.py",
    "project/test_wheel.py",
    "cli/test_serve.py",
    "benchmarks/test_races.py",
    "faults/test_postgres_outage.py",
    "faults/test_killed_workers.py",
    "law/test_honest_and_thief.py",
    "aws/test_package.py",
    "law/test_model.py",
    "store/test_dynamodb.py",
    "aws/test_instances.py",
    "http/test_contract.py",
    "faults/test_four_processes.py",
    "http/test_without_watch.py",
    "faults/test_logout_reaches.py",
    "store/test_dynamodb_many.py",
    "http/test_openapi.py",
    "aws/test_contract.py",
    "browser/test_admin.py",
    "attacks/test_guessing_over_workers.py",
    "attacks/test_other_sites.py",
    "browser/test_tabs.py",
    "browser/test_sign_out.py",
    "attacks/test_kill_minus_nine.py",
    "browser/test_screenshots.py",
    "cli/test_backup.py",
    "aws/test_rights.py",
    "frameworks/test_forks.py",
    "browser/test_looks.py",
    "telemetry/test_logs.py",
    "telemetry/test_workers.py",
)
"""A file that takes ten seconds or more on a machine that does nothing else."""


@pytest.hookimpl(optionalhook=True)  # without xdist nobody asks
def pytest_xdist_auto_num_workers():
    """How many `-n auto` means; a number is taken as it is."""
    usable = getattr(os, "sched_getaffinity", None)  # not everywhere
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return cores + SPARE


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Put them in front; the others stay as they are."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda each: place.get("/".join(each.path.parts[-2:]), len(place)))
