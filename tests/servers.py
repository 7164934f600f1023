"""The real servers that tests need: started on a free port, in a directory of their own."""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.memory import PREFIX, memory

DEBIANS = Path("/usr/lib/postgresql")
"""Debian keeps PostgreSQL's programs here, a directory for each version, and not in the PATH."""

PATIENCE = 60
"""Seconds that nothing takes but what hangs."""


class KeptPort:
    """A port for a server that is yet to start, or comes back; a context that frees it at its end.

    A port that is merely free is given to the next who asks for one, and a server takes seconds to
    start. This one stays bound, without listening: who connects is refused until the server, which
    allows that as all do (SO_REUSEADDR), listens there as well.
    """

    def __init__(self):
        self._bound = socket.socket()
        self._bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._bound.bind(("127.0.0.1", 0))
        self.number = self._bound.getsockname()[1]

    def __enter__(self):
        return self.number

    def __exit__(self, *_):
        self.free()

    def free(self):
        self._bound.close()


def missing(what):
    """A suite without its server is skipped on a laptop, and fails where everything must run."""
    reason = f"{what} is not installed: `make test` installs it where apt-get may be used"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _programs():
    found = sorted(DEBIANS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    beside = shutil.which("initdb")
    return found[-1].parent if found else Path(beside).parent if beside else None


class PostgresServer:
    """PostgreSQL as it comes, on the loopback interface, with a role `app` that owns little.

    Arguments:
        place: where its data lies, in a directory of its own; on the disk where None.
    """

    _made: Path | None = None

    def __init__(self, place=None):
        self._programs = _programs() or missing("PostgreSQL")
        self._home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-postgres-", dir=place))
        self._databases = count()
        self._kept = KeptPort()
        self.port = self._kept.number
        # It refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(self._home, owner.pw_uid, owner.pw_gid)
        self._make()
        self.start()
        self.sql("CREATE ROLE app LOGIN")

    def _make(self):
        """A cluster as `initdb` makes it, which takes seconds: once, and then by copying that."""
        made = PostgresServer._made
        if made is None:
            self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C")
            kept = tempfile.mkdtemp(
                prefix=f"{PREFIX}{os.getpid()}-postgres-", dir=self._home.parent
            )
            atexit.register(shutil.rmtree, kept, ignore_errors=True)
            made = PostgresServer._made = Path(kept) / "data"
            subprocess.run(["cp", "-a", self._home / "data", made], check=True)
        else:
            subprocess.run(["cp", "-a", made, self._home / "data"], check=True)

    def program(self, name):
        """One of the programs that come with the server."""
        return str(self._programs / name)

    def url(self, database="postgres", user="app"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create(self):
        """The URL of a new, empty database, which the role `app` owns."""
        name = f"test_{next(self._databases)}"
        self.sql(f"CREATE DATABASE {name} OWNER app")
        return self.url(name)

    def sql(self, statement, database="postgres"):
        """What a superuser gets for a statement; None where it gives no rows."""
        url = self.url(database, "postgres")
        with psycopg.connect(url, autocommit=True) as db, db.execute(statement) as cursor:
            return cursor.fetchall() if cursor.description else None

    def start(self):
        options = (
            f"-p {self.port} -k {self._home} -c listen_addresses=127.0.0.1"
            " -c max_connections=200 -c shared_buffers=64MB"
        )
        log = str(self._home / "log")
        self._run("pg_ctl", "-w", "-t", "60", "-l", log, "-o", options, "start")

    def stop(self, mode="immediate"):
        """`immediate` is a crash; `fast` cuts every connection; `smart` waits for them."""
        self._run("pg_ctl", "-w", "-t", "60", "-m", mode, "stop")

    def close(self):
        with suppress(subprocess.CalledProcessError):  # a test may have stopped it
            self.stop()
        self._kept.free()
        shutil.rmtree(self._home, ignore_errors=True)

    def _run(self, program, *arguments):
        subprocess.run(
            [self._programs / program, "-D", self._home / "data", *arguments],
            user=self._user,
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )


class RedisServer:
    """Redis that keeps nothing on the disk, on the loopback interface."""

    def __init__(self):
        self._program = shutil.which("redis-server") or missing("redis-server")
        self._home = Path(tempfile.mkdtemp(prefix="admit-redis-"))
        self._kept = KeptPort()
        self.port = self._kept.number
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self._home, "save": ""}
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self.process = subprocess.Popen(
            [self._program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.01)

    def command(self, *words):
        """What Redis says to a command, as one line."""
        sent = b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"*%d\r\n" % len(words) + sent)
            return connection.recv(65_536).decode().strip()

    def stop(self):
        """It goes, with everything that it held."""
        self.process.kill()
        self.process.wait()

    def close(self):
        for signalled in (signal.SIGCONT, signal.SIGKILL):  # a test may have stopped it
            self.process.send_signal(signalled)
        self.process.wait()
        self._kept.free()
        shutil.rmtree(self._home, ignore_errors=True)

    def _answers(self):
        with suppress(OSError):
            return self.command("PING") == "+PONG"
        return False


@pytest.fixture
def kept_port():
    """The number of a port that nobody else is given, for a server that the test starts."""
    with KeptPort() as number:
        yield number


@pytest.fixture(scope="session")
def postgres():
    """One server for all the tests that leave it running."""
    server = PostgresServer(memory())
    yield server
    server.close()


@pytest.fixture
def own_postgres():
    """A server for a test that stops it."""
    server = PostgresServer(memory())
    yield server
    server.close()


@pytest.fixture
def database_url(postgres):
    """A new, empty database on the server that the tests share."""
    return postgres.create()


@pytest.fixture(params=["sqlite", "postgres"])
def either_store(request):
    """The store that a service is to have; None for its own."""
    if request.param == "sqlite":
        return None
    from admit.stores.postgres import PostgresStore

    return PostgresStore(request.getfixturevalue("database_url"))


@pytest.fixture
def patient_callers(monkeypatch):
    """However busy this machine is, nobody gives PostgreSQL up; it may give up by itself."""
    from admit.stores import patience
    from admit.stores.postgres import connections

    monkeypatch.setattr(connections, "WAIT_SECONDS", PATIENCE)
    monkeypatch.setitem(connections.PARAMETERS, "connect_timeout", PATIENCE)
    monkeypatch.setattr(patience, "SECONDS", PATIENCE)


@pytest.fixture
def patient_postgres(patient_callers, monkeypatch):
    """Nor does it give up, whether for a lock or for the length of a statement."""
    from admit.stores.postgres import connections

    session = connections.SESSION
    for limit in (connections.STATEMENT_MS, connections.LOCK_MS):
        session = session.replace(f"'{limit}'", f"'{PATIENCE * 1000}'")
    monkeypatch.setattr(connections, "SESSION", session)


@pytest.fixture
def patient_sqlite(monkeypatch):
    """However busy this machine is, nobody waits too long for another one's commit."""
    monkeypatch.setattr("admit.stores.patience.SECONDS", PATIENCE)


@pytest.fixture
def redis_server():
    """A server of the test's own, which it may stop and start."""
    server = RedisServer()
    yield server
    server.close()
