"""Somebody answers in the place of DynamoDB: they get no request, and so no token and no key."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from botocore import exceptions as boto
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from admit.stores.dynamodb.signing import Credentials
from admit.stores.dynamodb.wire import Way, Wire
from tests.servers import PATIENCE


@pytest.fixture
def certificate(tmp_path):
    """A certificate for localhost that nobody but its maker vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    path = tmp_path / "impostor.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Speaker:
    """Answers one connection with this certificate, and remembers what it heard."""

    def __init__(self, certificate):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.heard: object = None
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()

    def _serve(self):
        accepted, _ = self._listening.accept()
        try:
            with self._context.wrap_socket(accepted, server_side=True) as spoken:
                heard = b""
                while not heard.endswith(b"{}"):
                    if not (part := spoken.recv(65_536)):
                        break
                    heard += part
                self.heard = heard
                spoken.sendall(ANSWER)
        except OSError as error:
            self.heard = error

    def done(self):
        self._serving.join(PATIENCE)
        self._listening.close()


def asking(port, host="localhost"):
    way = Way(
        region="eu-west-1",
        endpoint=f"https://{host}:{port}",
        emulated=False,
        connections=1,
        connect_seconds=PATIENCE,
        answer_seconds=PATIENCE,
    )
    return Wire(way, Credentials("key", "secret", "token"))


def test_a_certificate_that_no_authority_signed_ends_it_before_anything_is_said(certificate):
    speaker = Speaker(certificate)
    with pytest.raises(boto.EndpointConnectionError):
        asking(speaker.port).ask("get_item", {})
    speaker.done()
    assert isinstance(speaker.heard, OSError) or speaker.heard == b""


def test_a_certificate_for_another_name_does_too(certificate):
    speaker = Speaker(certificate)
    wire = asking(speaker.port, "127.0.0.1")
    assert wire._tls is not None
    wire._tls.load_verify_locations(certificate)
    with pytest.raises(boto.EndpointConnectionError):
        wire.ask("get_item", {})
    speaker.done()
    assert isinstance(speaker.heard, OSError) or speaker.heard == b""


def test_the_one_that_an_authority_signed_is_asked(certificate):
    speaker = Speaker(certificate)
    wire = asking(speaker.port)
    assert wire._tls is not None
    wire._tls.load_verify_locations(certificate)
    assert wire.ask("get_item", {}) == {}
    wire.close()
    speaker.done()
    assert isinstance(speaker.heard, bytes)
    assert b"x-amz-security-token: token" in speaker.heard
