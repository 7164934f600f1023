"""`make bench` runs as a whole: every part, every system, and what it writes down is complete.

It judges no figure. The sizes are smaller still than those of a quick look.
"""

import json
import os
from dataclasses import replace

import pytest

from benchmarks.__main__ import LONG, PARTS, as_json, run
from benchmarks.peers import FOR_SPEED, PEERS
from benchmarks.sizes import QUICK

GLANCE = replace(
    QUICK,
    name="a glance",
    rounds=1,
    postgres_rounds=1,
    seconds=0.05,
    calls=64,
    peer_rounds=1,
    peer_seconds=0.02,
    sign_in_rounds=1,
    sign_in_seconds=0.02,
    purpose="races",
    people=1,
    visits=2,
    visit_refreshes=1,
    visit_requests=1,
    guard_seconds=0.02,
    storm_seconds=0.1,
    storm_clients=2,
    sign_ins=20,
    refreshes=20,
    cold_rounds=1,
)
COMPARED = {"verifying", "protected", "refreshing", "signing_in", "hour"}
"""Parts that have no figures of their own name."""
TOPICS = {"protected", "refreshing", "signing_in", "storm", "memory"}
"""In which every system has its row."""


@pytest.fixture(scope="module")
def written():
    parts = [part for part in PARTS if part not in LONG]
    return json.loads(as_json(run(GLANCE, parts), GLANCE))


@pytest.fixture(scope="module")
def comparisons(written):
    return {each["topic"]: each for each in written["comparisons"]}


def test_it_begins_with_what_was_run_on_what(written):
    named = {"date", "commit", "machine", "libraries", "run", "systems"}
    assert named < written.keys()
    assert [each["name"] for each in written["systems"]] == [peer.name for peer in FOR_SPEED]


def test_every_part_has_its_figures(written):
    parts = {each["name"].partition(":")[0] for each in written["figures"]}
    expected = {*PARTS, "route", "refresh"} - COMPARED
    assert parts == expected - LONG
    assert all(each["median"] > 0 for each in written["figures"] if each["unit"] == "/s")


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_system_has_a_figure_or_has_none(comparisons, topic):
    rows = comparisons[topic]["rows"]
    assert [row["system"] for row in rows] == [peer.name for peer in FOR_SPEED]
    assert all(row.get("none") or row["median"] > 0 for row in rows)


def test_every_library_verifies_at_first_sight_and_seen_before(comparisons):
    whats = {row["what"] for row in comparisons["verifying"]["rows"] if "none" not in row}
    sights = ("first sight", "seen before")
    assert whats == {f"{kind}, {sight}" for kind in ("ES256", "HS256") for sight in sights}


def test_nothing_is_left_out_where_everything_must_be_installed(comparisons):
    if os.environ.get("CI") != "true":
        pytest.skip("only CI has to have everything")
    everywhere = {peer.name for peer in PEERS}
    rows = [row for each in comparisons.values() for row in each["rows"]]
    told = [row.get("none", "") for row in rows if row["system"] in everywhere]
    assert not [text for text in told if text.startswith("not run")]


def test_who_has_no_refresh_token_has_none_and_never_zero(comparisons):
    none = {peer.name: peer.lacks["refresh"] for peer in PEERS if "refresh" in peer.lacks}
    rows = comparisons["refreshing"]["rows"]
    assert {row["system"]: row["none"] for row in rows if "none" in row}.items() >= none.items()


def test_every_goal_is_told_whether_it_is_reached_or_not(comparisons):
    goals = [goal for each in comparisons.values() for goal in each["goals"]]
    assert all(goal["reached"] == (goal["median"] >= goal["wanted"]) for goal in goals)
    assert len({goal["text"] for goal in goals}) == len(goals) > 0
