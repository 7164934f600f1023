"""A tiny sign-in that is sound, and can be broken in the ways in which others are.

It keeps to the session law, so the races count nothing; each flaw is there to be seen by them.
"""

import asyncio
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import threading
import time
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from benchmarks.peers.calls import bearer, post
from benchmarks.peers.peer import Call, Peer, Tokens
from benchmarks.processes import Process

SECRET = b"of this system, and of no other"
GRACE = 10.0
HARSH = {"blacklist", "no grace"}
"""With one of these, who comes second is refused at once."""
TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS people (email TEXT PRIMARY KEY, password TEXT);
CREATE TABLE IF NOT EXISTS sessions
    (id TEXT PRIMARY KEY, email TEXT, generation INTEGER, rotated REAL, ended INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS spent (token TEXT PRIMARY KEY);
"""
Told = tuple[int, dict[str, str]]
OK: Told = (200, {})
REFUSED: Told = (401, {})


@dataclass
class Clock:
    ahead: float = 0.0

    def now(self):
        return time.monotonic() + self.ahead


@dataclass
class Flawed:
    """The server's side.

    Flaws:
        stateless: a refresh token is good until its end, whatever happens.
        blacklist: what is used up is on a list, which is looked at first and written to later.
        atomic: the list is looked at and written to in one step.
        no grace: whoever comes second is a thief.
        no rest: a successor may be exchanged at once.
        parent is fine: the parent of the newest token is taken for ever.
        exact: a token that is ahead of the database is a thief's.
        everywhere: reuse ends every session of the person.
        keeps others: a new password ends no session.
        forged ends: a token with a bad signature ends the session that it names.
        unsigned: no signature is looked at.
        busy: one answer in four is a 503, and nothing was done.
        clears: a refusal takes away what the client holds.
        no change: a change of password is answered 503, each time.
        stays in: a sign-out is refused.
        locks out: a sign-out closes the protected route to the person's other sessions.
    """

    database: sqlite3.Connection
    replica: sqlite3.Connection
    """From which the list is read; perhaps the database itself."""
    flaws: frozenset
    clock: Clock = field(default_factory=Clock)
    asked: int = 0
    locked: set = field(default_factory=set)
    """Whose access tokens open nothing any more."""

    async def answer(self, path, given, token):
        self.asked += 1
        if "busy" in self.flaws and self.asked % 4 == 0 and path != "/ahead":
            return 503, {}
        if path == "/password" and "no change" in self.flaws:
            return 503, {}
        if path == "/logout" and "stays in" in self.flaws:
            return REFUSED
        if not (route := getattr(self, path.strip("/"), None)):
            return 404, {}
        return await route(given, token)

    async def ahead(self, given, token):
        self.clock.ahead += given["seconds"]
        return OK

    async def register(self, given, token):
        self._write("INSERT INTO people VALUES (:email, :password)", given)
        return OK

    async def login(self, given, token):
        if not self._row(
            "SELECT 1 FROM people WHERE email = :email AND password = :password", given
        ):
            return REFUSED
        session = secrets.token_hex(8)
        row = {"id": session, "email": given["email"], "now": self.clock.now()}
        self._write("INSERT INTO sessions VALUES (:id, :email, 0, :now, 0)", row)
        return 200, {"token": _token(session, 0)}

    async def protected(self, given, token):
        session = self._session(token)
        lives = session and ("stateless" in self.flaws or not session["ended"])
        return OK if lives and session["email"] not in self.locked else REFUSED

    async def password(self, given, token):
        session = self._session(token) | given
        self._write("UPDATE people SET password = :new WHERE email = :email", session)
        if "keeps others" not in self.flaws:
            self._write("UPDATE sessions SET ended = 1 WHERE email = :email AND id != :id", session)
        return OK

    async def logout(self, given, token):
        if "locks out" in self.flaws:
            self.locked.add(self._session(token)["email"])
        if self._lists:
            self._spend(token)
        else:
            self._write("UPDATE sessions SET ended = 1 WHERE id = :id", self._session(token))
        return OK

    async def refresh(self, given, token):
        session = self._session(token)
        if "stateless" in self.flaws and session:
            return 200, {"token": token}
        if not session or session["ended"]:
            return REFUSED
        if self._lists:
            return await self._by_list(session, token)
        return self._by_law(session, _parts(token)[1])

    async def _by_list(self, session, token):
        if self.replica.execute("SELECT 1 FROM spent WHERE token = ?", (token,)).fetchone():
            return REFUSED
        if "atomic" not in self.flaws:
            await asyncio.sleep(0.05)  # for the second of two to look, too
        self._spend(token)
        return 200, {"token": _token(session["id"], secrets.randbits(60))}

    def _by_law(self, session, presented):
        generation = session["generation"]
        recent = self.clock.now() - session["rotated"] < GRACE and "no grace" not in self.flaws
        rests = recent and generation > 0 and "no rest" not in self.flaws
        ahead = generation < presented and "exact" not in self.flaws
        if ahead or (generation == presented and not rests):
            changed = session | {"next": presented + 1, "now": self.clock.now()}
            self._write(
                "UPDATE sessions SET generation = :next, rotated = :now WHERE id = :id", changed
            )
            return 200, {"token": _token(session["id"], presented + 1)}
        parent = generation == presented + 1 and (recent or "parent is fine" in self.flaws)
        if generation == presented or parent:
            return 200, {"token": _token(session["id"], generation)}
        column = "email" if "everywhere" in self.flaws else "id"
        self._write(f"UPDATE sessions SET ended = 1 WHERE {column} = :{column}", session)
        return REFUSED

    def _session(self, token):
        """Whose token it is, as a row; None where it is nobody's."""
        session, generation = _parts(token)
        if token != _token(session, generation) and "unsigned" not in self.flaws:
            if "forged ends" in self.flaws:
                self._write("UPDATE sessions SET ended = 1 WHERE id = ?", (session,))
            return None
        return self._row("SELECT * FROM sessions WHERE id = ?", (session,))

    @property
    def _lists(self):
        return "blacklist" in self.flaws

    def _spend(self, token):
        self._write("INSERT OR IGNORE INTO spent VALUES (?)", (token,))

    def _row(self, statement, values):
        row = self.database.execute(statement, values).fetchone()
        return dict(row) if row else None

    def _write(self, statement, values):
        self.database.execute(statement, values)


def _token(session, generation):
    signature = hmac.digest(SECRET, f"{session}.{generation}".encode(), hashlib.sha256).hex()
    return f"{session}.{generation}.{signature}"


def _parts(token):
    session, generation, _ = (token + "..").split(".")[:3]
    return session, int(generation) if generation.isdecimal() else -1


class Speech:
    """The client's side, which takes no retry key."""

    def __init__(self, *, clears):
        self._clears = clears

    def register(self, person):
        return post("/register", person._asdict())

    def sign_in(self, person):
        return post("/login", person._asdict())

    def hello(self):
        return Call("GET", "/hello")

    def protected(self, tokens):
        return post("/protected", {}, bearer(tokens.access))

    def refresh(self, tokens, retry_key=""):
        return post("/refresh", {}, bearer(tokens.refresh))

    def sign_out(self, tokens):
        return post("/logout", {}, bearer(tokens.refresh))

    def change_password(self, tokens, person, new):
        return post("/password", {"new": new}, bearer(tokens.access))

    def kept(self, answer, before):
        if answer.status == 401 and self._clears:
            return Tokens("", "")
        told = json.loads(answer.body).get("token") if answer.status == 200 else None
        return Tokens(told, told) if told else before


def flawed(*flaws):
    """Such a system, which runs in a thread of this process.

    Arguments:
        flaws: what is wrong with it, as `Flawed` lists them.
    """

    def start(home, purpose):
        return reading(home, home / "kept.db")

    @contextmanager
    def reading(home, replica):
        with closing(sqlite3.connect(home / "kept.db", isolation_level=None)) as database:
            database.row_factory = sqlite3.Row
            database.executescript(TABLES)
        with _serving(home / "kept.db", replica, frozenset(flaws)) as port:
            yield Process(port=port, pid=os.getpid(), home=home)

    return Peer(
        name="flawed",
        served="asyncio, in a thread",
        hashing="none",
        durability="none",
        speech=Speech(clears="clears" in flaws),
        start=start,
        versions=dict,
        grace=None if "stateless" in flaws else 0.0 if HARSH & set(flaws) else GRACE,
        database="kept.db",
        start_reading=reading if "blacklist" in flaws else None,
        ahead=lambda seconds: post("/ahead", {"seconds": seconds}),
    )


@contextmanager
def _serving(file, replica, flaws):
    opened: Future[int] = Future()
    stop: Future[None] = Future()

    async def serve():
        with (
            closing(sqlite3.connect(file, isolation_level=None)) as database,
            closing(sqlite3.connect(replica)) as reads,
        ):
            database.row_factory = sqlite3.Row
            speak = partial(_speak, Flawed(database, reads, flaws))
            async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
                opened.set_result(server.sockets[0].getsockname()[1])
                await asyncio.wrap_future(stop)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    yield opened.result(60)
    stop.set_result(None)
    thread.join(60)


async def _speak(system, reader, writer):
    with closing(writer), suppress(asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            fields = dict(each.split(": ", 1) for each in head[1:])
            given = await reader.readexactly(int(fields.get("Content-Length", 0)))
            token = fields.get("Authorization", "").removeprefix("Bearer ")
            path = head[0].split()[1]
            status, told = await system.answer(path, json.loads(given or b"{}"), token)
            body = json.dumps(told)
            writer.write(
                f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
