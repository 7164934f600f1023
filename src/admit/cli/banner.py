"""What `admit serve` says on stderr once it listens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from admit import __version__
from admit.cli.output import painted, printable
from admit.settings import LOCAL_HOSTS, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from admit.settings import Settings

LOOPBACK = (*LOCAL_HOSTS, "::1")


def banner(settings: Settings, store: str, *, host: str, port: int, workers: int) -> None:
    """Print where the server listens, what it stands on, what to beware of and what to try."""
    facts = {
        "issuer": settings.issuer,
        "store": store,
        "secret": variable("secret") if settings.secret else str(settings.data_dir / "secret"),
    }
    shown = f"[{host}]" if ":" in host else host
    _say(painted(f"Admit {__version__} listens on http://{shown}:{port}", bold=True))
    for name, value in facts.items():
        _say(f"  {name:8}{printable(value)}")
    for warning in _warnings(settings, host=host, workers=workers):
        _say(painted(f"  WARNING {warning}", "yellow", bold=True))
    _say(f"\nTry it:\n\n{_example(settings)}\n")


def _warnings(settings: Settings, *, host: str, workers: int) -> Iterator[str]:
    if not settings.throttle:
        yield (
            "throttle=off: anybody may guess passwords without end. This is for load tests only;"
            f" unset {variable('throttle')}."
        )
    elif workers > 1:
        yield (
            f"{workers} workers: each counts attempts for itself, so a guesser gets up to"
            f" {workers} times the limits."
        )
    if host not in LOOPBACK and urlsplit(settings.base_url).hostname in LOCAL_HOSTS:
        yield (
            f"Other machines can reach {host}, but the base URL is {settings.base_url}: set"
            f" {variable('base_url')} to the https:// address that browsers use."
        )


def _example(settings: Settings) -> str:
    return (
        f"  curl {settings.issuer}/register -H 'Content-Type: application/json' \\\n"
        """    -d '{"email": "ada@example.com", "password": "correct horse battery"}'"""
    )


def _say(line: str) -> None:
    typer.echo(line, err=True)
