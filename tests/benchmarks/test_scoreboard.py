"""The scoreboard says what the results say: also where others are better, and where none is."""

import copy
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks.scoreboard.__main__ import HOME, main
from benchmarks.scoreboard.page import files
from benchmarks.scoreboard.results import ResultsError, read
from benchmarks.scoreboard.words import UNKNOWN

ODD = 'Odd <b>|*_`&"] Ltd'
SVG = "{http://www.w3.org/2000/svg}"


def system(name, grace=None):
    told = {"served": "one process", "hashing": "a hash", "durability": "on the disk"}
    return told | {"name": name, "grace": grace, "versions": {"lib": "1.2"}}


def row(name, median, what="", **others):
    spread = {"median": median, "min": median * 0.9, "max": median * 1.1, "rounds": 3}
    return {"system": name, "what": what} | spread | others


def outcome(name, scenario, trials=1000, **counts):
    kinds = ("false_sign_outs", "thieves_unnoticed", "not_concerned_ended", "forks", "errors")
    return (
        {"system": name, "scenario": scenario, "trials": trials} | dict.fromkeys(kinds, 0) | counts
    )


HEAD = {
    "date": "2026-01-02",
    "commit": "abc1234",
    "machine": "a machine",
    "libraries": "lib 1.2",
    "run": "a run",
    "systems": [system("Admit", 10.0), system("Other"), system("Bare")],
}
HELLO = {"hello": {"median": 9000, "min": 8000, "max": 9500}}
GOAL = {"text": "twice the Other", "wanted": 2, "median": 3, "min": 2.5, "max": 4, "reached": True}
NONE = {"system": "Bare", "what": "", "none": "has no refresh token"}
RESULTS = {
    "bench": HEAD
    | {
        "figures": [],
        "comparisons": [
            {
                "topic": "refreshing",
                "title": "Refreshing",
                "unit": "/s",
                "better": "higher",
                "told": "What was done.",
                "rows": [row("Admit", 3000, beside=HELLO), row("Other", 1000), NONE],
                "goals": [GOAL],
            },
        ],
    },
    "races": HEAD
    | {
        "seed": 7,
        "scenarios": [
            {"name": "two tabs", "told": "Both refresh.", "honest_or_thief": "honest"},
            {"name": "a thief", "told": "A copy.", "honest_or_thief": "thief"},
        ],
        "results": [
            outcome("Admit", "two tabs", clock_moved=True),
            outcome("Admit", "a thief", thieves_in_window=2),
            outcome("Other", "two tabs", trials=40, false_sign_outs=3, seconds_waited=11.0),
            outcome("Other", "a thief", thieves_unnoticed=900, rows_left=2.0),
            {"system": "Bare", "scenario": "two tabs", "none": "has no refresh token"},
            {"system": "Bare", "scenario": "a thief", "none": "has no refresh token"},
        ],
    },
    "growth": HEAD
    | {
        "refresh_at": [
            {"system": "Admit", "sessions": 1000, "p50_ms": 1.0, "p99_ms": 2.0},
            {"system": "Admit", "sessions": 100_000, "p50_ms": 1.2, "p99_ms": 2.0},
            {"system": "Other", "sessions": 1000, "p50_ms": 4.0, "p99_ms": 8.0},
        ],
        "thousand_refreshes": [
            {"system": "Admit", "rows": 1, "bytes": 300, "durability": "on the disk"},
            {"system": "Other", "rows": 2000, "bytes": 90_000, "durability": "on the disk"},
            {"system": "Bare", "none": "has no refresh token"},
        ],
    },
}


@pytest.fixture
def results():
    return copy.deepcopy(RESULTS)


@pytest.fixture
def made(tmp_path):
    """Makes the page of results, with reasons for what was missed; every file by its name."""

    def make(results, why="", **options):
        home = written(tmp_path, results, why)
        return files(read(home), "scoreboard", **options)

    return make


def written(tmp_path, results, why=""):
    home = tmp_path / "scoreboard"
    home.mkdir(exist_ok=True)
    for name, given in results.items():
        (home / f"{name}.json").write_text(json.dumps(given), encoding="utf-8")
    (home / "why.toml").write_text(why, encoding="utf-8")
    return home


def section(page, heading):
    return page.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_what_is_committed_is_what_the_results_make():
    """Whoever changes the results or the templates runs `make scoreboard`."""
    if not (HOME / "bench.json").exists():
        assert not Path(f"{HOME}.md").exists()
        return
    made = files(read(HOME), HOME.name)
    committed = {f"{HOME.name}.md": Path(f"{HOME}.md")}
    committed |= {f"{HOME.name}/{chart.name}": chart for chart in HOME.glob("*.svg")}
    assert {name: path.read_text(encoding="utf-8") for name, path in committed.items()} == made


