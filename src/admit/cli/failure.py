"""How a command fails: one sentence on stderr and an exit code, never a traceback."""

from __future__ import annotations

import errno
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from admit.cli.output import complain
from admit.errors import AdmitError, AlreadyExists, Refusal, Unavailable

REFUSED = 1
_PASSED_ON = (typer.Exit, typer.Abort, typer.TyperException)
"""What Typer itself understands: an exit code, a prompt that was left, a wrong use."""


class Failed(AdmitError):
    """A command could not do what it was asked to; the sentence says why."""


class Guarded(TyperGroup):
    """The root of the commands, out of which no exception comes but Typer's own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  a context
        """Refuse what is no text: bytes that the system's encoding doesn't know."""
        for each in args:
            if any("\ud800" <= letter <= "\udfff" for letter in each):
                raise typer.BadParameter(f"{each!r} is not text in this system's encoding")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  a context, and what a command returns
        """Run a command; what it raises becomes one sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except _PASSED_ON:
            raise
        except AdmitError as error:
            said = sentence(error)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # the reader of a pipe had enough: Typer ends quietly
            said = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}."
        except Exception as error:
            if sys.flags.dev_mode:
                raise
            said = (
                f"Admit failed in a way that it should not ({type(error).__name__}: {error}):"
                " `python -X dev -m admit.cli …` shows where. Please report it."
            )
        complain(f"Error: {said}")
        raise typer.Exit(REFUSED)


def sentence(error: AdmitError) -> str:
    """What went wrong, with what each field wants."""
    if isinstance(error, Unavailable) and error.__cause__:
        why = " ".join(str(error.__cause__).split())
        return f"{str(error).rstrip('.')} ({why})."
    fields = getattr(error, "fields", None)
    if not isinstance(error, Refusal) or not fields:
        return str(error)
    if isinstance(error, AlreadyExists):
        return f"This {' and '.join(fields)} is taken already."
    wanted = "; ".join(f"{field} wants {wants}" for field, wants in fields.items())
    return f"{str(error).rstrip('.')}: {wanted}."
