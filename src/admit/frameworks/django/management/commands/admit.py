"""`manage.py admit …`: what the command `admit` does, with the settings of the project."""

from __future__ import annotations

import os
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from admit.cli import main
from admit.frameworks.django.configured import chosen
from admit.settings import variable

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from admit.settings import Settings


class Command(BaseCommand):
    """Hands everything on to the command `admit`: `manage.py admit user list --json`."""

    help = "Accounts, sessions, keys, backups: what the command `admit` does. Try: admit --help"
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Run with what stands behind `manage.py admit`, its options included.

        Those that every command of Django's takes have done their work before it is found.
        """
        djangos = CommandParser(add_help=False, allow_abbrev=False)
        djangos.add_argument("--settings")
        djangos.add_argument("--pythonpath")
        try:
            self.handle(*djangos.parse_known_args(argv[2:])[1])
        except CommandError as error:
            self.stderr.write(str(error))
            sys.exit(error.returncode)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take them all, where `call_command` is the caller."""
        parser.add_argument("args", nargs="*")

    def handle(self, *arguments: str, **_: Any) -> None:  # noqa: ANN401  Django's own options
        """Run it; it ends the process with its exit code.

        Raises:
            CommandError: it would be a second server, beside the one that serves Django; or there
                is nothing here but a `Verifier`.
        """
        if "serve" in arguments[:1]:
            raise CommandError("Django serves Admit's routes itself: start its own server.")
        found = chosen()
        if found is None:
            raise CommandError("This project only checks tokens: run admit where their issuer is.")
        os.environ.update(environment(found))
        main([*arguments], name="manage.py admit")


def environment(given: Settings) -> dict[str, str]:
    """The variables that say what these settings say; what is empty has none.

    The defaults, too: the project's word has to win over variables that stand there already.
    """
    return {
        variable(each.name): text
        for each in fields(given)
        if (text := _text(getattr(given, each.name)))
    }


def _text(value: object) -> str:
    """A value as a variable holds it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
