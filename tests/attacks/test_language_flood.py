"""One header, made to be slow to read, keeps everybody else waiting."""

import subprocess
import sys

import pytest

from admit.http.app import LARGEST_HEADERS
from tests.servers import PATIENCE

READ = """
import sys
from admit.web.texts import language
accepted = sys.stdin.read()
print({language(None, accepted) for _ in range(100)})
"""
HALF = LARGEST_HEADERS // 2


@pytest.mark.parametrize(
    "accepted",
    [
        "a" + " " * HALF * 2 + "!",
        "\t" * HALF * 2 + "!",
        "a" + " " * HALF + ";" + " " * HALF + "!",
        "a" + "-" * HALF * 2 + "!",
        "a;q=0" + ".0" * HALF,
    ],
    ids=["spaces", "tabs", "a weight among spaces", "hyphens", "weights"],
)
def test_the_longest_header_is_read_at_once(accepted):
    """A hundred times in a tenth of a second; where all ways are tried, once takes seconds.

    In a process of its own, which can be ended: nothing else runs while a pattern is tried.
    """
    done = subprocess.run(
        [sys.executable, "-c", READ],
        input=accepted,
        timeout=PATIENCE,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "{'en'}\n"
