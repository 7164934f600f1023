"""A system that signs people in, as the benchmarks and the races see it: over HTTP alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.processes import Process

Purpose = Literal["speed", "races"]
"""For speed everything is as it should run in production. For the races a password's hash is as
cheap as the system allows, because thousands sign in and no hash is asked about."""
Feature = Literal["refresh", "rotation", "sign_out", "change_password", "reuse_detection"]


class Call(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Answer(NamedTuple):
    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in the order in which they came."""
    body: bytes


class Person(NamedTuple):
    email: str
    password: str


class Tokens(NamedTuple):
    """What a client holds of a session."""

    access: str
    refresh: str = ""
    """Empty where the system has none, and where an answer took it away."""


class Speech(Protocol):
    """How a system is spoken to: the adapter of a few lines."""

    def register(self, person: Person) -> Call: ...

    def sign_in(self, person: Person) -> Call: ...

    def hello(self) -> Call:
        """A route that asks nothing of anybody and answers a few bytes."""

    def protected(self, tokens: Tokens) -> Call:
        """A route that answers who asks, and nobody else."""

    def refresh(self, tokens: Tokens, retry_key: str = "") -> Call:
        """Ask for the next tokens.

        Arguments:
            tokens: what the client holds.
            retry_key: the same in each try of one exchange, for a system that takes one.
        """

    def sign_out(self, tokens: Tokens) -> Call: ...

    def change_password(self, tokens: Tokens, person: Person, new: str) -> Call: ...

    def kept(self, answer: Answer, before: Tokens) -> Tokens:
        """What a client holds after an answer to `sign_in`, `refresh` or `change_password`.

        Arguments:
            answer: of any status: a refusal may take a cookie away.
            before: what it held when the answer came.
        """


@dataclass(frozen=True, kw_only=True)
class Peer:
    name: str
    served: str
    """What runs it: "gunicorn, one process, 4 threads"."""
    hashing: str
    """Of passwords: "bcrypt, 10 rounds"."""
    durability: str
    """Of a refresh: what is where when the answer is sent."""
    speech: Speech
    start: Callable[[Path, Purpose], AbstractContextManager[Process]]
    """In a directory of its own, which exists: empty, or as an earlier start left it."""
    versions: Callable[[], dict[str, str]]
    """Of what is compared, as installed."""
    asks: str = ""
    """What is looked at for each request of the protected route, and where."""
    grace: float | None = None
    """For how many seconds a token that was exchanged is still taken; None without rotation."""
    lacks: Mapping[Feature, str] = field(default_factory=dict)
    """What it has none of, each with a sentence that says so."""
    missing: Callable[[], str] = lambda: ""
    """What it needs and is not installed here, as a sentence; empty where it can be started."""
    database: str = ""
    """The SQLite file it keeps everything in, below its directory; empty where there is none."""
    start_reading: Callable[[Path, Path], AbstractContextManager[Process]] | None = None
    """As `start` for the races, in its documented way of reading from a replica: the SQLite file
    that it is handed; None where it has no such way.
    """
    ahead: Callable[[float], Call] | None = None
    """Moves its clock on by so many seconds; None where time has to be waited for."""
    keys: str = ""
    """The path of its public keys, as a JWK Set; empty where it publishes none."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What has to be known to read what the races count, by the name of the scenario."""
