"""The page and its charts as texts: the same results give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.scoreboard import sentences, tables, tallies
from benchmarks.scoreboard.glance import glance
from benchmarks.scoreboard.pictures import names, parts, pictures
from benchmarks.scoreboard.words import plain, prose

if TYPE_CHECKING:
    from benchmarks.scoreboard.results import Board


def files(board: Board, folder: str, *, unexplained: bool = False) -> dict[str, str]:
    """Every file's text by its name: `scoreboard.md` and `scoreboard/….svg`.

    Arguments:
        folder: the name of the directory of the charts, and of the page beside it.
        unexplained: whether a goal may be missed without a reason.

    Raises:
        ResultsError: a goal was missed, and nobody has written why.
    """
    drawing, writing = _templates(escaped=True), _templates(escaped=False)
    charts = {
        f"{folder}/{name}.svg": drawing.get_template(template).render(given)
        for name, template, given in pictures(board)
    }
    text = writing.get_template("page.md").render(
        _told(board, unexplained=unexplained), folder=folder, charts=charts
    )
    return {f"{folder}.md": text, **charts}


def _told(board: Board, *, unexplained: bool) -> dict[str, object]:
    given = board.bench.comparisons
    return {
        "bench": board.bench,
        "races": board.races,
        "growth": board.growth,
        "heads": tables.heads(board),
        "systems": tables.systems(board),
        "quick": any(
            each.run.startswith("quick") for each in (board.bench, board.races, board.growth)
        ),
        "glance": tables.table(*glance(board)),
        "remarks": tables.remarks(board.races),
        "minute": sentences.in_one_minute(board),
        "better": tables.ahead(better) if (better := sentences.others_better(board)) else "",
        "as_good": tables.as_good(board.races),
        "missed": sentences.missed(board, unexplained=unexplained),
        "topics": [
            {"charts": parts(name, each), "about": each, **tables.comparison(each)}
            for name, each in zip(names(given), given, strict=True)
        ],
        "promises": tallies.PROMISES,
        "kinds": [tables.races(board.races, kind) for kind in tallies.PROMISES],
        "scenarios": [tables.told(board.races, kind) for kind in tallies.PROMISES],
        "usual": max((each.trials for each in board.races.results), default=0),
        "outcomes": tables.outcomes(board.races),
        "refresh_at": tables.refresh_at(board.growth),
        "thousand": tables.thousand(board.growth),
        "figures": tables.figures(board.bench),
    }


def _templates(*, escaped: bool) -> Environment:
    made = Environment(
        loader=PackageLoader("benchmarks.scoreboard"),
        undefined=StrictUndefined,
        autoescape=escaped,
        trim_blocks=not escaped,
        lstrip_blocks=not escaped,
        keep_trailing_newline=True,
    )
    made.filters |= {"plain": plain, "prose": prose}
    return made
