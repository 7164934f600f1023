"""The issuer's answers, as bad as a network can make them: each is bounded, and lets nobody in."""

import select
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest

from admit.errors import InvalidToken, Unavailable
from admit.verifier import issuer as issuer_module
from admit.verifier.instants import Clocks
from admit.verifier.issuer import LARGEST, Away, Issuer, address
from tests.certificates import self_signed
from tests.verifier.scripted import KEY, Overtaken, answering, page, scripted, verifier

FEED = "/auth/revocations"
JWKS = "/auth/.well-known/jwks.json"


@contextmanager
def asking(url, clocks=None):
    made = Issuer(url, clocks=clocks or Clocks())
    try:
        yield made
    finally:
        made.close()


def cut_off(handler):
    """What did come looks like a whole answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(page(cursor="1"))
    handler.close_connection = True


def hang_up(handler):
    handler.close_connection = True
    handler.connection.close()


def endless_headers(handler):
    handler.send_response(200)
    for number in range(200):
        handler.send_header(f"X-{number}", "x")
    handler.end_headers()


def deep(handler):
    answering(200, b'{"keys":[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}")(handler)


def chunked(raw):
    """An answer in these chunks."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        with suppress(OSError):  # it may be hung up before the end
            handler.wfile.write(raw)
        handler.close_connection = True

    return answer


