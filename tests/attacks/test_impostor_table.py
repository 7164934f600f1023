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


def test_a_certificate_that_no_authority_signed_ends_it_before_anything_is_said(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    heard: list[object] = []

    def impostor(listening):
        accepted, _ = listening.accept()
        try:
            with context.wrap_socket(accepted, server_side=True) as spoken:
                heard.append(spoken.recv(65_536))
        except OSError as error:
            heard.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=impostor, args=(listening,), daemon=True)
        serving.start()
        way = Way(
            region="eu-west-1",
            endpoint=f"https://localhost:{listening.getsockname()[1]}",
            emulated=False,
            connections=1,
            connect_seconds=PATIENCE,
            answer_seconds=PATIENCE,
        )
        with pytest.raises(boto.EndpointConnectionError):
            Wire(way, Credentials("key", "secret", "token")).ask("get_item", {})
        serving.join(PATIENCE)
    (said,) = heard
    assert isinstance(said, ssl.SSLError) or said == b""
