"""Passwords and tokens: typed without echo, or read from standard input; never an argument.

An argument would stand in the shell's history and in the list of processes, for everyone to read.
"""

from __future__ import annotations

import sys
from getpass import getpass

import typer

from admit.cli.failure import Failed
from admit.cli.output import complain


def new_password() -> str:
    """A password: typed twice at a terminal, else the first line of standard input.

    Raises:
        Failed: there is none.
    """
    if not sys.stdin.isatty():
        return _line("password")
    while True:
        typed = _typed("New password: ", "password")
        if _typed("Once more: ", "password") == typed:
            return typed
        complain("These are two different passwords: try again.")


def token() -> str:
    """A token: typed or pasted at a terminal, else the first line of standard input.

    Raises:
        Failed: there is none.
    """
    if sys.stdin.isatty():
        return _typed("Token (it does not show): ", "token").strip()
    return _line("token").strip()


def _typed(prompt: str, what: str) -> str:
    try:
        typed = getpass(prompt)
    except EOFError:
        typed = ""
    except KeyboardInterrupt:
        typer.echo(err=True)  # the prompt's line isn't finished yet
        raise
    if not typed:
        raise Failed(f"No {what} was given.")
    return typed


def _line(what: str) -> str:
    """The first line of standard input, exactly as it is but for its end."""
    # Bytes that are no UTF-8 become lone surrogates, which the password policy refuses by name.
    raw = sys.stdin.buffer.readline().decode("utf-8", "surrogateescape")
    line = raw.removesuffix("\n").removesuffix("\r")
    if not line:
        raise Failed(f"No {what} was given: type it, or send it as the first line of stdin.")
    return line
