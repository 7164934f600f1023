"""What `admit serve` says on stderr once it listens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from admit import __version__
from admit.cli.output import painted, printable
from admit.settings import LOCAL_HOSTS, variable
from admit.telemetry.logs import json_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from admit.engine import Engine
    from admit.settings import Settings
    from admit.telemetry.logs import Form

LOOPBACK = (*LOCAL_HOSTS, "::1")


def banner(engine: Engine, *, host: str, port: int, workers: int, form: Form) -> None:
    """Say where the server listens, what it stands on, what to beware of and what to try."""
    settings = engine.settings
    facts = {
        "issuer": settings.issuer,
        "store": engine.store.name,
        "secret": _secret(settings),
    }
    if settings.pages:
        facts["pages"] = f"{settings.issuer}/sign-in"
    if settings.pages and settings.admin_role:
        facts["admin"] = f"{settings.issuer}/admin, for who has the role {settings.admin_role}"
    if engine.counters.names:
        facts["limits"] = f"counted together, in {', '.join(engine.counters.names)}"
    elif workers > 1:
        facts["limits"] = f"counted together by {workers} workers"
    shown = f"[{host}]" if ":" in host else host
    listens = f"Admit {__version__} listens on http://{shown}:{port}"
    warnings = list(_warnings(settings, host=host))
    if form == "json":
        _say(json_line("info", __name__, listens, facts))
        for warning in warnings:
            _say(json_line("warning", __name__, warning, {}))
        return
    _say(painted(listens, bold=True))
    for name, value in facts.items():
        _say(f"  {name:8}{printable(value)}")
    for warning in warnings:
        _say(painted(f"  WARNING {warning}", "yellow", bold=True))
    _say(f"\nTry it:\n\n{_example(settings)}\n")


def _secret(settings: Settings) -> str:
    """Where it is; never itself."""
    if settings.secret:
        return variable("secret")
    return settings.secret_source or str(settings.data_dir / "secret")


def _warnings(settings: Settings, *, host: str) -> Iterator[str]:
    if not settings.throttle:
        yield (
            "throttle=off: anybody may guess passwords without end. This is for load tests only;"
            f" unset {variable('throttle')}."
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