def test_equal_results_make_equal_bytes(made, results):
    assert made(results) == made(results)


def test_where_nobody_is_better_the_page_says_so(made, results):
    results["races"]["results"] = results["races"]["results"][:2]
    assert "In none of the figures" in section(
        made(results)["scoreboard.md"], "Where others are better"
    )


def test_a_peer_that_beats_admit_is_named_twice(made, results):
    results["bench"]["comparisons"][0]["rows"][1] = row("Other", 4500)
    page = made(results)["scoreboard.md"]
    assert "**Other 4,500/s**, 1.50 times better" in section(page, "In one minute")
    row_of_table = "| Refreshing | **Other** | **4,500/s** | 3,000/s | 1.50 times |"
    assert row_of_table in section(page, "Where others are better")


def test_less_is_better_where_the_comparison_says_so(made, results):
    results["bench"]["comparisons"][0]["better"] = "lower"
    page = made(results)["scoreboard.md"]
    assert "**Other** | **1,000/s** | 3,000/s" in section(page, "Where others are better")


def test_rounds_that_overlap_are_no_clear_difference(made, results):
    results["bench"]["comparisons"][0]["rows"][1] = row("Other", 3100)
    page = made(results)["scoreboard.md"]
    assert "times; the rounds overlap" in section(page, "Where others are better")


def test_like_is_compared_with_like(made, results):
    results["bench"]["comparisons"][0] |= {
        "topic": "verifying",
        "better": "lower",
        "unit": "µs",
        "rows": [
            row("Admit", 0.7, "ES256, seen before"),
            row("Admit", 100, "ES256, first sight"),
            row("Other", 50, "ES256, seen before"),
            row("Bare", 110, "HS256, first sight"),
        ],
    }
    page = made(results)["scoreboard.md"]
    assert "Other, ES256, seen before 71.4 times as much" in page
    assert "Bare, HS256, first sight 1.10 times as much" in page
    assert "µs" not in section(page, "Where others are better")


def test_a_peer_that_is_as_good_in_a_race_is_named(made, results):
    better = section(made(results)["scoreboard.md"], "Where others are better")
    (head, other) = re.findall(r"^\| (?:system|Other) \|.*$", better, re.MULTILINE)
    good = dict(zip(head.split(" | "), other.split(" | "), strict=True))
    assert good["forks"] == "2 of 2"
    assert good["thieves unnoticed"] == good["false sign-outs"] == "1 of 2"
    assert good["thieves in the window"] == "0 of 0"


def test_a_peer_that_is_better_in_a_race_is_named(made, results):
    results["races"]["results"][0]["errors"] = 5
    better = section(made(results)["scoreboard.md"], "Where others are better")
    assert "| Races, two tabs: errors | **Other** | **0 of 40** | 5 of 1,000 |" in better


def test_fewer_in_fewer_trials_are_not_better(made, results):
    results["races"]["results"][0]["errors"] = 5
    results["races"]["results"][2]["errors"] = 1
    better = section(made(results)["scoreboard.md"], "Where others are better")
    assert "1 of 40" not in better


def test_a_peer_that_is_better_at_growth_is_named(made, results):
    results["growth"]["refresh_at"][2]["p50_ms"] = 0.5
    results["growth"]["thousand_refreshes"][1]["rows"] = 0
    better = section(made(results)["scoreboard.md"], "Where others are better")
    assert "| Growth, 1,000 sessions: p50 | **Other** | **0.50 ms** | 1.00 ms |" in better
    assert "| Left by 1,000 refreshes: rows | **Other** | **0** | 1 |" in better


def test_growth_tells_its_spread_and_where_the_rounds_overlap(made, results):
    ours, _, theirs, *_ = results["growth"]["refresh_at"]
    ours["spread"] = {"p50_ms": [0.6, 1.1]}
    theirs |= {"p50_ms": 0.5, "spread": {"p50_ms": [0.4, 0.7]}}
    page = made(results)["scoreboard.md"]
    better = section(page, "Where others are better")
    assert "| **0.50 ms** | 1.00 ms | the rounds overlap |" in better
    assert "| Other | 1,000 | 0.50 ms (0.40 to 0.70) |" in section(page, "Growth")


def test_a_missed_goal_without_a_reason_makes_no_page(made, results):
    results["bench"]["comparisons"][0]["goals"] = [GOAL | {"reached": False, "median": 1.5}]
    with pytest.raises(ResultsError, match=r"'twice the Other' was missed.*under that key"):
        made(results)
    assert "No reason" in made(results, unexplained=True)["scoreboard.md"]


