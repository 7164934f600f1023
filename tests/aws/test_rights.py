"""What the template gives the function is what it needs: on an emulator, under those rights alone.

CloudFormation, as moto has it, makes the table. The function then runs with the settings and the
secret that the template gives it, and what stands before the emulator refuses whatever the role
does not allow.
"""

import contextlib
import http.client
import json
import threading
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import anyio
import botocore.session
import httpx
import pytest

from admit import Admit, readers
from admit.stores.dynamodb import schema
from admit.stores.dynamodb.store import ENDS_AT_ONCE
from admit.testing.http_caller import EMAIL, PASSWORD, Clock, Service
from tests.aws.carried import OnLambda, Transport
from tests.cheap import cheap
from tests.emulators import REGION
from tests.servers import PATIENCE

from .stack import CODE, of_type, translated, worked_out

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_dynamodb")]
KEY = "Vf2mQ8sLr4Xw7TzKd9HbJc3NyGp6RaEu5WqMx1BtFhDnZoSkYvUi0CgPlAjOeIr7"
IN_A_TRANSACTION = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
"""A transaction needs no right of its own, but those of what is in it."""


def needed(target, parameters):
    """The rights of IAM that a call needs, each with what it is needed for."""
    service, operation = target.split(".")
    if operation == "TransactWriteItems":
        several = [next(iter(each.items())) for each in parameters["TransactItems"]]
        return {
            (f"dynamodb:{IN_A_TRANSACTION[kind]}", action["TableName"]) for kind, action in several
        }
    if operation == "BatchGetItem":
        return {("dynamodb:BatchGetItem", table) for table in parameters["RequestItems"]}
    if service == "secretsmanager":
        return {(f"secretsmanager:{operation}", parameters["SecretId"])}
    index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
    return {(f"dynamodb:{operation}", parameters["TableName"] + index)}


