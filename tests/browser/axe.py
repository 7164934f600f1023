"""What axe-core finds wrong with a page: labels, roles, contrast, order."""

from functools import cache
from pathlib import Path

from tests.servers import missing

SCRIPT = Path(__file__).parents[1] / "node/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _source():
    return SCRIPT.read_text() if SCRIPT.exists() else missing("axe-core (npm)")


def faults(tab):
    """Each fault of the page as it stands, in a line: the rule, and where."""
    if not tab.evaluate("'axe' in globalThis"):
        tab.evaluate(_source())
    found = tab.evaluate(
        """async (tags) => (await axe.run({ runOnly: { type: "tag", values: tags } })).violations
        .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
          `${id}: ${target.join(" ")}: ${failureSummary}`))""",
        RULES,
    )
    return list(found)