BAD = {
    "huge": answering(200, b" " * (LARGEST + 1)),
    "not JSON": answering(200, b"nothing"),
    "HTML": answering(200, b"<html>Sign in to the network</html>", Content_Type="text/html"),
    "empty": answering(200, b""),
    "a list": answering(200, b"[]"),
    "null": answering(200, b"null"),
    "bad UTF-8": answering(200, b'{"revocations":[],"cursor":"\xff","more":false}'),
    "no cursor": answering(200, b'{"revocations":[],"more":false}'),
    "a cursor without end": answering(200, page(cursor="9" * 70_000)),
    "an unknown kind": answering(
        200,
        b'{"revocations":[{"kind":"client","subject":"x","reason":"revoked",'
        b'"until":"2030-01-01T00:00:00Z"}],"cursor":"1","more":false}',
    ),
    "a time without a zone": answering(
        200,
        b'{"revocations":[{"kind":"session","subject":"x","reason":"revoked",'
        b'"until":"2030-01-01T00:00:00"}],"cursor":"1","more":false}',
    ),
    "304 to what did not ask for it": answering(304),
    "204": answering(204),
    "a partial answer": answering(206, page(cursor="1")),
    "404": answering(404),
    "cut off": cut_off,
    "hung up": hang_up,
    "headers without end": endless_headers,
    "deep": deep,
    "a chunk of less than nothing": chunked(b"-5\r\n\r\n0\r\n\r\n"),
    "not HTTP": lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_lets_nobody_in_and_a_good_one_after_it_does(issuer, time, name):
    """For the feed as for the keys."""
    good = dict(issuer.answers)
    for path in good:
        issuer.answers |= good | {path: BAD[name]}
        with verifier(issuer.url, time.clocks) as made:
            with pytest.raises(Unavailable):
                made.verify(issuer.token())
            issuer.answers |= good
            time.passes(2)
            assert made.verify(issuer.token())


def test_an_answer_is_read_up_to_its_bound_and_no_further(issuer):
    """Also where it says nothing of its length, and where all that is read makes sense."""

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(page(cursor="1") + b" " * LARGEST)
        handler.close_connection = True

    for answer in (endless, answering(200, page(cursor="1") + b" " * LARGEST)):
        issuer.answers[FEED] = answer
        with asking(issuer.url) as asked, pytest.raises(Away, match=f"over {LARGEST} bytes"):
            asked.get("/revocations")


def test_what_is_received_is_bounded_whatever_a_chunk_says_of_itself(issuer, monkeypatch):
    """Python takes one of -1 bytes for all that there is."""
    received = []
    told = issuer_module._Dripping.readinto

    def counted(self, buffer):
        received.append(told(self, buffer))
        return received[-1]

    monkeypatch.setattr(issuer_module._Dripping, "readinto", counted)
    issuer.answers[FEED] = chunked(b"-1\r\n" + b" " * (8 * LARGEST))
    with asking(issuer.url) as asked, pytest.raises(Away):
        asked.get("/revocations")
    assert sum(received) <= 3 * LARGEST


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_key_stays_here(issuer, time, status):
    with scripted() as evil, verifier(issuer.url, time.clocks) as made:
        issuer.answers[FEED] = answering(status, Location=f"{evil.url}/revocations")
        with pytest.raises(Unavailable):
            made.verify(issuer.token())
        assert evil.asked == []


@pytest.mark.parametrize("silent_after", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n{"])
def test_an_answer_that_does_not_come_is_not_waited_for(monkeypatch, silent_after):
    """At the first byte, within the headers, within the body."""
    monkeypatch.setattr(issuer_module, "SECONDS", 0.2)
    with listening() as server, asking(url_of(server)) as asked:
        thread = answer_raw(server, lambda talk, over: (talk.sendall(silent_after), over.wait(60)))
        with thread, pytest.raises(Away, match=r"no answer \(TimeoutError"):
            asked.get("/x")


def test_a_handshake_that_does_not_come_is_not_waited_for(monkeypatch):
    """It takes the connection, and says nothing of who it is."""
    monkeypatch.setattr(issuer_module, "SECONDS", 0.2)
    with listening() as server, asking(url_of(server).replace("http:", "https:")) as asked:
        thread = answer_raw(server, lambda _, over: over.wait(30))
        with thread, pytest.raises(Away, match=r"no answer \(TimeoutError"):
            asked.get("/x")


def test_an_answer_that_drips_is_not_waited_for(monkeypatch):
    """Each byte comes in time, the whole does not."""
    monkeypatch.setattr(issuer_module, "SECONDS", 0.3)

    def drip(talk, over):
        while not over.wait(0.02):
            talk.sendall(b"X")

    for head in (
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
    ):

        def answer(talk, over, head=head):
            talk.sendall(head)
            drip(talk, over)

        with (
            listening() as server,
            asking(url_of(server)) as asked,
            answer_raw(server, answer),
            pytest.raises(Away, match="TimeoutError"),
        ):
            asked.get("/x")


@pytest.mark.parametrize(
    ("url", "port"), [("http://[::1]/auth", 80), ("https://[::1]", 443), ("https://[::1]:8", 8)]
)
def test_an_address_in_numbers_may_leave_out_its_port(monkeypatch, url, port):
    called = []

    def connect(where, *_, **__):
        called.append(where)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with asking(url) as asked, pytest.raises(Away):
        asked.get("/x")
    assert called == [("::1", port)]


@pytest.fixture
def silent(monkeypatch):
    """Addresses of `localhost` that lead nowhere, and the seconds that each was waited for."""
    addresses: list[str] = []
    waited: list[float] = []
    known, connect = socket.getaddrinfo, socket.socket.connect

    def found(host, port, *_, **__):
        if host != "localhost":
            return known(host, port, type=socket.SOCK_STREAM)
        every = [*addresses, "127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in every]

    def connecting(self, where):
        if where[0] not in addresses:
            return connect(self, where)
        waited.append(self.gettimeout())
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket.socket, "connect", connecting)
    monkeypatch.setattr(issuer_module, "SECONDS", 60.0)
    clock = SimpleNamespace(monotonic=lambda: sum(waited))
    monkeypatch.setattr(issuer_module, "time", clock)
    return SimpleNamespace(addresses=addresses, waited=waited)


@pytest.mark.parametrize("count", [1, 5])
def test_addresses_that_lead_nowhere_leave_time_for_the_one_that_answers(issuer, silent, count):
    """And many of them cost no more than one."""
    silent.addresses += [f"192.0.2.{number}" for number in range(count)]
    with asking(issuer.url.replace("127.0.0.1", "localhost")) as asked:
        assert asked.get("/revocations").body
    assert len(silent.waited) == count
    assert sum(silent.waited) < 60


def test_an_address_where_nobody_listens_is_away():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        with asking(url_of(server)) as asked, pytest.raises(Away, match="ConnectionRefused"):
            asked.get("/x")


def test_an_issuer_that_is_starting_is_waited_for_where_nobody_gets_in_without_it(
    issuer, time, monkeypatch
):
    """Where something is known, the request does not wait for more."""
    monkeypatch.setattr(issuer_module, "SECONDS", 0.05)
    monkeypatch.setattr(issuer_module, "PATIENT_SECONDS", 60.0)
    over = threading.Event()

    def slowly(handler):
        over.wait(0.3)
        answering(200, body[handler.path.partition("?")[0]])(handler)

    body = dict(issuer.answers)
    issuer.answers |= dict.fromkeys(body, slowly)
    with verifier(issuer.url, time.clocks) as made:
        first = made.verify(issuer.token())
        issuer.answers[FEED] = lambda _: over.wait(60)
        time.passes(5)
        assert made.verify(issuer.token()).user_id == first.user_id
        over.set()


def test_one_connection_serves_many_looks(issuer, time):
    with verifier(issuer.url, time.clocks) as made:
        for _ in range(10):
            made.verify(issuer.token())
            time.passes(0.5)
    assert issuer.looks() == 10
    assert issuer.connections == 1


def test_a_connection_that_died_is_replaced_and_nobody_notices(issuer, time):
    """The issuer closed it while the machine was frozen for less than is told apart."""
    closed = threading.Event()

    def last(handler):
        answering(200, page(cursor="1.00000000"))(handler)
        handler.close_connection = True
        closed.set()

    issuer.answers[FEED] = last
    with verifier(issuer.url, time.clocks, look=0.0) as made:
        for _ in range(3):
            assert made.verify(issuer.token())
            assert closed.wait(60)
            closed.clear()
    assert issuer.connections >= 3


def test_a_connection_that_lay_idle_is_not_used_again(issuer, time):
    """After a thaw it may lead nowhere, and the time-out would be the request's."""
    with verifier(issuer.url, time.clocks) as made:
        made.verify(issuer.token())
        time.passes(29)
        made.verify(issuer.token())
        assert issuer.connections == 1
        time.wall += 31
        made.verify(issuer.token())
        assert issuer.connections == 2


@pytest.mark.parametrize(
    "unasked",
    [
        b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
    ],
    ids=["a farewell", "another answer"],
)
def test_what_nobody_asked_for_answers_no_question(issuer, unasked):
    """What stands between says 408 to a connection that lay idle, before it closes it."""
    handlers = []

    def good(handler):
        handlers.append(handler)
        answering(200, b"{}")(handler)

    issuer.answers["/auth/x"] = good
    with asking(issuer.url) as asked:
        assert asked.get("/x").body == b"{}"
        handlers[0].wfile.write(unasked)
        assert select.select([asked._connection.sock], [], [], 60)[0]
        assert asked.get("/x").body == b"{}"
    assert issuer.connections == 2


def test_an_issuer_that_hangs_up_each_time_is_asked_twice_and_no_more(issuer, time):
    with verifier(issuer.url, time.clocks) as made:
        made.verify(issuer.token())
        issuer.answers[FEED] = hang_up
        time.passes(0.5)
        made.verify(issuer.token())
    assert issuer.looks() == 3


def test_no_proxy_of_the_environment_is_used(issuer, time, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with verifier(issuer.url, time.clocks) as made:
        assert made.verify(issuer.token())


def test_the_key_is_in_no_log_and_no_error(issuer, time, caplog):
    for status in (401, 500):
        issuer.answers[FEED] = answering(status)
        with verifier(issuer.url, time.clocks) as made:
            with pytest.raises(Unavailable) as refusal:
                made.verify(issuer.token())
            assert KEY not in repr(refusal.value)
    assert "The issuer's revocations can't be read" in caplog.text
    assert KEY not in caplog.text


def test_threads_ask_one_after_the_other(issuer, time):
    """Eight at once, by one verifier: one look, and everybody is let in."""
    with verifier(issuer.url, time.clocks) as made:
        wrong = []

        def verify(token):
            try:
                made.verify(token)
            except Exception as error:  # noqa: BLE001  whatever it is, it is wrong
                wrong.append(error)

        threads = [threading.Thread(target=verify, args=[issuer.token()]) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert wrong == []
    assert issuer.looks() == 1


@pytest.mark.parametrize(("path", "age", "turns"), [(FEED, 1, 1), (JWKS, 300, 2)])
def test_a_thread_whose_look_failed_is_let_in_where_a_later_one_succeeds(
    issuer, time, path, age, turns
):
    """What is newer than its own time is not too old."""
    token = issuer.token()
    with verifier(issuer.url, time.clocks) as made:

        def later():
            issuer.answers[path] = good
            time.passes(2)
            made.verify(token)

        made.verify(token)
        good = issuer.answers[path]
        issuer.answers[path] = answering(503)
        time.passes(age)
        Overtaken(made, later, turns=turns)
        assert made.verify(token)


def test_of_threads_with_an_unknown_key_one_looks_for_it(issuer, time):
    with verifier(issuer.url, time.clocks) as made:

        def unknown():
            time.passes(0.1)
            with pytest.raises(InvalidToken):
                made.verify(issuer.token(head={"kid": "x"}))

        made.verify(issuer.token())
        Overtaken(made, unknown, before=True)
        unknown()
    assert issuer.looks(JWKS) == 2


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/auth",
        "https://example.com:8443",
        "http://localhost:8000/auth/",
        "http://127.0.0.1/auth",
        "http://[::1]:8000",
    ],
)
def test_an_address_that_can_not_be_read_on_the_way_is_taken(text):
    assert address(text) == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "http://example.com/auth",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "https://user:password@example.com",
        "https://example.com/auth?x=1",
        "https://example.com/#x",
        "https://exa mple.com",
        "https://example.com/\r\nX: y",
        "https://example.com:port",
        "https://example.com:99999",
        "ftp://example.com",
        "file:///etc/passwd",
        "https:///auth",
        "https://example..com",
        "https://" + 64 * "a" + ".com",
    ],
)
def test_any_other_address_is_refused(text):
    with pytest.raises(ValueError, match="https://"):
        address(text)


def test_a_password_in_an_address_is_not_repeated():
    """A setting's error is logged."""
    for text in ("https://user:pa55@example.com", "https://user:pa55@example.com:port"):
        with pytest.raises(ValueError, match="an address") as refused:
            address(text)
        assert "pa55" not in str(refused.value)


def test_a_certificate_is_verified(tmp_path, monkeypatch):
    """One that nobody vouches for is refused, also where the name is right."""
    certificate = self_signed(tmp_path, "localhost")
    with tls(certificate) as port:
        url = f"https://localhost:{port}"
        with asking(url) as asked, pytest.raises(Away, match="CERTIFICATE_VERIFY_FAILED"):
            asked.get("/x")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with asking(url) as asked:
            assert asked.get("/x").body == b"{}"
        with asking(f"https://127.0.0.1:{port}") as asked, pytest.raises(Away, match="IP address"):
            asked.get("/x")


@contextmanager
def listening():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


def url_of(server):
    return f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def answer_raw(server, answer):
    """Have `answer` speak to whoever connects first; it is told when it is over."""
    over = threading.Event()

    def run():
        talk, _ = server.accept()
        with talk:
            talk.recv(65_536)
            with suppress(OSError):
                answer(talk, over)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def tls(certificate):
    """An issuer that speaks TLS with this certificate and answers `{}`; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    over = threading.Event()
    with listening() as server:
        server.settimeout(0.05)

        def serve():
            while not over.is_set():
                try:
                    talk, _ = server.accept()
                    talk.settimeout(60)
                    with talk, context.wrap_socket(talk, server_side=True) as secure:
                        secure.recv(65_536)
                        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                except OSError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join()
