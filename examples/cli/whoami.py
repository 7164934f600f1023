"""A command that signs in once and stays signed in: `sign-in LOGIN`, `me`, `sign-out`."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

import httpx

from admit import AdmitError
from admit.client import AdmitAuth, FileTokens

ISSUER = os.environ.get("ISSUER", "http://localhost:8000/auth")
# On a desktop, KeyringTokens("whoami") keeps them in the system's keychain.
TOKENS = os.environ.get("TOKENS", "~/.config/whoami/tokens")
auth = AdmitAuth(ISSUER, tokens=FileTokens(TOKENS), user_agent="whoami/1.0")


def sign_in(login: str) -> str:
    """Ask for the password, or take a line of what is piped in."""
    asked = sys.stdin.isatty()
    password = getpass.getpass() if asked else sys.stdin.readline().rstrip("\n")
    auth.sign_in(login, password)
    return me()


def me() -> str:
    """Who is signed in, as the server says."""
    answer = httpx.get(f"{ISSUER}/me", auth=auth)
    answer.raise_for_status()
    return f"You are {answer.json()['user']['email']}."


def sign_out() -> str:
    """End the session, here and at the server."""
    return "Signed out." if auth.sign_out() else "Signed out here; the server was not reached."


def main() -> None:
    """Do what the arguments say; a refusal is one line and exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("sign-in")
    first.add_argument("login")
    first.set_defaults(run=lambda given: sign_in(given.login))
    commands.add_parser("me").set_defaults(run=lambda _: me())
    commands.add_parser("sign-out").set_defaults(run=lambda _: sign_out())
    given = parser.parse_args()
    try:
        sys.stdout.write(f"{given.run(given)}\n")
    except (AdmitError, httpx.HTTPError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
