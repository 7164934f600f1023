"""`admit serve`: how it starts, what it answers, and how it stops.

What a `kill -9` costs, tests/attacks shows: nothing.
"""

import json
import os
import signal
import socket
import subprocess
import threading
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn import Config

from admit.cli.supervisor import Supervisor
from admit.cli.worker import how
from tests.workers import workers_of

from .conftest import ADA, COMMAND, PASSWORD, Server, no_settings, soon

pytestmark = pytest.mark.usefixtures("measured_processes")

SECRET = "a secret of thirty-two bytes and more that nobody knows"


@pytest.fixture(scope="module")
def server(directory):
    """One server for all tests that only ask; nothing of that is worth a line in its log."""
    server = Server("--port", "0", cwd=directory)
    yield server
    assert server.stop() == ("", -signal.SIGTERM)


def refused(*args, cwd=".", **environment):
    """What a server that can't start says; it must end by itself, with 1."""
    done = subprocess.run(
        [*COMMAND, "serve", *args],
        capture_output=True,
        text=True,
        check=False,
        env=no_settings() | environment,
        cwd=cwd,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_it_says_where_it_listens_what_it_stands_on_and_what_to_try(server):
    assert server.banner.startswith("Admit ")
    assert f"listens on http://127.0.0.1:{server.port}\n" in server.banner
    assert f"issuer  http://localhost:{server.port}/auth\n" in server.banner
    assert "store   SQLite at admit-data/admit.db\n" in server.banner
    assert "secret  admit-data/secret\n" in server.banner
    assert "WARNING" not in server.banner


def test_it_has_the_pages_and_says_where(server):
    assert f"pages   http://localhost:{server.port}/auth/sign-in\n" in server.banner
    answer = httpx.get(f"http://127.0.0.1:{server.port}/auth/sign-in")

    assert answer.status_code == 200
    assert "<h1>Sign in</h1>" in answer.text


def test_it_says_where_one_administers_and_as_who(serving):
    server = serving(environment={"ADMIT_ADMIN_ROLE": "keeper"})

    where = f"http://localhost:{server.port}/auth/admin"
    assert f"admin   {where}, for who has the role keeper\n" in server.banner


def test_the_pages_can_be_turned_off(serving):
    server = serving(environment={"ADMIT_PAGES": "off"})

    assert "sign-in" not in server.banner
    assert httpx.get(f"http://127.0.0.1:{server.port}/auth/sign-in").status_code == 404


def test_a_page_that_cannot_be_made_is_one_sentence(place):
    said = refused(ADMIT_PAGES_LOGO="missing.svg")

    assert said == (
        "Error: ADMIT_PAGES_LOGO (pages_logo) is 'missing.svg', which can't be read (No such file"
        " or directory): mend it or unset it.\n"
    )


def test_what_it_says_to_try_works(server):
    said = server.banner[server.banner.index("curl") :].replace("curl", "curl -sS --fail", 1)

    done = subprocess.run(["sh", "-c", said], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert '"email":"ada@example.com"' in done.stdout


def test_it_warns_loudly_and_never_shows_a_secret(serving):
    server = serving(
        *("--host", "0.0.0.0"),
        environment={"ADMIT_SECRET": SECRET, "ADMIT_THROTTLE": "off"},
    )

    assert "WARNING throttle=off: anybody may guess passwords without end." in server.banner
    assert "WARNING Other machines can reach 0.0.0.0" in server.banner
    assert "secret  ADMIT_SECRET\n" in server.banner
    assert SECRET not in server.banner + server.stop()[0]


def test_it_listens_on_ipv6_where_it_is_told_to(serving):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")

    server = serving("--host", "::1")

    assert server.address == f"http://[::1]:{server.port}"
    assert server.register()["email"] == ADA


def test_the_base_url_follows_the_port_unless_it_is_set(serving, place):
    assert "issuer  https://a.example/auth" in (
        serving(environment={"ADMIT_BASE_URL": "https://a.example"}).banner
    )
    (place / ".env").write_text("ADMIT_BASE_URL=http://localhost:1234\n")
    assert "issuer  http://localhost:1234/auth" in serving().banner


def test_a_taken_port_is_one_sentence(place):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("--port", str(port), cwd=place)

    assert said == (
        f"Error: Port {port} is in use: stop what listens there, or take another with --port.\n"
    )
    assert not list(place.iterdir())


def test_an_address_that_is_not_this_machine_s_is_one_sentence(place):
    said = refused("--host", "192.0.2.1", cwd=place)

    assert said.startswith("Error: Admit can't listen on 192.0.2.1, port 8000: ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"ADMIT_SECRET": "short"}, "ADMIT_SECRET"),
        ({"ADMIT_BASE_URL": "http://a.example"}, "ADMIT_BASE_URL"),
        ({"ADMIT_NOPE": "1"}, "ADMIT_NOPE"),
        ({"ADMIT_DATABASE_URL": "sqlite:////dev/null/admit.db"}, "ADMIT_DATABASE_URL"),
        ({"ADMIT_DATA_DIR": "/dev/null/data"}, "ADMIT_SECRET"),
    ],
)
def test_what_can_t_work_is_one_sentence_before_it_serves(place, environment, named):
    said = refused("--port", "0", cwd=place, **environment)

    assert said.startswith(f"Error: {named} ")
    assert len(said.splitlines()) == 1


def test_another_secret_than_the_keys_is_one_sentence(serving, place):
    serving().stop()

    said = refused("--port", "0", "--workers", "2", cwd=place, ADMIT_SECRET=SECRET)

    assert said.startswith("Error: ADMIT_SECRET (secret) does not open the signing key ")
    assert len(said.splitlines()) == 1


def test_ctrl_c_stops_it_quietly(serving):
    server = serving()
    server.register()

    assert server.stop(signal.SIGINT) == ("", 0)


def test_ctrl_c_before_it_serves_stops_it_quietly(serving):
    assert serving().stop(signal.SIGINT) == ("", 0)


def test_told_to_stop_it_answers_what_is_under_way(serving):
    server = serving()
    body = b'{"email": "ada@example.com", "password": "seven pale lanterns drift"}'
    head = (
        f"POST /auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")  # it waits for the body

        server.process.send_signal(signal.SIGTERM)
        soon(lambda: not listens(server.port))
        connection.sendall(body)

        assert connection.recv(4096).startswith(b"HTTP/1.1 201 ")
    assert server.process.wait(timeout=60) in {0, -signal.SIGTERM}


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except ConnectionRefusedError:
        return False
    return True


def sent(server, *pieces):
    """What the server answers to these bytes, until it closes the connection."""
    answered = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            while received := connection.recv(65_536):
                answered += received
        except ConnectionError:
            pass  # it has closed while more was on its way
    return answered


def memory(server):
    """The memory of the server, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


LINE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
HEADERS = b"x: " + b"a" * 1_000 + b"\r\n"


def test_headers_of_64_kib_are_answered_and_more_are_too_large(server):
    good = sent(server, LINE, HEADERS * 60, b"Connection: close\r\n\r\n")
    large = sent(server, LINE, HEADERS * 100, b"Connection: close\r\n\r\n")

    assert good.startswith(b"HTTP/1.1 200 ")
    assert large.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"too_large"' in large


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says how much it takes")
@pytest.mark.parametrize(
    "head", [LINE, LINE + b"x: ", b"GET /"], ids=["headers", "one header", "the request line"]
)
def test_a_head_that_comes_to_no_end_takes_no_memory(server, head):
    server.client.get("/openapi.json").raise_for_status()  # whatever is loaded late is loaded
    before = memory(server)
    endless = HEADERS * 1_000 if head == LINE else b"a" * 1_000_000

    sent(server, head, *[endless] * 50)

    assert memory(server) - before < 10_000_000
    assert server.client.get("/openapi.json").status_code == 200


def test_a_large_body_after_a_small_head_is_refused_by_the_routes(server):
    answered = server.client.post("/register", content=b'{"email":"' + b"a" * 1_000_000 + b'"}')

    assert answered.status_code in {413, 415}


def test_what_is_no_http_is_refused_and_not_logged(server):
    """That nothing is logged, the server's end shows."""
    assert sent(server, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    upgrade = b"Connection: close, upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert sent(server, LINE + upgrade).startswith(b"HTTP/1.1 ")


def test_it_names_no_server_and_believes_no_proxy(server, directory, answer, monkeypatch):
    server.register("proxied@example.com")
    forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}

    body = {"login": "proxied@example.com", "password": PASSWORD}
    response = server.client.post("/login", json=body, headers=forwarded)

    assert "server" not in response.headers
    monkeypatch.chdir(directory)
    (event,) = answer("events", "--kind", "signed_in")["events"]
    assert event["ip"] == "127.0.0.1"


@pytest.mark.parametrize("level", ["warning", "info"])
def test_it_logs_what_needs_attention_and_at_info_each_request(serving, level):
    # No leeway: this chain does not wait until a token has rested.
    server = serving("--log-level", level, environment={"ADMIT_LEEWAY": "0"})
    server.register()
    token = server.login()["refresh_token"]
    server.refresh(server.refresh(token).json()["refresh_token"])
    assert server.refresh(token).json()["reason"] == "reuse_detected"

    said, _ = server.stop()

    assert said.count("WARNING admit.sessions: refresh token reuse: session ") == 1
    assert said.count("INFO admit.http: POST /auth/refresh 200 in ") == (
        2 if level == "info" else 0
    )
    assert level == "info" or len(said.splitlines()) == 1


def test_workers_share_one_address_and_one_truth(serving):
    server = serving("--workers", "2")
    server.register()

    assert "limits  counted together by 2 workers\n" in server.banner
    assert "WARNING" not in server.banner
    signed_in = server.login()
    assert server.me(signed_in["access_token"]).status_code == 200
    issuer = json.loads(urlsafe_b64decode(signed_in["access_token"].split(".")[1] + "=="))["iss"]
    assert issuer == f"http://localhost:{server.port}/auth"

    def refused_by_all():  # whichever worker takes each of these connections
        tries = 8
        with httpx.Client(base_url=f"{server.address}/auth", timeout=30) as client:
            headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
            answers = [
                client.get("/me", headers=headers | {"Connection": "close"}).status_code
                for _ in range(tries)
            ]
        return answers == [401] * tries

    server.client.post("/logout", json={"refresh_token": signed_in["refresh_token"]})
    soon(refused_by_all)
    assert server.stop() == ("", 0)


def test_a_worker_that_can_t_start_ends_the_server_with_a_failure(serving, place):
    """Not with status 0, with which nobody would start it again."""
    server = serving("--workers", "2", "--log-level", "info")
    assert server.process.stderr is not None
    begun = (line for line in server.process.stderr if "Application startup complete" in line)
    assert next(begun)
    assert next(begun)
    living = workers_of(server.process.pid)
    (place / "admit-data" / "secret").write_text("quite another secret 0123456789 abcdefgh")

    os.kill(living[0], signal.SIGKILL)

    said = server.process.stderr.read()
    assert server.process.wait(60) == 1
    assert "does not open the signing key" in said
    assert "A worker could not start" in said


class Slow:
    """A worker that begins, and says so after twenty seconds."""

    pid, exitcode = 4711, None

    def is_alive(self, timeout):
        return timeout > 20


def test_a_worker_that_takes_long_to_begin_is_not_taken_for_hung():
    """Or a slow machine would kill each, and begin it anew, for ever."""
    supervisor = Supervisor.__new__(Supervisor)  # it handles no signals of ours
    supervisor.config = Config("", **how("warning", "text"))
    supervisor.should_exit = threading.Event()
    begun: list[Any] = [Slow(), Slow()]
    supervisor.processes = list(begun)

    supervisor.keep_subprocess_alive()

    assert supervisor.processes == begun
