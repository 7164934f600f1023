"""The law as a model, docs/model: every order of steps within its bounds, searched by spin.

The true law keeps its promises in every world of checks/. Each law of broken/ fails, and so does
the true one where limits/ takes an assumption from it: so a search is known to be able to fail, and
what it fails by is known.
"""

import re

import pytest

from tests.law.spin import MODELS, search

EXCHANGED, HEALS = "it is exchanged for", "the row heals to"
RESTS, REPEATED = "it rests", "its successor again"
TRY_AGAIN, OVER, USED = "try again", "it is over", "it was used"

HONEST = {EXCHANGED, RESTS, REPEATED}
CHECKS = {
    "tabs": {"Tab": HONEST},
    "tabs_in_finer_time": {"Tab": HONEST},
    "retries_in_time": {"Tab": HONEST},
    "retries_with_the_key": {"Tab": HONEST},
    "failovers": {"Tab": HONEST | {HEALS}},
    "failovers_and_losses": {"Tab": HONEST | {HEALS}},
    "thief": {"Tab": HONEST | {OVER, USED}, "Thief": HONEST | {OVER, USED}},
    "thief_and_losses": {"Tab": HONEST | {OVER, USED}, "Thief": HONEST | {OVER, USED}},
    "thief_and_failover": {
        "Tab": HONEST | {HEALS, OVER, USED},
        "Thief": HONEST | {HEALS, OVER, USED},
    },
    "anyone_and_failover": {"Anyone": HONEST | {HEALS, USED}},
    "replica": {"Tab": HONEST | {TRY_AGAIN}},
    "losses_of_two_tabs": {"Tab": HONEST},
    "judged_apart": {"Tab": HONEST | {OVER, USED}, "Thief": HONEST | {OVER, USED}},
}
"""All that happens in each of them: a promise about what never happens would be none."""

BROKEN = {
    "read_then_write": ("exchanged_twice", "presents 0: it is exchanged for 1"),
    "siblings": ("chain_forked", "presents 0: its successor again"),
    "parent_always_fine": ("thief_unnoticed", "owner 0 presents 0: its successor again"),
    "loser_clears_the_cookie": ("honest_signed_out", "the jar is empty"),
    "equality": ("told_to_come_again", "presents 1: try again"),
    "no_rest": ("young_refused", "presents 0: it was used"),
    "grandparent_too": ("young_refused", "presents 0: it was used"),
    "key_ignored": ("right_key_refused", "presents 0: it was used"),
    "rest_holds_up_the_heal": ("told_to_come_again", "presents 1: try again"),
    "ending_rolled_back": ("thief_unnoticed", "owner 0 presents 0: it was used"),
    "lag_taken_for_theft": ("young_refused", "presents 1: it was used"),
    "repeat_renews_the_leeway": ("held_up", "presents 1: it rests"),
    "rest_too_short": ("young_refused", "presents 0: it was used"),
    "resting_cookie_set_again": ("honest_signed_out", "presents 1: it was used"),
    "rests_for_ever": ("held_up", "presents 1: it rests"),
    "no_key_is_a_key": ("thief_unnoticed", "owner 0 presents 0: its successor again"),
    "ending_loses_a_race": ("thief_unnoticed", "thief 1 presents 1: it is exchanged for 2"),
    "over_and_moved": ("over_goes_on", "thief 1 presents 1: it is exchanged for 2"),
    "heal_keeps_its_age": ("young_refused", "presents 1: it was used"),
}
"""By which promise each of them fails, and what is said last."""

LIMITS = {
    "ways_of_a_third": ("honest_signed_out", "presents 1: it was used"),
    "late_without_a_key": ("honest_signed_out", "presents 0: it was used"),
    "late_with_the_key_and_another_tab": ("honest_signed_out", "presents 0: it was used"),
    "key_replaced_by_a_rest": ("honest_signed_out", "presents 1: it was used"),
    "late_answer_after_a_loss": ("honest_signed_out", "presents 1: it was used"),
    "late_at_a_failover": ("honest_signed_out", "presents 0: it was used"),
    "thief_has_the_key": ("thief_unnoticed", "owner 0 presents 0: its successor again"),
    "lock_step": ("lock_step", "thief 1 presents 2: its successor again"),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_law_keeps_its_promises(name, tmp_path):
    found = search(f"checks/{name}.pml", tmp_path)

    assert found.broken is None
    assert {who: found.told[who] for who in CHECKS[name]} == CHECKS[name]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_law_fails(name, tmp_path):
    found = search(f"broken/{name}.pml", tmp_path, shortest=True)

    promise, said = BROKEN[name]
    assert found.broken == promise
    assert found.story[-1].endswith(said)


@pytest.mark.parametrize("name", LIMITS)
def test_past_its_limits_the_law_fails(name, tmp_path):
    found = search(f"limits/{name}.pml", tmp_path, shortest=True)

    promise, said = LIMITS[name]
    assert found.broken == promise
    assert found.story[-1].endswith(said)


@pytest.mark.parametrize(
    ("folder", "known"), [("checks", CHECKS), ("broken", BROKEN), ("limits", LIMITS)]
)
def test_every_model_is_searched_and_told(folder, known):
    there = {path.stem for path in (MODELS / folder).glob("*.pml")}
    page = (MODELS / "README.md").read_text()

    assert there == set(known)
    assert set(re.findall(rf"^\| \[`(\w+)`\]\({folder}/\1\.pml\) \|", page, re.MULTILINE)) == there


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/*.pml")), ids=lambda path: path.stem)
def test_a_model_sets_only_what_is_asked_for(path):
    """Another name would do nothing, and the true law would be searched in its place."""
    parts = "".join((MODELS / name).read_text() for name in ("law.pml", "world.pml"))
    asked = set(re.findall(r"^#ifndef (\w+)", parts, re.MULTILINE))

    assert set(re.findall(r"^#define (\w+)", path.read_text(), re.MULTILINE)) - asked == set()


@pytest.mark.parametrize(("name", "promise"), [(n, p) for n, (p, _) in (BROKEN | LIMITS).items()])
def test_by_which_promise_it_fails_is_told(name, promise):
    page = (MODELS / "README.md").read_text()

    assert re.search(rf"^\| \[`{name}`\]\([^)]+\) \| `{promise}` \|", page, re.MULTILINE)
