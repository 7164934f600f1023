"""DynamoDB's own protocol: signed as botocore signs, and telling what botocore would tell."""

import socket
import ssl
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime
from itertools import count

import botocore.auth
import pytest
from botocore import exceptions as boto
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from admit.stores.dynamodb import wire
from admit.stores.dynamodb.signing import Credentials, in_environment, signed
from admit.stores.dynamodb.wire import Botocore, Way, Wire, client
from desk import table as emulator
from tests.servers import PATIENCE

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG"}
FUNCTION = {**KEYS, "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", "AWS_SESSION_TOKEN": "lent"}
NOW = datetime(2026, 11, 26, 5, 4, 3, tzinfo=UTC)
TABLE = {
    "TableName": "bytes",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def way(endpoint=None, region="eu-west-1", **kept):
    given = {"connections": 4, "connect_seconds": PATIENCE, "answer_seconds": PATIENCE} | kept
    return Way(region=region, endpoint=endpoint, **given)


@pytest.fixture(scope="module")
def endpoint():
    """An emulator of DynamoDB."""
    server = emulator.server()
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


_tables = count()


@pytest.fixture
def name(endpoint):
    """A table of its own."""
    name = f"wire-{next(_tables)}"
    made = Wire(way(endpoint), Credentials("a", "b"))
    made.ask("create_table", {**TABLE, "TableName": name})
    made.close()
    return name


@pytest.fixture(params=["ours", "botocore"])
def both(request, endpoint, monkeypatch):
    """Either client of the emulator."""
    for variable, value in KEYS.items():
        monkeypatch.setenv(variable, value)
    ours = request.param == "ours"
    made = Wire(way(endpoint), Credentials("a", "b")) if ours else Botocore(way(endpoint))
    yield made
    made.close()


@settings(deadline=None)
@given(
    body=st.binary(max_size=200),
    target=st.text("abcdefghijklmnopqrstuvwxyzABC._0123456789 ", min_size=1, max_size=60),
    token=st.none() | st.text("abcdefABCDEF0123456789+/=", min_size=1, max_size=300),
    region=st.sampled_from(["eu-west-1", "us-gov-east-1", "ap-southeast-7"]),
)
def test_a_request_is_signed_as_botocore_signs_it(body, target, token, region):
    headers = {"host": "dynamodb.eu-west-1.amazonaws.com", "x-amz-target": target.strip() or "x"}
    theirs = AWSRequest("POST", "https://dynamodb.eu-west-1.amazonaws.com/", headers, body)
    auth = botocore.auth.SigV4Auth(
        TheirCredentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], token),
        "dynamodb",
        region,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: NOW)
        auth.add_auth(theirs)
    key_id, secret = KEYS.values()
    ours = signed(body, headers, Credentials(key_id, secret, token), region=region, at=NOW)
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours == {key.lower(): value for key, value in theirs.headers.items()}


def test_credentials_print_none_of_their_secrets():
    shown = f"{in_environment(FUNCTION)!r} {in_environment(FUNCTION)}"
    assert "AKIDEXAMPLE" in shown
    assert "wJalr" not in shown
    assert "lent" not in shown


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "ap-southeast-7"])
def test_in_an_ordinary_function_it_is_ours(region):
    made = client(way(region=region), FUNCTION)
    assert isinstance(made, Wire)
    assert made._endpoint == f"https://dynamodb.{region}.amazonaws.com"
    assert made._tls is not None
    assert made._tls.verify_mode is ssl.CERT_REQUIRED
    assert made._tls.check_hostname


@pytest.mark.parametrize(
    "different",
    [
        {"AWS_LAMBDA_RUNTIME_API": None},
        {"AWS_ACCESS_KEY_ID": None},
        {"AWS_SECRET_ACCESS_KEY": ""},
        *({variable: "x"} for variable in wire.CHANGES_THE_WAY),
    ],
    ids=lambda different: next(iter(different)),
)
def test_wherever_anything_else_is_wanted_it_is_botocores(different):
    environ = {key: value for key, value in (FUNCTION | different).items() if value is not None}
    assert isinstance(client(way(), environ), Botocore)


@pytest.mark.parametrize("region", ["cn-north-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-1"])
def test_the_domains_of_other_partitions_are_botocores_to_know(region):
    made = client(way(region=region), FUNCTION)
    assert isinstance(made, Botocore)


def test_an_item_comes_back_as_it_was_put(both, name):
    item = {
        "pk": {"S": "grün\u2028"},
        "B": {"B": bytes(range(256))},
        "s": {"S": "B"},
        "n": {"N": "9007199254740993"},
        "l": {"L": [{"B": b""}, {"BOOL": True}, {"NULL": True}]},
        "m": {"M": {"B": {"M": {"B": {"S": "text"}}}}},
        "ss": {"SS": ["a", "b"]},
    }
    both.ask("put_item", {"TableName": name, "Item": item})
    key = {"TableName": name, "Key": {"pk": item["pk"]}, "ConsistentRead": True}
    assert both.ask("get_item", key)["Item"] == item
    missing = {**key, "Key": {"pk": {"S": "nobody"}}}
    assert "Item" not in both.ask("get_item", missing)