class Role:
    """Stands before the emulator, lets through what the role allows, and remembers the rest."""

    def __init__(self, statements, emulator):
        self.allowed = set()
        for statement in statements:
            actions, named = statement["Action"], statement["Resource"]
            for action in actions if isinstance(actions, list) else [actions]:
                for each in named if isinstance(named, list) else [named]:
                    self.allowed.add((action, each))
        self.used = set()
        self.refused = set()
        self._emulator = urlsplit(emulator).netloc

    def answer(self, headers, body):
        """The status and the body with which AWS would answer."""
        wanted = needed(headers["X-Amz-Target"], json.loads(body))
        self.used |= wanted & self.allowed
        if beyond := wanted - self.allowed:
            self.refused |= beyond
            error = {"__type": "AccessDeniedException", "Message": f"not authorized: {beyond}"}
            return 400, json.dumps(error).encode()
        emulator = http.client.HTTPConnection(self._emulator, timeout=PATIENCE)
        with contextlib.closing(emulator):
            emulator.request("POST", "/", body, dict(headers))
            said = emulator.getresponse()
            return said.status, said.read()

    @contextmanager
    def assumed(self):
        """Where AWS is, for whoever has this role; for the length of a block."""
        role = self

        class Front(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, said = role.answer(self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
            serving = threading.Thread(target=server.serve_forever)
            serving.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                serving.join()


class Deployed:
    """The stack on the emulator: what moto can make of it, and what it can't, by the same rules."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        session = botocore.session.get_session()
        self.client = lambda name: session.create_client(
            name, region_name=REGION, endpoint_url=endpoint
        )
        self.template = translated()
        self.table = self._table()
        self.secret = self._secret()

    def _table(self):
        made = {
            "Parameters": self.template["Parameters"],
            "Conditions": self.template["Conditions"],
            "Resources": of_type(self.template, "AWS::DynamoDB::Table"),
        }
        formation = self.client("cloudformation")
        stack = formation.create_stack(
            StackName="admit",
            TemplateBody=json.dumps(made),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in CODE.items()
            ],
        )["StackId"]
        (resource,) = formation.list_stack_resources(StackName=stack)["StackResourceSummaries"]
        assert resource["ResourceStatus"] == "CREATE_COMPLETE"
        return resource["PhysicalResourceId"]

    def _secret(self):
        """Moto's CloudFormation makes no secrets: one is drawn as the template says."""
        wanted = self.template["Resources"]["Secret"]["Properties"]["GenerateSecretString"]
        secrets = self.client("secretsmanager")
        drawn = secrets.get_random_password(**wanted)["RandomPassword"]
        return secrets.create_secret(Name="admit", SecretString=drawn)["ARN"]

    def worked_out(self, value):
        """A value of the template, with the names that its resources got here."""
        made = {
            "AWS::Region": REGION,
            "Table": self.table,
            "Table.Arn": self.table,
            "Secret": self.secret,
        }
        return worked_out(self.template, value, made)

    def environment(self, at):
        made = self.template["Resources"]["SignIn"]["Properties"]["Environment"]["Variables"]
        known = self.worked_out(made)
        known["ADMIT_DATABASE_URL"] += f"&endpoint={at}"
        known["ADMIT_SECRET_SOURCE"] += f"?endpoint={at}"
        known["ADMIT_VERIFIER_KEYS"] = KEY
        return known

    def role(self):
        (policy,) = self.template["Resources"]["SignInRole"]["Properties"]["Policies"]
        of_aws = [
            each for each in policy["PolicyDocument"]["Statement"] if "logs:" not in str(each)
        ]
        return Role(self.worked_out(of_aws), self.endpoint)


@pytest.fixture
def deployed(moto_server, aws_credentials):
    stack = Deployed(moto_server.endpoint)
    yield stack
    # Deletion protection holds: it is taken away first, as a person would have to.
    database = stack.client("dynamodb")
    database.update_table(TableName=stack.table, DeletionProtectionEnabled=False)
    stack.client("cloudformation").delete_stack(StackName="admit")
    stack.client("secretsmanager").delete_secret(
        SecretId=stack.secret, ForceDeleteWithoutRecovery=True
    )


@asynccontextmanager
async def running(stack, at):
    """The function with the settings of the template, and nothing else set; AWS is there."""
    clock = Clock()
    settings = cheap(environ=stack.environment(at), dotenv=None)
    async with OnLambda(lambda: Admit(settings, clock=clock, watch=False)) as function:
        transport = Transport(function, "http")
        async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
            yield Service(client, function.auth, clock)


async def everything_that_people_do(service):
    """Every route, and both ends of each: who may, and who may not."""
    await service.register(username="mara")
    again = {"email": EMAIL, "password": PASSWORD}
    assert (await service.send("POST", "/register", json=again)).status_code == 409
    wrong = {"login": "mara", "password": "not the password at all"}
    assert (await service.send("POST", "/login", json=wrong)).status_code == 401
    for _ in range(ENDS_AT_ONCE + 1):  # more than end with one transaction
        await service.sign_in()
    stolen, other, third = [await service.sign_in() for _ in range(3)]
    fresh = (await service.refresh(stolen["refresh_token"])).json()
    assert await service.me(fresh["access_token"]) == 200
    service.clock.advance(service.settings.leeway)
    assert (await service.refresh(fresh["refresh_token"])).status_code == 200
    service.clock.advance(service.settings.leeway)
    thief = await service.refresh(stolen["refresh_token"])
    assert thief.json()["reason"] == "reuse_detected"
    service.clock.advance(1)
    assert await service.me(fresh["access_token"]) == 401
    listed = await service.send("GET", "/sessions", bearer=other["access_token"])
    assert len(listed.json()["sessions"]) == ENDS_AT_ONCE + 3
    told = await service.send("GET", "/me", bearer=third["access_token"])
    ended = told.json()["session"]["id"]
    delete = await service.send("DELETE", f"/sessions/{ended}", bearer=other["access_token"])
    assert delete.status_code == 204
    assert (await service.refresh(third["refresh_token"])).status_code == 401
    change = {"current_password": PASSWORD, "new_password": f"{PASSWORD} again"}
    changed = await service.send("POST", "/password", json=change, bearer=other["access_token"])
    assert changed.status_code == 204
    feed = await service.send("GET", "/revocations", bearer=KEY)
    assert len(feed.json()["revocations"]) >= 2
    out = {"refresh_token": other["refresh_token"]}
    assert (await service.send("POST", "/logout", json=out)).status_code == 204
    login = {"login": "mara", "password": f"{PASSWORD} again", "delivery": "body"}
    last = (await service.send("POST", "/login", json=login)).json()
    everywhere = await service.send("POST", "/logout/all", bearer=last["access_token"])
    assert everywhere.status_code == 204
    assert (await service.send_to_root("GET", "/readyz")).status_code == 200


async def test_the_role_allows_what_the_function_needs_and_no_more(deployed):
    """Each right is used, and nothing else is asked for but to look after the table."""
    role = deployed.role()
    with role.assumed() as at:
        async with running(deployed, at) as service:
            await everything_that_people_do(service)
            # A key that is due is made, and what a process missed is read in one go.
            service.clock.advance(service.settings.key_ttl)
            assert (await service.send("GET", "/.well-known/jwks.json")).status_code == 200
    assert role.allowed - role.used == set()
    assert {action for action, _ in role.refused} <= {
        "dynamodb:UpdateTimeToLive",
        "dynamodb:UpdateContinuousBackups",
    }


async def test_the_table_of_the_template_is_the_one_that_migrate_makes(deployed, dynamodb_url):
    async with Admit(cheap(database_url=dynamodb_url, secret=KEY, dotenv=None, environ={})):
        name = readers.table_place(dynamodb_url).table
    database = deployed.client("dynamodb")
    one, other = (
        database.describe_table(TableName=each)["Table"] for each in (deployed.table, name)
    )
    for what in ("AttributeDefinitions", "GlobalSecondaryIndexes", "KeySchema"):
        assert ordered(one[what]) == ordered(other[what]), what
    assert one["BillingModeSummary"]["BillingMode"] == other["BillingModeSummary"]["BillingMode"]
    # Moto's CloudFormation passes these over: they are compared as they are written.
    written = deployed.template["Resources"]["Table"]["Properties"]
    assert written["TimeToLiveSpecification"] == schema.TTL
    assert written["PointInTimeRecoverySpecification"] == schema.RECOVERY
    assert written.keys() - schema.TABLE.keys() == {
        "DeletionProtectionEnabled",
        "PointInTimeRecoverySpecification",
        "SSESpecification",
        "TimeToLiveSpecification",
    }


def ordered(several):
    return sorted(several, key=lambda each: json.dumps(each, sort_keys=True))


async def test_without_a_right_the_function_says_so_and_fails_closed(deployed):
    """A role that may not write the table signs nobody in."""
    role = deployed.role()
    role.allowed -= {each for each in role.allowed if each[0] == "dynamodb:UpdateItem"}
    with role.assumed() as at:
        async with running(deployed, at) as service:
            body = {"login": EMAIL, "password": PASSWORD}
            with anyio.fail_after(60):
                answer = await service.send("POST", "/login", json=body)
            assert answer.status_code == 503
    assert ("dynamodb:UpdateItem", deployed.table) in role.refused