def test_a_missed_goal_is_told_with_its_reason(made, results):
    results["bench"]["comparisons"][0]["goals"] = [GOAL | {"reached": False, "median": 1.5}]
    page = made(results, '"twice the Other" = "Signing takes it."')["scoreboard.md"]
    missed = section(page, "Goals that were missed")
    assert (
        "**twice the Other**: 2.00 wanted, 1.50 (2.50 to 4.00) measured. Signing takes it."
        in missed
    )
    assert "**Missed**: twice the Other" in section(page, "In one minute")


def test_a_figure_that_misses_its_goal_needs_a_reason_too(made, results):
    figure = row("", 0.1) | {"name": "a share", "unit": "", "goal": "≥ 0.50", "reached": False}
    results["bench"]["figures"] = [figure]
    with pytest.raises(ResultsError, match="'a share' was missed"):
        made(results)


def test_what_a_peer_has_none_of_is_no_zero(made, results):
    every = made(results)
    for part in re.split(r"[;\n]", "\n".join(every.values())):
        assert "Bare" not in part or not re.search(r"\b0\b", part), part
    for name in ("refreshing", "races-honest", "races-thief", "growth-rows", "growth-bytes"):
        words = texts(every[f"scoreboard/{name}.svg"])
        assert words[words.index("Bare") + 1] == "has none"
    assert "| Bare | has no refresh token |" in every["scoreboard.md"]


def test_a_count_says_of_how_many_where_there_were_fewer(made, results):
    page = section(made(results)["scoreboard.md"], "The races")
    assert "| two tabs | 0 | 3 of 40 | has none |" in page
    assert "| a thief | 0 (in the window 2) | 900 | has none |" in page
    assert "| two tabs | Other | 40 | 11 s waited | 3 |" in page


def test_a_broken_promise_says_where(made, results):
    minute = section(made(results)["scoreboard.md"], "In one minute")
    assert "signed out falsely**: Admit 0 of 1,000; Other 3 of 40 (*two tabs*)." in minute
    assert "Admit 0 of 1,000, and 2 in the window; Other 900 of 1,000 (*a thief*)." in minute


def test_a_scenario_that_admit_was_not_played_in_is_in_no_sum(made, results):
    """Or it would be held against a peer that has something which Admit has none of."""
    results["races"]["scenarios"].append({"name": "lag", "told": "x", "honest_or_thief": "thief"})
    results["races"]["results"] += [
        {"system": "Admit", "scenario": "lag", "none": "reads from none"},
        outcome("Other", "lag", thieves_unnoticed=1000),
    ]
    page = made(results)["scoreboard.md"]
    assert "Other 900 of 1,000 (*a thief*)." in section(page, "In one minute")
    assert "| lag | not run | 1,000 | not run |" in section(page, "The races")


def glanced(page):
    """The first table of the page, by system and column."""
    lines = section(page, "In one minute").strip().splitlines()
    head, _, *rows = [each.strip("| ").split(" | ") for each in lines if each.startswith("|")]
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def test_the_first_table_has_the_best_of_each_column_in_bold(made, results):
    first = glanced(made(results)["scoreboard.md"])
    assert first["Admit"]["Refreshing"] == "**3,000/s**"
    assert first["Other"]["Refreshing"] == "1,000/s"
    assert first["Bare"]["Refreshing"] == "has none"
    assert first["Admit"]["honest people signed out"] == "**0 % (0 of 1)**"
    assert first["Other"]["honest people signed out"] == "7.5 % (1 of 1)"
    assert first["Other"]["thieves unnoticed"] == "90 % (1 of 1)"
    assert first["Bare"]["thieves unnoticed"] == "has none"
    assert first["Other"]["thieves still in at the end"] == UNKNOWN
    results["bench"]["comparisons"][0]["better"] = "lower"
    assert glanced(made(results)["scoreboard.md"])["Other"]["Refreshing"] == "**1,000/s**"


def test_what_outlived_its_end_stands_where_people_look(made, results):
    results["races"]["results"][2] |= {"false_sign_outs": None, "outlived": 30, "forks": 4}
    races = section(made(results)["scoreboard.md"], "The races")
    assert "| two tabs | 0 | outlived 30 of 40 (forks 4) | has none |" in races