def test_a_condition_that_fails_shows_what_stands_there(both, name):
    item = {"pk": {"S": "a"}, "b": {"B": b"\x00\xff"}}
    put = {"TableName": name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    both.ask("put_item", put)
    put["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    with pytest.raises(boto.ClientError) as raised:
        both.ask("put_item", put)
    response = raised.value.response
    assert response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Item"] == item


def test_a_transaction_that_is_cancelled_says_why(both, name):
    action = {
        "TableName": name,
        "Item": {"pk": {"S": "a"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
    other = {"TableName": name, "Item": {"pk": {"S": "b"}}}
    with pytest.raises(boto.ClientError) as raised:
        both.ask("transact_write_items", {"TransactItems": [{"Put": action}, {"Put": other}]})
    response = raised.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    codes = [each["Code"] for each in response["CancellationReasons"]]
    assert codes == ["ConditionalCheckFailed", "None"]


def test_a_table_that_is_not_there_is_told_by_its_code(both):
    with pytest.raises(boto.ClientError) as raised:
        both.ask("get_item", {"TableName": "nowhere", "Key": {"pk": {"S": "a"}}})
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


HELD = b"held"


class Peer:
    """A server of one's own making: answers each connection with the next of these bytes.

    None hangs up at once; `...` never answers; HELD leaves it open and reads no more.
    """

    def __init__(self, *answers):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._answers = answers
        self.connections = 0
        self.requests = []
        self._held = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def _serve(self):
        for answers in self._answers:
            accepted, _ = self._listening.accept()
            self.connections += 1
            for answer in answers:
                if answer is HELD:
                    self._held.append(accepted)
                    break
                received = b""
                while b"\r\n\r\n" not in received or not received.endswith(b"}"):
                    received += accepted.recv(65_536)
                self.requests.append(received)
                if answer is ...:
                    self._held.append(accepted)
                    break
                if answer is None:
                    break
                accepted.sendall(answer)
            if accepted not in self._held:
                accepted.close()

    def close(self):
        self._thread.join()
        for each in (*self._held, self._listening):
            each.close()


def http(body=b"{}", status="200 OK", *more):
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(head).encode() + body


def wired(peer, **kept):
    return Wire(way(peer.endpoint, **kept), Credentials("a", "b", "lent"))


def test_one_connection_serves_until_the_other_side_ends_it():
    peer = Peer([http(), http()], [http()])
    asking = wired(peer)
    for _ in range(2):
        asking.ask("get_item", {})
    (_, kept) = asking._idle[0]
    until = time.monotonic() + PATIENCE
    while not wire._readable(kept) and time.monotonic() < until:
        time.sleep(0.01)  # until the other side's end has come
    asking.ask("get_item", {})
    assert peer.connections == 2
    asking.close()
    peer.close()


def test_a_connection_that_lay_idle_while_the_function_was_frozen_is_not_trusted(monkeypatch):
    peer = Peer([http(), http(), HELD], [http()])
    asking = wired(peer)
    clock = [1_000.0]
    monkeypatch.setattr("time.time", lambda: clock[0])
    asking.ask("get_item", {})
    clock[0] += wire.IDLE_SECONDS - 1
    asking.ask("get_item", {})
    assert peer.connections == 1
    clock[0] += wire.IDLE_SECONDS
    asking.ask("get_item", {})
    assert peer.connections == 2
    asking.close()
    peer.close()


def test_an_answer_that_ends_its_connection_is_not_kept():
    peer = Peer([http(b"{}", "200 OK", "Connection: close")], [http()])
    asking = wired(peer)
    asking.ask("get_item", {})
    assert not asking._idle
    asking.ask("get_item", {})
    asking.close()
    peer.close()


def test_nobody_there_is_told_apart_from_an_answer_that_was_lost():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(boto.EndpointConnectionError):
        Wire(way(f"http://127.0.0.1:{port}"), Credentials("a", "b")).ask("get_item", {})
    peer = Peer([None])
    with pytest.raises(boto.ConnectionClosedError):
        wired(peer).ask("update_item", {})
    peer.close()


def test_an_answer_that_does_not_come_is_a_time_out():
    peer = Peer([...])
    with pytest.raises(boto.ReadTimeoutError):
        wired(peer, answer_seconds=0.05).ask("update_item", {})
    peer.close()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"__type":"com.amazon.coral.availability#ThrottlingException"}', "ThrottlingException"),
        (b'{"__type":"InternalServerError","Message":"again"}', "InternalServerError"),
        (b"<html>in between</html>", "503"),
        (b"[]", "503"),
    ],
)
def test_a_refusal_has_its_code_and_its_status(body, code):
    peer = Peer([http(body, "503 Out")])
    asking = wired(peer)
    with pytest.raises(boto.ClientError) as raised:
        asking.ask("update_item", {})
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert raised.value.operation_name == "UpdateItem"
    asking.close()
    peer.close()


def test_what_is_sent_says_what_is_asked_and_has_the_token_but_no_secret():
    peer = Peer([http()])
    asking = Wire(way(peer.endpoint), Credentials("AKID", "the-secret", "the-token"))
    asking.ask("update_time_to_live", {"TableName": "t", "Key": {"pk": {"B": b"\xfe"}}})
    asking.close()
    peer.close()
    (request,) = peer.requests
    assert b"x-amz-target: DynamoDB_20120810.UpdateTimeToLive\r\n" in request
    assert b"x-amz-security-token: the-token\r\n" in request
    assert b"the-secret" not in request
    assert b64encode(b"\xfe") in request


def test_an_answer_cut_short_is_a_lost_one():
    peer = Peer([http(b"{}").replace(b"Content-Length: 2", b"Content-Length: 9")])
    with pytest.raises(boto.ConnectionClosedError):
        wired(peer).ask("update_item", {})
    peer.close()
