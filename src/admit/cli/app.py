"""The commands, put together."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from admit import __version__
from admit.cli.backup import backup
from admit.cli.doctor import doctor
from admit.cli.failure import Guarded
from admit.cli.keys import keys
from admit.cli.migrate import migrate
from admit.cli.moving.bring import import_
from admit.cli.moving.take import export
from admit.cli.serve import serve
from admit.cli.sessions import sessions
from admit.cli.tokens import tokens
from admit.cli.trail import events, purge
from admit.cli.users import users

# The library's own log stays quiet: a command says by itself what went wrong. `serve` logs.
logging.getLogger("admit").addHandler(logging.NullHandler())

app = typer.Typer(
    cls=Guarded,
    help="Admit signs people in and keeps them signed in.",
    epilog="Settings come from ADMIT_… variables and from the file .env: see docs/settings.md.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.add_typer(users, name="user", no_args_is_help=True)
app.add_typer(sessions, name="session", no_args_is_help=True)
app.add_typer(keys, name="keys", no_args_is_help=True)
app.command()(events)
app.command()(purge)
app.add_typer(tokens, name="token", no_args_is_help=True)
app.command("import")(import_)
app.command()(export)
app.command()(backup)
app.command()(doctor)
app.command()(migrate)


def _version(*, value: bool) -> None:
    if value:
        typer.echo(f"admit {__version__}")
        raise typer.Exit


@app.callback()
def admit(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say which.")
    ] = False,
) -> None:
    """Take the options that come before a command."""
