"""Growth: a full database takes its sample's tokens, and refreshes leave rows or none."""

import pytest

from benchmarks.growth.__main__ import added
from benchmarks.growth.figures import left_behind, with_many
from benchmarks.growth.systems import GROWING, why_not
from benchmarks.peers import PEERS
from benchmarks.peers.admit import ADMIT
from benchmarks.peers.fastapi_users import FASTAPI_USERS
from benchmarks.peers.simplejwt import SIMPLEJWT

SESSIONS = 40
ROWS_FOR_A_SESSION = {"Admit": 2, "Django + simplejwt": 4, "better-auth": 3}
"""With its user, and of simplejwt two tokens and an entry in the blacklist."""


@pytest.mark.parametrize("system", GROWING, ids=lambda each: f"{each.peer.name}-{each.store}")
def test_every_session_of_a_sample_goes_on_in_a_database_that_was_filled(system):
    if system.peer.missing():
        pytest.skip(system.peer.missing())
    row = with_many(system, SESSIONS, rounds=1, seconds=0.05)
    expected = SESSIONS * ROWS_FOR_A_SESSION[system.peer.name]
    assert expected <= row["rows"] < expected + SESSIONS + 50  # and what it begins with
    assert row["bytes"] > 0
    assert 0 < row["p50_ms"] <= row["p99_ms"]
    assert row["per_second"] > 0
    least, most = row["spread"]["p50_ms"]
    assert least <= row["p50_ms"] <= most


@pytest.mark.parametrize(("peer", "rows"), [(ADMIT, 0), (SIMPLEJWT, 2)], ids=["ours", "theirs"])
def test_refreshes_of_one_session_leave_rows_where_each_token_is_one(peer, rows):
    assert left_behind(peer, 10)["rows"] == 10 * rows


def test_a_system_that_is_not_asked_has_a_reason():
    asked = {system.peer.name for system in GROWING}
    reasons = {peer.name: why_not(peer) for peer in PEERS if peer.name not in asked}
    assert all(reasons.values())
    assert left_behind(FASTAPI_USERS, 10)["none"] == reasons[FASTAPI_USERS.name]


def test_what_is_added_stands_beside_what_was_there_and_in_place_of_the_same():
    few = {"system": "Admit", "store": "SQLite", "sessions": 1_000, "p50_ms": 1.0}
    many = few | {"sessions": 10_000}
    none = {"system": "fastapi-users", "none": "has none"}
    left = [{"system": "Admit", "rows": 0}]
    before = {"run": "a", "commit": "1", "refresh_at": [few, none], "thousand_refreshes": left}
    after = {
        "run": "b",
        "commit": "2",
        "refresh_at": [few | {"p50_ms": 2.0}, many],
        "thousand_refreshes": left,
    }
    both = added(before, after)
    assert both["refresh_at"] == [few | {"p50_ms": 2.0}, none, many]
    assert both["thousand_refreshes"] == left
    assert both["run"] == "a (commit 1); b"
