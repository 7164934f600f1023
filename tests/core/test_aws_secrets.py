"""The secret in Secrets Manager or the Parameter Store: read once, and told by nothing."""

import contextlib
import json
import logging
import os
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Thread

import botocore.session
import pytest

from admit import aws_secrets
from admit.cli.app import app as commands
from admit.engine import Engine
from admit.errors import SettingsError, Unavailable
from admit.settings import Settings

pytestmark = pytest.mark.anyio
SECRET = "what is kept elsewhere 0123456789 abcdef"
FORMER = "what was kept elsewhere 9876543210 fedcba"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "emulated", "AWS_SECRET_ACCESS_KEY": "emulated"}
NUMBERS = count()


@pytest.fixture
def emulator(moto_server):
    """The address of the emulator of AWS that the tests share."""
    return moto_server.endpoint


@pytest.fixture
def aws(emulator, botocores_descriptions, monkeypatch):
    """Keeps something there, and returns the source that names it."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Kept(emulator)


class Kept:
    """What is kept in the emulator."""

    def __init__(self, emulator):
        self._at = {"region_name": "eu-west-1", "endpoint_url": emulator}
        self.query = f"?region=eu-west-1&endpoint={emulator}"
        self.arn = ""

    def __call__(self, value, service="secretsmanager", kind="SecureString"):
        name = f"/admit/{next(NUMBERS)}"
        session = botocore.session.Session()
        with contextlib.closing(session.create_client(service, **self._at)) as client:
            if service == "ssm":
                client.put_parameter(Name=name, Value=value, Type=kind)
            elif isinstance(value, bytes):
                client.create_secret(Name=name, SecretBinary=value)
            else:
                self.arn = client.create_secret(Name=name, SecretString=value)["ARN"]
        return f"{service}:{name}{self.query}"


@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
async def test_a_kept_secret_is_the_secret(aws, service):
    assert await aws_secrets.fetch(aws(SECRET, service)) == (SECRET,)


@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
async def test_several_are_kept_with_commas_the_newest_first(aws, service):
    assert await aws_secrets.fetch(aws(f"{SECRET},{FORMER}", service)) == (SECRET, FORMER)


async def test_a_json_object_holds_it_as_the_console_makes_one(aws):
    kept = json.dumps({"secret": FORMER, "else": 1})
    assert await aws_secrets.fetch(aws(kept)) == (FORMER,)


async def test_an_arn_says_its_region_itself(aws, emulator):
    aws(FORMER)
    assert "eu-west-1" in aws.arn
    source = f"secretsmanager:{aws.arn}?endpoint={emulator}"
    assert await aws_secrets.fetch(source) == (FORMER,)


async def test_the_region_may_come_from_the_environment_as_lambda_sets_it(
    aws, emulator, monkeypatch
):
    source = aws(FORMER).partition("?")[0] + f"?endpoint={emulator}"
    with pytest.raises(SettingsError, match="no region"):
        await aws_secrets.fetch(source)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert await aws_secrets.fetch(source) == (FORMER,)


@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
async def test_one_that_is_not_there_is_said_so(aws, service):
    with pytest.raises(SettingsError, match="not there") as raised:
        await aws_secrets.fetch(f"{service}:/nobody/made/it{aws.query}")
    assert raised.value.setting == "secret_source"
    assert "/nobody/made/it" in str(raised.value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("too short", "at least 32 bytes"),
        ("a" * 64, "repeats itself"),
        (",", "a secret, or several"),
        (json.dumps({"password": FORMER}), 'under "secret"'),
        (json.dumps({"secret": {"secret": FORMER}}), 'under "secret"'),
        ('{"secret": "' + FORMER, 'under "secret"'),
        (b"\x00\x01" * 32, "bytes"),
    ],
)
async def test_a_value_that_is_no_secret_is_refused_and_not_repeated(aws, value, told):
    with pytest.raises(SettingsError, match=told) as raised:
        await aws_secrets.fetch(aws(value))
    assert FORMER not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_a_parameter_in_the_clear_is_warned_of(aws, caplog):
    source = aws(FORMER, "ssm", "String")
    with caplog.at_level(logging.DEBUG):
        assert await aws_secrets.fetch(source) == (FORMER,)
    assert "SecureString" in caplog.text


async def test_it_is_never_logged_and_never_shown(aws, caplog, tmp_path):
    with caplog.at_level(logging.DEBUG, "admit"), caplog.at_level(logging.INFO):
        async with elsewhere(aws(FORMER), tmp_path) as engine:
            assert FORMER not in repr(engine.settings)
            assert FORMER not in repr(vars(engine))
    assert FORMER not in caplog.text


def elsewhere(source, place, **given):
    return Engine(Settings(secret_source=source, data_dir=place, **given))


async def test_what_is_kept_there_is_the_same_secret_as_one_that_is_set(aws, tmp_path):
    """Keys open, and refresh tokens are read, whichever way it came; and no file is made."""
    given = Settings(secret=(SECRET,), data_dir=tmp_path)
    async with Engine(given) as one, elsewhere(aws(SECRET), tmp_path) as other:
        assert [key.kid for key in one.keys.state] == [key.kid for key in other.keys.state]
    assert not (tmp_path / "secret").exists()


async def test_it_is_read_once(aws, tmp_path, monkeypatch):
    reads, read = [], aws_secrets.fetch

    async def counted(source):
        reads.append(source)
        return await read(source)

    monkeypatch.setattr(aws_secrets, "fetch", counted)
    engine = elsewhere(aws(SECRET), tmp_path)
    assert reads == [], "nothing is read before it is started"
    for _ in range(2):
        async with engine:
            await engine.start()
    assert len(reads) == 1


async def test_before_it_is_known_no_token_is_called_forged(aws, tmp_path):
    source = aws(SECRET)
    async with elsewhere(source, tmp_path) as engine:
        token = engine.refresh_tokens
        assert token.read("a.b.c") is None
    with pytest.raises(Unavailable, match="not known yet"):
        elsewhere(source, tmp_path).refresh_tokens.read("a.b.c")


class Answering(ThreadingHTTPServer):
    """Answers as AWS would, where the emulator does not."""

    def __init__(self, code, status):
        super().__init__(("127.0.0.1", 0), Answers)
        self.code, self.status = code, status
        self.free = Event()
        self.free.set()


class Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        assert isinstance(self.server, Answering)
        self.rfile.read(int(self.headers["content-length"]))
        self.server.free.wait(60)
        body = json.dumps({"__type": self.server.code, "message": "no"}).encode()
        with contextlib.suppress(OSError):
            self.send_response(self.server.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def answering(aws):
    """Starts a service that answers so; `source` names what it is asked for."""
    servers = []

    def start(code, status=400):
        server = Answering(code, status)
        Thread(target=server.serve_forever).start()
        servers.append(server)
        return server

    yield start
    for each in servers:
        each.free.set()
        each.shutdown()
        each.server_close()


def asked_of(server, service="ssm"):
    endpoint = f"http://127.0.0.1:{server.server_port}"
    return f"{service}:/kept?region=eu-west-1&endpoint={endpoint}"


@pytest.mark.parametrize("code", sorted(aws_secrets.FORBIDDEN))
async def test_one_that_may_not_be_read_says_what_to_allow(answering, code):
    with pytest.raises(SettingsError, match="allow ssm:GetParameter") as raised:
        await aws_secrets.fetch(asked_of(answering(code)))
    assert code in str(raised.value)


async def test_one_that_is_about_to_be_deleted_is_not_given_out(answering):
    with pytest.raises(SettingsError, match="InvalidRequestException"):
        await aws_secrets.fetch(asked_of(answering("InvalidRequestException"), "secretsmanager"))


@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("InternalFailure", 500)]
)
async def test_aws_that_can_t_for_now_is_no_mistake_of_the_settings(answering, code, status):
    with pytest.raises(Unavailable, match="cannot be read"):
        await aws_secrets.fetch(asked_of(answering(code, status)))


async def test_an_answer_that_does_not_come_is_not_waited_for(answering, monkeypatch):
    monkeypatch.setattr(aws_secrets, "SECONDS", 0.2)
    server = answering("ThrottlingException")
    server.free.clear()
    with pytest.raises(Unavailable) as raised:
        await aws_secrets.fetch(asked_of(server))
    assert isinstance(raised.value.__cause__, TimeoutError)


async def test_aws_that_cannot_be_reached_is_unavailable(aws, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nowhere = f"ssm:/kept?region=eu-west-1&endpoint=http://127.0.0.1:{probe.getsockname()[1]}"
    engine = elsewhere(nowhere, tmp_path)
    with pytest.raises(Unavailable):
        await engine.start()
    assert not engine.ready


async def test_without_credentials_that_is_said(aws, monkeypatch):
    source = aws(SECRET)
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(SettingsError, match="no credentials"):
        await aws_secrets.fetch(source)


async def test_without_botocore_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "admit.aws_secrets", None)
    monkeypatch.delattr("admit.aws_secrets")
    with pytest.raises(SettingsError, match=r"pip install 'admit\[aws\]'"):
        await elsewhere("ssm:/kept", tmp_path).start()


@pytest.mark.parametrize(
    "source",
    [
        "vault:/kept",
        "ssm:",
        "ssm:/with space",
        "ssm:/kept?zone=1",
        "ssm:/kept?region=eu-west-1&region=eu-west-2",
        "ssm:/kept?region=Europe",
        "ssm:/kept?region",
        "ssm:/kept?endpoint=http://example.com",
        "/kept",
    ],
)
def test_a_source_that_names_nothing_stops_the_start(source):
    with pytest.raises(SettingsError) as raised:
        Settings(secret_source=source)
    assert raised.value.setting == "secret_source"


def test_an_arn_without_a_region_leaves_it_to_the_environment():
    from admit.readers import secret_place

    assert secret_place("ssm:arn:aws").region is None
    assert secret_place("secretsmanager:arn:aws-us-gov:secretsmanager:us-gov-west-1:1:secret:a")[
        2
    ] == ("us-gov-west-1")
    assert secret_place("ssm:arn:aws:ssm:eu-west-1:1:parameter/a?region=us-east-1")[2] == (
        "us-east-1"
    )


def test_a_secret_and_a_source_are_not_both_taken():
    with pytest.raises(SettingsError, match="ADMIT_SECRET_SOURCE") as raised:
        Settings(secret=(SECRET,), secret_source="ssm:/kept")
    assert "ADMIT_SECRET (secret)" in str(raised.value)


def test_with_dynamodb_no_secret_is_made_up(tmp_path):
    """Each instance would make another one, on a disk that goes with it."""
    url = "dynamodb://admit?region=eu-west-1"
    with pytest.raises(SettingsError, match="ADMIT_SECRET_SOURCE"):
        Settings(database_url=url, data_dir=tmp_path)
    assert Settings(database_url=url, secret=(SECRET,)).secret
    assert Settings(database_url=url, secret_source="ssm:/kept").secret_source


async def test_a_server_answers_503_until_it_can_be_read(aws, answering, tmp_path):
    """And it is read again by the next request; nothing of it is told."""
    import httpx

    from admit import Admit

    source = asked_of(answering("ThrottlingException"))
    auth = Admit(Settings(secret_source=source, data_dir=tmp_path))
    transport = httpx.ASGITransport(auth.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        assert "/kept" not in answer.text
    await auth.close()


def test_commands_know_it_too(aws, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    def run(*args, stdin=None):
        return CliRunner().invoke(commands, [*args], input=stdin)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADMIT_SECRET_SOURCE", aws(SECRET))
    made = run("user", "add", "ada@example.com", stdin="seven pale lanterns drift")
    assert made.exit_code == 0, made.output
    assert not (tmp_path / "admit-data" / "secret").exists()
    listed = run("user", "list")
    assert "ada@example.com" in listed.stdout
    checks = {each["check"]: each for each in json.loads(run("doctor", "--json").stdout)["checks"]}
    assert checks["secret"]["state"] == "ok"
    assert "may read it" in checks["secret"]["says"]
    assert SECRET not in str(checks)

    monkeypatch.setenv("ADMIT_SECRET_SOURCE", f"ssm:/nobody/made/it{aws.query}")
    assert "not there" in run("user", "list").output
    checks = {each["check"]: each for each in json.loads(run("doctor", "--json").stdout)["checks"]}
    assert checks["secret"]["state"] == "fail"
