"""The races see every kind of harm, count none where there is none, and Admit does none."""

import pytest
import uvloop

from benchmarks.races.running import Races, Size
from benchmarks.races.scenarios import SCENARIOS
from benchmarks.races.system import System
from tests.benchmarks.flawed import flawed

FEW = Size(trials=12, fewest=12, seconds=60.0, beyond=0.1)
NAMED = {each.name: each for each in SCENARIOS}
LIMIT = "lost answer, past the grace"
"""Without the retry key: what the law counts as reuse, and says so."""


def played(peer, home, *names):
    async def play():
        with System(peer, home, beyond=FEW.beyond) as system:
            races = Races(system, seed=1, size=FEW)
            await races.gather()
            return {name: await races.run(NAMED[name]) for name in names or NAMED}

    return uvloop.run(play())


def test_nothing_is_counted_where_nothing_is_wrong(tmp_path):
    results = played(flawed(), tmp_path)
    assert results.pop("lost answer, past the grace, retry key").none
    limit = results.pop(LIMIT)
    assert limit.counts.false_sign_outs == limit.trials
    window = results["thief in lock-step"].counts
    assert window.thieves_in_window == FEW.trials
    window.thieves_in_window = 0
    for name, result in results.items():
        assert result.trials == FEW.trials, name
        assert not any(vars(result.counts).values()), (name, result)
        assert not result.rows_left, name


ALL, SOME = "all", "some"


@pytest.mark.parametrize(
    ("flaws", "scenario", "counted", "how_many"),
    [
        ("stateless", "thief before the owner", "thieves_unnoticed", ALL),
        ("stateless", "thief after the owner", "thieves_unnoticed", ALL),
        ("stateless", "thief in lock-step", "thieves_unnoticed", ALL),
        ("stateless", "refresh and logout", "outlived", ALL),
        ("stateless", "refresh and password change", "outlived", ALL),
        ("keeps others", "refresh and password change", "outlived", ALL),
        ("parent is fine", "thief in lock-step", "thieves_unnoticed", ALL),
        ("blacklist", "two tabs", "forks", SOME),
        ("blacklist", "six requests", "forks", SOME),
        ("blacklist", "lost answer, 1 s", "false_sign_outs", ALL),
        ("blacklist", "refresh and logout", "outlived", SOME),
        ("blacklist", "thief before the owner", "thieves_in", ALL),
        ("blacklist", "thief before the owner", "false_sign_outs", ALL),
        ("blacklist", "failover", "forks", ALL),
        ("blacklist, atomic", "six requests", "refused", ALL),
        ("blacklist, atomic, clears", "reordered answers", "refused", ALL),
        ("blacklist, atomic, clears", "six requests", "false_sign_outs", ALL),
        ("no grace", "two tabs", "false_sign_outs", ALL),
        ("no rest", "reordered answers", "false_sign_outs", SOME),
        ("exact", "failover", "false_sign_outs", ALL),
        ("everywhere", "thief after the owner", "not_concerned_ended", ALL),
        ("forged ends", "forged token", "false_sign_outs", ALL),
        ("unsigned", "forged token", "thieves_unnoticed", ALL),
        ("busy", "two tabs", "errors", SOME),
    ],
)
def test_each_flaw_is_seen(flaws, scenario, counted, how_many, tmp_path):
    result = played(flawed(*flaws.split(", ")), tmp_path, scenario)[scenario]
    assert getattr(result.counts, counted) in ([FEW.trials] if how_many == ALL else range(1, 999))
