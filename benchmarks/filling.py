"""Tables filled behind a system's back, as its own code would have filled them one by one."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from base64 import urlsafe_b64encode
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg

from admit import Settings
from admit.engine import Engine
from admit.model import Account, Session
from admit.stores import rows
from admit.tokens import refresh
from benchmarks.seed import PASSWORD, address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Row = rows.Row
    Fill = Callable[[str, str, str, Iterable[Row]], None]
    """Puts rows of these columns into this table of the database with this URL."""

SECRET = "a secret of the benchmarks 0123456789abcdef"
SAMPLE = 10_000
"""At most so many sessions have tokens, spread evenly over all of them."""
DAY = 86_400.0
SQLITE = "sqlite:///"


@dataclass(frozen=True, kw_only=True)
class Filling:
    """How many sessions of Admit there shall be."""

    living: int
    expired: int = 0
    people: bool = False
    """Each session has a user of its own; else all of them are of one."""

    @property
    def sample(self) -> int:
        return min(SAMPLE, self.living)

    def owner(self, number: int, only: Account) -> str:
        """The id of the user whose session it is."""
        return _digest("user", number).hex() if self.people else only.user.id


def settings(url: str) -> Settings:
    # No leeway: a token that rests would be answered without a write.
    return Settings.load(
        environ={}, dotenv=None, database_url=url, secret=(SECRET,), throttle=False, leeway=0
    )


def filled(url: str, filling: Filling, fill: Fill) -> list[str]:
    """A database of Admit's with so many sessions; the refresh tokens of the sample."""

    async def begin() -> tuple[Account, list[str], list[Session]]:
        engine = Engine(settings(url))
        async with engine:
            now = time.time()
            await engine.accounts.register(email=address(0), password=PASSWORD, now=now)
            account = await engine.accounts.find(address(0))
            assert account
            handles = [refresh.new_handle() for _ in range(filling.sample)]
            sample = [
                _session(refresh.session_id(handle), filling.owner(number, account), now)
                for number, handle in enumerate(handles)
            ]
            codec = engine.sessions._tokens  # noqa: SLF001  only a benchmark makes them by hand
            pairs = zip(handles, sample, strict=True)
            return account, [codec.of(handle, each) for handle, each in pairs], sample

    account, tokens, sample = asyncio.run(begin())
    if filling.people:
        fill(url, "users", rows.USER, _people(filling, account))
    fill(url, "sessions", rows.SESSION, _sessions(filling, account, sample))
    return tokens


def insert(url: str, table: str, columns: str, made: Iterable[Row]) -> None:
    """Into SQLite, with nothing that would make it slow and safe."""
    with closing(sqlite3.connect(url.removeprefix(SQLITE), isolation_level=None)) as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -4000000"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        db.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({rows.marks(columns)})', made)
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = WAL")


def first_row(url: str, table: str) -> dict[str, Any]:
    """A row of SQLite's by its columns, after which others are made."""
    with closing(sqlite3.connect(url.removeprefix(SQLITE))) as db:
        found = db.execute(f'SELECT * FROM "{table}" LIMIT 1')
        columns = [column[0] for column in found.description]
        return dict(zip(columns, found.fetchone(), strict=True))


def insert_like(url: str, table: str, made: Iterable[dict[str, Any]]) -> None:
    """Into SQLite: rows that are like the table's first, but for what is given of each."""
    like = first_row(url, table)
    columns = ", ".join(f'"{column}"' for column in like)
    insert(url, table, columns, (tuple((like | each).values()) for each in made))


def copy(url: str, table: str, columns: str, made: Iterable[Row]) -> None:
    """Into PostgreSQL."""
    with psycopg.connect(url, autocommit=True) as db:
        with db.cursor().copy(f"COPY admit.{table} ({columns}) FROM STDIN") as copying:
            for row in made:
                copying.write_row(row)
        db.execute(f"VACUUM (ANALYZE) admit.{table}")
        db.execute("CHECKPOINT") if _superuser(db) else None


def name(kind: str, number: int, size: int = 16) -> str:
    """One of many texts that are spread evenly over an index, and always the same.

    Arguments:
        kind: of what.
        number: which one.
        size: in bytes, of which three make four characters.
    """
    return urlsafe_b64encode(_digest(kind, number, size)).decode().rstrip("=")


def sqlite_url(path: Path) -> str:
    return f"{SQLITE}{path}"


def _people(filling: Filling, first: Account) -> Iterator[Row]:
    """Users like the first one, each with an id and an address of their own."""
    for number in range(filling.living + filling.expired):
        email = address(number + 1)
        user = msgspec.structs.replace(first.user, id=filling.owner(number, first), email=email)
        yield rows.account_row(msgspec.structs.replace(first, user=user, email_key=email))


def _session(session_id: str, user_id: str, now: float) -> Session:
    return Session(
        id=session_id,
        user_id=user_id,
        generation=0,
        rotated_at=now,
        retry_key=None,
        opened_at=now,
        expires_at=now + 7 * DAY,
        ends_at=now + 30 * DAY,
        ended_at=None,
        ended_because=None,
        auth_time=now,
        amr=("pwd",),
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ip="192.0.2.7",
    )


def _sessions(filling: Filling, account: Account, sample: list[Session]) -> Iterator[Row]:
    """Rows of the SESSION columns: the sample spread evenly among the others."""
    now = time.time()
    like = list(rows.session_row(_session("", "", now)))
    places = {column.strip(): at for at, column in enumerate(rows.SESSION.split(","))}
    expired = filling.expired
    others = filling.living + expired - len(sample)
    every = max(1, others // len(sample))
    left = iter(sample)
    for number in range(others):
        over = number * expired // others != (number + 1) * expired // others
        like[places["id"]] = name("session", number)
        like[places["user_id"]] = filling.owner(len(sample) + number, account)
        like[places["ends_at"]] = now - 3 * DAY if over else now + 30 * DAY
        like[places["expires_at"]] = now - 3 * DAY if over else now + 7 * DAY
        yield tuple(like)
        if number % every == 0 and (one := next(left, None)):
            yield rows.session_row(one)
    for one in left:
        yield rows.session_row(one)


def _digest(kind: str, number: int, size: int = 16) -> bytes:
    return hashlib.sha256(f"{kind} {number}".encode()).digest()[:size]


def _superuser(db: psycopg.Connection[Any]) -> bool:
    return db.execute("SHOW is_superuser").fetchone() == ("on",)
