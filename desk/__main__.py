"""`python -m desk`, which is `make run-lambda`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from desk.events import FORMS
from desk.local import NAMES, Failed, run

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Serve until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m desk", description="Run Admit's Lambda function on this machine."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument(
        "--port", type=_whole(0, 65_535), default=8000, help="the port (8000); 0 a free one"
    )
    parser.add_argument(
        "--processes", type=_whole(1, 100), default=2, help="how many of the function (2)"
    )
    parser.add_argument(
        "--form",
        choices=FORMS,
        default="http",
        help="; ".join(f"{form}: as {name} asks" for form, name in NAMES.items()),
    )
    asked = parser.parse_args()
    try:
        asyncio.run(
            run(host=asked.host, port=asked.port, processes=asked.processes, form=asked.form)
        )
    except Failed as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    return 0


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isdecimal() or not least <= int(value) <= most:
            raise argparse.ArgumentTypeError(f"wants a whole number from {least} to {most}")
        return int(value)

    return read


if __name__ == "__main__":
    sys.exit(main())
