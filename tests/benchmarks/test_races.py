"""The races see every kind of harm, count none where there is none, and Admit does none."""

import base64
import json
import re
import subprocess
import sys
from random import Random
from urllib.parse import quote, unquote

import joserfc.jwt
import pytest
import uvloop
from joserfc.jwk import OctKey

from benchmarks.peers import PEERS
from benchmarks.peers.admit import ADMIT
from benchmarks.processes import ROOT
from benchmarks.races.chosen import Wish, all_played
from benchmarks.races.forged import forgeries
from benchmarks.races.running import Races, Size
from benchmarks.races.scenarios import SCENARIOS
from benchmarks.races.system import System
from tests.benchmarks.flawed import flawed

FEW = Size(trials=12, fewest=12, seconds=60.0, beyond=0.1)
NAMED = {each.name: each for each in SCENARIOS}
HARMS = (
    "false_sign_outs",
    "refused",
    "thieves_unnoticed",
    "thieves_in",
    "outlived",
    "not_concerned_ended",
    "forks",
)
LIMIT = "lost answer, past the grace"
"""Without the retry key: what the law counts as reuse, and says so."""


@pytest.mark.parametrize("kind", ["jwt", "text", "cookies"])
def test_a_forged_token_is_another_one(kind):
    """Also for who decodes it: base64 says the same in more than one way, at its end alone."""
    signed = base64.b64encode(bytes(range(32))).decode()
    jwt = joserfc.jwt.encode({"alg": "HS256"}, {"sub": "ada"}, OctKey.import_key("s" * 32))
    token = {
        "jwt": jwt,
        "text": f"a.{signed}",
        "cookies": f"a={quote(signed)}; b=2.{quote(signed)}",
    }
    random = Random(1)
    for _ in range(1000):
        for forged in forgeries(token[kind], [], random):
            pairs = zip(re.split("[.=;]", token[kind]), re.split("[.=;]", forged), strict=True)
            assert any(decoded(one) != decoded(other) for one, other in pairs)


def decoded(part):
    text = unquote(part).strip().replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(text + "===")
    except ValueError:  # what was altered is no base64 any more
        return text


def test_what_a_peer_says_about_a_scenario_is_about_one_that_there_is():
    assert {name for peer in PEERS for name in peer.notes} <= NAMED.keys()


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
    assert results.pop("replica that lags").none
    limit = results.pop(LIMIT)
    assert limit.counts.false_sign_outs == limit.trials
    window = results["thief in lock-step"].counts
    assert window.thieves_in_window == results["thief in lock-step"].trials
    window.thieves_in_window = 0
    for name, result in results.items():
        assert result.trials, name
        assert result.trials + result.void == FEW.trials, name
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
        ("blacklist", "replica that lags", "thieves_unnoticed", ALL),
        ("blacklist, atomic", "six requests", "refused", ALL),
        ("blacklist, atomic, clears", "reordered answers", "refused", ALL),
        ("blacklist, atomic, clears", "six requests", "false_sign_outs", SOME),
        ("no grace", "two tabs", "false_sign_outs", ALL),
        ("no rest", "reordered answers", "false_sign_outs", SOME),
        ("exact", "failover", "false_sign_outs", ALL),
        ("everywhere", "thief after the owner", "not_concerned_ended", ALL),
        ("forged ends", "forged token", "false_sign_outs", ALL),
        ("unsigned", "forged token", "thieves_unnoticed", ALL),
        ("busy", "two tabs", "errors", SOME),
        ("no change", "refresh and password change", "refused", ALL),
        ("no change", "refresh and password change", "errors", SOME),
        ("stays in", "refresh and logout", "refused", ALL),
        ("stays in", "refresh and logout", "outlived", ALL),
        ("locks out", "refresh and logout", "not_concerned_ended", ALL),
    ],
)
def test_each_flaw_is_seen(flaws, scenario, counted, how_many, tmp_path):
    result = played(flawed(*flaws.split(", ")), tmp_path, scenario)[scenario]
    count = result.count(counted)
    assert count == result.trials if how_many == ALL else count


def test_a_quick_run_plays_every_system_and_admit_harms_nobody(tmp_path):
    """As CI runs it; what is judged of the others is that they were played, and no figure."""
    file = tmp_path / "races.json"
    command = [sys.executable, "-m", "benchmarks.races", "--quick", "--json", file]
    subprocess.run(command, cwd=ROOT, check=True, timeout=600)
    told = json.loads(file.read_text())
    ran = [each["name"] for each in told["systems"]]
    assert ran == [peer.name for peer in PEERS if not peer.missing()]
    results = {(each["system"], each["scenario"]): each for each in told["results"]}
    assert results.keys() == {(system, scenario) for system in ran for scenario in NAMED}
    assert all(each["trials"] or each["none"] for each in results.values())
    of_admit = {scenario: results[ADMIT.name, scenario] for scenario in NAMED}
    assert of_admit.pop("replica that lags")["none"]
    limit = of_admit.pop(LIMIT)
    assert limit["note"]
    assert limit["false_sign_outs"] == limit["trials"]
    for name, result in of_admit.items():
        assert result["trials"], name
        assert not any(result[harm] for harm in HARMS), result
        assert (name == "thief in lock-step") == bool(result["thieves_in_window"])


def own():
    """The module in docs/races.md."""
    page = (ROOT / "docs" / "races.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return example


def test_a_system_of_ones_own_needs_an_adapter_alone(tmp_path):
    """The one in docs/races.md, with a server that runs already."""
    with flawed("blacklist").start(tmp_path, "races") as process:
        file = tmp_path / "theirs.py"
        file.write_text(own().replace("8000", str(process.port)))
        (their,) = all_played(Wish((), file, quick=True, seed=1))
    results = {each.scenario: each for each in their.results}
    assert results["two tabs"].trials
    lost = results["lost answer, 1 s"]
    assert lost.counts.false_sign_outs == lost.trials > 0
    assert results["failover"].none


MISTAKES = {
    "a wrong path": ('"/login"', '"/signin"', r"^POST /signin was answered 404 "),
    "kept() returns nothing": ("return Tokens(access", "Tokens(access", r"^kept\(\) returned None"),
    "kept() keeps the old token": (
        "return Tokens(access",
        "return before if before.access else Tokens(access",
        "^a refresh left the client with the refresh token that it had",
    ),
    "a wrong token": ("tokens.access)\n\n    def refresh", "'')\n\n    def refresh", "^POST /prot"),
    "no server": ("port=8000", "port=9", r"^nothing takes connections at 127.0.0.1:9: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_adapter_that_is_wrong_is_told_so(mistake, tmp_path):
    """The system is blamed for nothing, and a sentence says where to look."""
    right, wrong, said = MISTAKES[mistake]
    with flawed().start(tmp_path, "races") as process:
        example = own()
        assert right in example
        file = tmp_path / "theirs.py"
        file.write_text(example.replace(right, wrong).replace("8000", str(process.port)))
        (their,) = all_played(Wish((), file, quick=True, seed=1))
    assert re.search(said, their.failed)
    assert not their.results
