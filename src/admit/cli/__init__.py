"""The command `admit`: a server to start, and everything that an administrator does.

It needs the extra `server`; without it the command says so and does nothing.
"""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec
from io import TextIOWrapper

NEEDS = ("typer", "uvicorn", "httptools")
"""What the extra brings: whoever lacks one of them lacks the extra."""


def main(arguments: list[str] | None = None, *, name: str = "admit") -> None:
    """Run the command; the process ends with its exit code: 0 done, 1 refused, 2 misused.

    Arguments:
        arguments: what was typed behind the name; those of this process where None.
        name: how the command is called here.
    """
    if not all(map(find_spec, NEEDS)):
        sys.exit("The command needs more than the library: pip install 'admit[server]'")
    from admit.cli.app import app  # noqa: PLC0415  importing this package needs no extra

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # it is None where there is no such stream
            stream.reconfigure(errors="replace")  # an address may not fit a terminal's encoding
    signal.signal(signal.SIGTERM, _ended)
    app(arguments, prog_name=name)


def _ended(number: int, _: object) -> None:
    """What a command has begun to write goes with it, as on Ctrl-C; a server has its own way."""
    sys.exit(128 + number)
