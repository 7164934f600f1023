"""`python -m benchmarks.scoreboard`: docs/scoreboard.md and its charts, from the raw results."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.processes import ROOT
from benchmarks.scoreboard.page import files
from benchmarks.scoreboard.results import ResultsError, read

HOME = ROOT / "docs" / "scoreboard"


def main(given: list[str] | None = None) -> int:
    """Write the page beside the directory of the results, and the charts into it."""
    options = _options(given)
    home: Path = options.results
    try:
        made = files(read(home), home.name, unexplained=options.unexplained)
    except ResultsError as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in made.items():
        (home.parent / name).write_text(text, encoding="utf-8")
    for chart in home.glob("*.svg"):
        if f"{home.name}/{chart.name}" not in made:
            chart.unlink()
    print(f"{home}.md and {len(made) - 1} charts were written.")
    return 0


def _options(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoreboard", description=__doc__)
    parser.add_argument(
        "--results",
        type=Path,
        default=HOME,
        metavar="DIRECTORY",
        help="where bench.json, races.json and growth.json are, if not in docs/scoreboard",
    )
    parser.add_argument(
        "--unexplained",
        action="store_true",
        help="let a goal be missed without a reason in why.toml",
    )
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
