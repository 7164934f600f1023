"""The command `admit`: a server to start, and everything that an administrator does.

It needs the extra `server`; without it the command says so and does nothing.
"""

from __future__ import annotations

import sys

NEEDS = ("typer", "uvicorn")
"""What the extra brings: whoever lacks one of them lacks the extra."""


def main() -> None:
    """Run the command; the process ends with its exit code: 0 done, 1 refused, 2 misused."""
    try:
        from admit.cli.app import app  # noqa: PLC0415  importing this package needs no extra
    except ModuleNotFoundError as error:
        if error.name not in NEEDS:
            raise
        sys.exit("The command needs more than the library: pip install 'admit[server]'")
    except KeyboardInterrupt:  # pressed before there was anything to stop
        sys.exit(130)
    app(prog_name="admit")
