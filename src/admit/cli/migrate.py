"""`admit migrate`: the database made ready ahead of the servers, by a role that may."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from admit.cli.output import AsJson, say, show_json
from admit.settings import Settings


def migrate(
    *,
    grant: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="PostgreSQL: also give this role the rights to serve, no others."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database up to date.

    A server does the same when it starts, where its role may make tables. Run this before the
    new version starts, with a role that may, where the servers' own role may not.
    """
    from admit import chosen  # noqa: PLC0415  `admit --help` needs no cryptography

    store = chosen.store(Settings.load())
    made = asyncio.run(store.migrate(grant=grant))
    if as_json:
        show_json({"ran": made, "granted": grant})
        return
    for name in made:
        say(f"Ran {name}.")
    say(f"{store.name} is up to date.")
    if grant is not None:
        say(f"The role {grant} may serve.")