def test_what_a_peer_does_better_in_several_places_is_one_line(made, results):
    results["growth"]["refresh_at"][2]["p50_ms"] = 0.5
    results["growth"]["refresh_at"].append(
        {"system": "Other", "sessions": 100_000, "p50_ms": 0.6, "p99_ms": 9.0}
    )
    better = section(made(results)["scoreboard.md"], "Where others are better")
    line = "| Growth, 1,000; 100,000 sessions: p50 | **Other** | **0.50 ms; 0.60 ms** |"
    assert f"{line} 1.00 ms; 1.20 ms |" in better
    results["growth"]["refresh_at"][1]["spread"] = {"p50_ms": [0.5, 1.3]}
    better = section(made(results)["scoreboard.md"], "Where others are better")
    assert f"{line} 1.00 ms; 1.20 ms | the rounds overlap at 100,000 |" in better


def test_a_note_is_told_once_for_all_to_whom_it_applies(made, results):
    for number in (0, 2):
        results["races"]["results"][number]["note"] = "sent no key"
    assert "Both refresh. **Admit and Other**: sent no key." in made(results)["scoreboard.md"]


def texts(svg):
    return [each.text for each in ET.fromstring(svg).iter(f"{SVG}text")]


def test_an_odd_name_is_a_name(made, results):
    given = json.loads(json.dumps(results).replace('"Other"', json.dumps(ODD)))
    every = made(given)
    for name, text in every.items():
        if name.endswith(".svg"):
            assert ODD in texts(text), name
    page = every["scoreboard.md"]
    assert "<b>" not in page
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table


def test_a_chart_is_read_aloud_and_needs_no_script(made, results):
    for name, text in made(results).items():
        if name.endswith(".svg"):
            root = ET.fromstring(text)
            assert root.get("role") == "img"
            assert root.get("aria-labelledby") == "title desc"
            assert "Admit" in root.findtext(f"{SVG}desc", "")
            assert "prefers-color-scheme: dark" in text
            assert "<script" not in text


def test_a_chart_of_very_different_values_says_that_it_is_logarithmic(made, results):
    assert "Logarithmic" not in made(results)["scoreboard/refreshing.svg"]
    results["bench"]["comparisons"][0]["rows"][1] = row("Other", 10)
    assert "Logarithmic" in made(results)["scoreboard/refreshing.svg"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda given: given["comparisons"][0]["rows"][1].pop("median"),
            r"rows\[1\]|rows\[\.\.\.\]",
        ),
        (lambda given: given["comparisons"][0].pop("unit"), "`unit`"),
        (lambda given: given.pop("machine"), "`machine`"),
        (lambda given: given.update(figures={}), r"\$\.figures"),
    ],
)
def test_a_wrong_field_is_named(made, results, damage, said):
    damage(results["bench"])
    with pytest.raises(ResultsError, match=rf"bench\.json: .*{said}"):
        made(results)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda given: given["scenarios"].pop(), "no scenario: a thief"),
        (lambda given: given.update(results=given["results"][2:]), "no results of Admit"),
    ],
)
def test_races_that_make_no_page_say_why(made, results, damage, said):
    damage(results["races"])
    with pytest.raises(ResultsError, match=rf"races\.json: .*{said}"):
        made(results)


def test_a_chart_is_written_nowhere_else(made, results):
    results["bench"]["comparisons"][0]["topic"] = "../../Re fresh"
    assert "scoreboard/re-fresh.svg" in made(results)


def test_quick_runs_are_told_so(made, results):
    assert "quick runs" not in made(results)["scoreboard.md"]
    results["bench"]["run"] = "quick: 2 rounds"
    assert "**These are quick runs**" in made(results)["scoreboard.md"]


def test_a_missing_file_says_what_writes_it(tmp_path, capsys):
    assert main(["--results", str(tmp_path)]) == 1
    assert "`make bench JSON=" in capsys.readouterr().err


def test_the_command_writes_page_and_charts_and_takes_away_old_charts(tmp_path, results):
    home = written(tmp_path, results)
    (home / "former.svg").write_text("<svg/>", encoding="utf-8")
    assert main(["--results", str(home)]) == 0
    made = files(read(home), "scoreboard")
    assert {chart.name for chart in home.glob("*.svg")} == {
        Path(name).name for name in made if name.endswith(".svg")
    }
    assert Path(f"{home}.md").read_text(encoding="utf-8") == made["scoreboard.md"]


def test_what_is_said_of_a_sign_out_stands_right_below_the_first_table(made, results):
    said = "- **Other**, *two tabs*: sent no key."
    assert said not in made(results)["scoreboard.md"]
    results["races"]["results"][2]["note"] = "sent no key"
    minute = section(made(results)["scoreboard.md"], "In one minute")
    assert said in minute.partition("Column by column")[0]
