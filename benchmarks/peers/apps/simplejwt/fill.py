"""Makes the database in this directory, full of sessions; tells the tokens of a sample, in JSON.

Each session has a user of its own and was refreshed once: its first token is on the blacklist,
its second one lives. One user and one token are made by Django and simplejwt themselves, and all
other rows are like theirs. Outside of the sample a row holds a text as long as a token, which
nothing signed.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402  Django has to be set up before
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from rest_framework_simplejwt.tokens import BlacklistMixin, RefreshToken  # noqa: E402

from benchmarks.filling import first_row, insert_like, name, sqlite_url  # noqa: E402
from benchmarks.seed import PASSWORD, address  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = dict[str, Any]

USERS = "auth_user"
OUTSTANDING = "token_blacklist_outstandingtoken"
BLACKLISTED = "token_blacklist_blacklistedtoken"


def main(sessions: int, sample: int) -> None:
    call_command("migrate", verbosity=0)
    first = User.objects.create_user(username=address(0), password=PASSWORD)
    RefreshToken.for_user(first).blacklist()
    connection.close()  # who fills it wants it alone
    url = sqlite_url(connection.settings_dict["NAME"])
    every = sessions // sample
    living = {number * every: _living(first, number * every) for number in range(sample)}
    insert_like(url, USERS, map(_user, range(sessions)))
    insert_like(url, OUTSTANDING, _tokens(first_row(url, OUTSTANDING)["token"], sessions, living))
    insert_like(url, BLACKLISTED, map(_revoked, range(sessions)))
    sys.stdout.write(json.dumps([str(each) for each in living.values()]))


def _living(like: User, number: int) -> Any:  # noqa: ANN401  the library brings no types
    """A token as it is made for this session's user, without a row yet."""
    user = User(id=_user(number)["id"], password=like.password)
    return super(BlacklistMixin, RefreshToken).for_user(user)


def _user(number: int) -> Row:
    return {"id": number + 2, "username": address(number + 1)}


def _tokens(text: str, sessions: int, living: dict[int, Any]) -> Iterator[Row]:
    """Of each session the token that was used, and the one that lives."""
    for number in range(sessions):
        for which in (0, 1):
            jti = name("jti", 2 * number + which, 24)
            row = {"id": 2 * number + which + 2, "user_id": number + 2, "jti": jti}
            row["token"] = text[: -len(jti)] + jti
            if which and number in living:
                token = living[number]
                row |= {"jti": token["jti"], "token": str(token)}
            yield row


def _revoked(number: int) -> Row:
    return {"id": number + 2, "token_id": 2 * number + 2}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
