"""deploy/aws/template.yaml: what can be known of it without AWS."""

import copy
import itertools
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from admit.aws.authorizing import settings as authorizing
from admit.settings import Settings
from admit.telemetry.logs import FORMS
from admit.verifier import issuer

from .filters import matches
from .stack import (
    CODE,
    DEPLOY,
    DOMAIN,
    EVERYTHING,
    GUARDED,
    TEMPLATE,
    of_type,
    read,
    translated,
    worked_out,
)

CFN_LINT = Path(sys.executable).with_name("cfn-lint")
FUNCTIONS = {"SignIn": "admit.aws.handler", "Guard": "admit.aws.authorizer"}
LINT_SECONDS = 300
KEY = "Vf2mQ8sLr4Xw7TzKd9HbJc3NyGp6RaEu5WqMx1BtFhDnZoSkYvUi0CgPlAjOeIr7"
OLD_KEY = "zR5tY8uIoP2aSdFgH1jKlM4nBvC7xQwE9rTyU3iO6pAsDfGhJ0kLzXcVbNmQ2wEr"
KEY_STEPS = ("none", "accepting", "using", "none")
"""How a new key of the authorizer is brought in: a deployment each."""
BY_HAND = {"POST /auth/login", "POST /auth/register", "POST /auth/password"}
"""What hashes a password has a limit of its own."""


def lint(paths):
    """What cfn-lint finds in each; it takes seconds to start, and is kept from the network."""
    done = subprocess.run(
        [
            *(CFN_LINT, "--format", "json", "--non-zero-exit-code", "none"),
            *("--template", *paths),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=LINT_SECONDS,
        env=os.environ | dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:1"),
    )
    found: dict[Path, list[str]] = {path: [] for path in paths}
    for each in json.loads(done.stdout or "[]"):
        found[Path(each["Filename"])].append(f"{each['Rule']['Id']} {each['Message']}")
    return found


@pytest.fixture(scope="module")
def template():
    return translated()


def properties(template, name):
    return template["Resources"][name]["Properties"]


def environment(template, function, **parameters):
    """The variables that the function is given, with what only AWS knows made up."""
    given = properties(template, function)["Environment"]["Variables"]
    known = worked_out(template, given, **parameters)
    return {name: _resolved(each) for name, each in known.items()}


def _resolved(text):
    """With the keys that Secrets Manager would have, the one before the last change too."""
    text = re.sub(r"\{\{resolve:[^}]*:AWSPREVIOUS\}\}", OLD_KEY, text)
    return re.sub(r"\{\{resolve:[^}]*\}\}", KEY, text)


# --- What the tools say ----------------------------------------------------------------------


def misspelt(template):
    properties(template, "Table")["BilingMode"] = "PAY_PER_REQUEST"


def undeclared(template):
    properties(template, "Table")["KeySchema"][0]["AttributeName"] = "partition"


def dangling(template):
    properties(template, "Stage")["ApiId"] = {"Ref": "Apy"}


def too_old(template):
    template["Globals"]["Function"]["Runtime"] = "python3.7"


FAULTS = (misspelt, undeclared, dangling, too_old)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A file of a template that was made of another, by the name of what it was made by."""
    directory = tmp_path_factory.mktemp("made")
    known = {"AuthorizerFunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:a:live"}
    templates = {
        TEMPLATE.stem: translated(read(), **CODE),
        GUARDED.stem: translated(read(GUARDED), **known),
    }
    for fault in FAULTS:
        template = templates[fault.__name__] = read()
        fault(template)
    for name, template in templates.items():
        (directory / f"{name}.json").write_text(json.dumps(template))
    return {name: directory / f"{name}.json" for name in templates}


@pytest.fixture(scope="module")
def linted(made):
    """What cfn-lint finds in each file."""
    return lint([TEMPLATE, GUARDED, *made.values()])


@pytest.mark.parametrize("path", [TEMPLATE, GUARDED], ids=lambda path: path.stem)
def test_cfn_lint_finds_nothing(path, linted):
    assert linted[path] == []


@pytest.mark.parametrize("path", [TEMPLATE, GUARDED], ids=lambda path: path.stem)
def test_cfn_lint_finds_nothing_in_what_sam_makes_of_it(path, made, linted):
    # W2001: SAM has put the values in, so the parameters are used no more.
    assert [each for each in linted[made[path.stem]] if not each.startswith("W2001 ")] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_cfn_lint_sees_a_fault(fault, made, linted):
    """It would see none in a file that it did not read."""
    assert linted[made[fault.__name__]]


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_yaml_that_cloudformation_does_not_read(path):
    """It takes neither anchors nor merges."""
    with path.open(encoding="utf-8") as file:
        kinds = {type(token) for token in yaml.scan(file)}
    assert not kinds & {yaml.AliasToken, yaml.AnchorToken}
    assert path.stat().st_size < 51_200, "more than CloudFormation takes without a bucket"


# --- What is called --------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_is_a_published_version_with_snapstart(template, function):
    made = properties(template, function)
    assert made["Handler"] == FUNCTIONS[function]
    assert made["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    # What SnapStart does not go with.
    assert not made.keys() & {"FileSystemConfigs", "EphemeralStorage", "PackageType"}
    alias = properties(template, f"{function}Aliaslive")
    assert "ProvisionedConcurrencyConfig" not in alias
    version, attribute = alias["FunctionVersion"]["Fn::GetAtt"]
    assert attribute == "Version"
    assert template["Resources"][version]["Type"] == "AWS::Lambda::Version"
    assert properties(template, version)["FunctionName"] == {"Ref": function}


def test_nothing_calls_what_is_not_published(template):
    """Not `$LATEST`, which SnapStart does not know: whatever is called is called by its alias."""
    callers = {
        **of_type(template, "AWS::ApiGatewayV2::Integration"),
        **of_type(template, "AWS::ApiGatewayV2::Authorizer"),
        **of_type(template, "AWS::Lambda::Permission"),
    }
    assert len(callers) == 4
    for name, resource in callers.items():
        text = json.dumps(resource)
        assert re.search(r'"Ref": "(SignIn|Guard)Aliaslive"', text), name
        assert not re.search(r'"(SignIn|Guard)"|\$LATEST|(SignIn|Guard)\.Arn', text), name
    outputs = template["Outputs"]
    assert outputs["AuthorizerFunctionArn"]["Value"] == {"Ref": "GuardAliaslive"}


def parameters_of(template, value):
    """The parameters on which this value rests, also through conditions."""
    if isinstance(value, list):
        return set().union(*(parameters_of(template, each) for each in value))
    if not isinstance(value, dict):
        return set()
    found = set()
    for name, part in value.items():
        if name == "Ref":
            found |= {part} & template["Parameters"].keys()
        elif name == "Fn::Sub" and isinstance(part, str):
            found |= set(re.findall(r"\$\{(\w+)\}", part)) & template["Parameters"].keys()
        elif name in {"Fn::If", "Condition"}:
            condition = part[0] if name == "Fn::If" else part
            found |= parameters_of(template, template["Conditions"][condition])
        found |= parameters_of(template, part)
    return found


def of_a_version(template, function):
    """What of a function a version keeps, but for the code."""
    return {
        name: value
        for name, value in properties(template, function).items()
        if name not in {"ReservedConcurrentExecutions", "LoggingConfig", "Code"}
    }


def version_of(template, function):
    (version,) = (
        each["Properties"]
        for each in of_type(template, "AWS::Lambda::Version").values()
        if each["Properties"]["FunctionName"] == {"Ref": function}
    )
    return version


@pytest.mark.parametrize("function", FUNCTIONS)
def test_other_settings_make_another_version(template, function):
    """The alias would go on with the old settings: each value is told to CloudFormation."""
    version = version_of(template, function)
    rests_on = parameters_of(template, of_a_version(template, function))
    assert {"Architecture", "DomainName", "Runtime", "SecretsGeneration"} <= rests_on
    assert rests_on - parameters_of(template, version["Description"]) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_version_is_asked_for_of_a_function_that_did_not_change(template, function):
    """Lambda publishes none, and the deployment fails: "A version for this function exists"."""
    described, kept = version_of(template, function), of_a_version(template, function)
    for before, after in itertools.pairwise(KEY_STEPS):
        steps = [{"VerifierKeyChange": step} for step in (before, after)]
        one, other = (worked_out(template, described, **step) for step in steps)
        assert one != other, "the step reaches the alias"
        one, other = (worked_out(template, kept, **step) for step in steps)
        assert _resolved(json.dumps(one)) != _resolved(json.dumps(other)), (before, after)


def test_stopping_the_function_publishes_nothing(template):
    """How many run at once is no setting of a version: in a hurry it must not stop a deployment."""
    stopped = translated(ReservedConcurrency="0")
    versions = of_type(template, "AWS::Lambda::Version")
    assert of_type(stopped, "AWS::Lambda::Version").keys() == versions.keys()
    for function in FUNCTIONS:
        assert "ReservedConcurrency" not in parameters_of(template, version_of(template, function))


def test_other_code_makes_another_version(template):
    one = of_type(template, "AWS::Lambda::Version").keys()
    again = of_type(translated(), "AWS::Lambda::Version").keys()
    other = of_type(translated(CodeKey="admit/4567cdef.zip"), "AWS::Lambda::Version").keys()
    assert one == again
    assert not one & other


def test_the_longest_description_of_a_version_is_not_too_long(template):
    """CloudFormation takes 256 characters."""
    longest = {
        name: "9" * int(each.get("MaxLength", 0)) or str(each.get("MaxValue", ""))
        for name, each in template["Parameters"].items()
    }
    longest |= {"VerifierKeyChange": "accepting"}
    longest |= {"Runtime": "python3.13", "Architecture": "x86_64", "CookieSameSite": "strict"}
    for version in of_type(template, "AWS::Lambda::Version").values():
        text = version["Properties"]["Description"]["Fn::Sub"]
        assert len(re.sub(r"\$\{(\w+)\}", lambda match: longest[match[1]], text)) <= 256


# --- What the functions are given ------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, DOMAIN, EVERYTHING], ids=["plain", "domain", "all"])
def test_admit_takes_the_settings_that_the_function_is_given(template, parameters):
    given = environment(template, "SignIn", **parameters)
    settings = Settings.load(environ=given, dotenv=None)
    name = "auth.example.com" if parameters else "api-made.execute-api.eu-central-1.amazonaws.com"
    assert settings.base_url == f"https://{name}"
    assert settings.secure
    assert settings.database_url.startswith("dynamodb://")
    assert settings.verifier_keys == (KEY,)


@pytest.mark.parametrize(
    "parameters", [{"CookieSameSite": "none"}, {"DomainName": "auth.example.com"}], ids=str
)
def test_what_could_not_work_is_refused_before_anything_is_made(template, parameters):
    """CloudFormation looks at the rules first: else each request would get 503."""
    assert not rules_hold(template, **parameters)
    assert rules_hold(template, **{**EVERYTHING, **parameters})


def rules_hold(template, **parameters):
    def holds(condition):
        return worked_out(template, condition, **parameters)

    return all(
        holds(each["Assert"])
        for rule in template["Rules"].values()
        if holds(rule["RuleCondition"])
        for each in rule["Assertions"]
    )


@pytest.mark.parametrize("parameters", [{}, DOMAIN], ids=["plain", "domain"])
def test_the_authorizer_takes_the_settings_that_it_is_given(template, parameters):
    made = authorizing.read(environment(template, "Guard", **parameters))
    sign_in = environment(template, "SignIn", **parameters)
    assert made.issuer == Settings.load(environ=sign_in, dotenv=None).issuer
    assert made.key == KEY
    assert made.simple, "as EnableSimpleResponses says"


@pytest.mark.hurried
def test_the_authorizer_has_time_for_an_issuer_that_is_starting(template):
    """It asks twice, for the feed and for the keys, and API Gateway waits 10 s for it."""
    assert 2 * issuer.PATIENT_SECONDS < properties(template, "Guard")["Timeout"] <= 10


def test_both_functions_speak_of_one_issuer_and_one_key(template):
    for parameters in ({}, DOMAIN):
        sign_in = environment(template, "SignIn", **parameters)
        guard = environment(template, "Guard", **parameters)
        assert sign_in["ADMIT_BASE_URL"] == guard["ADMIT_BASE_URL"]
        assert sign_in["ADMIT_VERIFIER_KEYS"] == guard["ADMIT_AUTHORIZER_KEY"]
        issuer = worked_out(template, template["Outputs"]["Issuer"]["Value"], **parameters)
        assert issuer == Settings.load(environ=sign_in, dotenv=None).issuer


def test_a_new_key_of_the_authorizer_is_accepted_before_it_is_shown(template):
    """The two functions change one after the other: at no moment is one refused by the other."""
    accepted, shown = [], []
    for number, step in enumerate(KEY_STEPS):
        # Before the change what is current is the old one.
        parameters = {"VerifierKeyChange": step}
        keys = environment(template, "SignIn", **parameters)["ADMIT_VERIFIER_KEYS"].split(",")
        key = environment(template, "Guard", **parameters)["ADMIT_AUTHORIZER_KEY"]
        first = number == 0
        accepted.append({OLD_KEY} if first else set(keys))
        shown.append(OLD_KEY if first else key)
    assert shown == [OLD_KEY, OLD_KEY, KEY, KEY]
    for before, after in itertools.pairwise(range(len(KEY_STEPS))):
        assert {shown[before], shown[after]} <= accepted[before] & accepted[after]


def test_no_secret_stands_in_the_template(template):
    """The secret itself is not even in a function's settings: whoever sees those sees no key."""
    for secret in of_type(template, "AWS::SecretsManager::Secret").values():
        made = secret["Properties"]["GenerateSecretString"]
        assert "SecretString" not in secret["Properties"]
        assert made["PasswordLength"] == 64
        assert made["ExcludePunctuation"], "a comma in it would make two secrets of one"
        assert secret["DeletionPolicy"] == secret["UpdateReplacePolicy"] == "Retain"
    given = properties(template, "SignIn")["Environment"]["Variables"]
    assert "ADMIT_SECRET" not in given
    assert "resolve" not in json.dumps(given["ADMIT_SECRET_SOURCE"])


# --- What the functions may ------------------------------------------------------------------


def statements(template, role):
    policies = properties(template, role)["Policies"]
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def test_no_right_is_wider_than_a_name(template):
    """No `*`, neither in what may be done nor to what; and no policy of others comes with it."""
    for name in of_type(template, "AWS::IAM::Role"):
        assert properties(template, name).keys() == {"AssumeRolePolicyDocument", "Policies"}
        for statement in statements(template, name):
            assert statement["Effect"] == "Allow"
            actions = statement["Action"]
            assert "*" not in json.dumps(actions)
            assert "*" not in json.dumps(worked_out(template, statement["Resource"]))
    assert len(of_type(template, "AWS::IAM::Role")) == len(FUNCTIONS)
    for function in FUNCTIONS:
        assert properties(template, function)["Role"] == {"Fn::GetAtt": [f"{function}Role", "Arn"]}


def test_the_authorizer_may_do_nothing_but_log(template):
    (only,) = statements(template, "GuardRole")
    assert set(only["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_only_the_one_secret_is_read(template):
    (statement,) = (
        each
        for each in statements(template, "SignInRole")
        if "secretsmanager" in json.dumps(each["Action"])
    )
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert statement["Resource"] == {"Ref": "Secret"}


def test_each_function_writes_its_own_log_only(template):
    for function in FUNCTIONS:
        log = {"Fn::GetAtt": [f"{function}Log", "Arn"]}
        (statement,) = (
            each for each in statements(template, f"{function}Role") if each["Sid"] == "Log"
        )
        assert statement["Resource"] == log
        assert properties(template, function)["LoggingConfig"]["LogGroup"] == {
            "Ref": f"{function}Log"
        }


# --- The table -------------------------------------------------------------------------------


def test_the_table_outlives_the_stack_and_mistakes(template):
    table = template["Resources"]["Table"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    kept = table["Properties"]
    assert kept["DeletionProtectionEnabled"] is True
    assert kept["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert kept["SSESpecification"] == {"SSEEnabled": True}
    assert kept["BillingMode"] == "PAY_PER_REQUEST"


# --- The API ---------------------------------------------------------------------------------


def routes(template):
    return {
        each["Properties"]["RouteKey"]: each["Properties"]
        for each in of_type(template, "AWS::ApiGatewayV2::Route").values()
    }


def reaches(keys, method, path):
    """Whether API Gateway has a route for this request."""
    for key in keys:
        verb, pattern = key.split(" ")
        wanted = re.sub(r"\\\{\w+\\\+\\\}", ".+", re.escape(pattern))
        if verb in {"ANY", method} and re.fullmatch(wanted, path):
            return True
    return False


@pytest.mark.anyio
async def test_every_route_of_admit_is_reached(template, serve):
    keys = routes(template)
    async with serve(verifier_keys=(KEY,)) as service:
        described = (await service.send("GET", "/openapi.json")).json()["paths"]
    assert {"/auth/login", "/auth/revocations"} <= described.keys()
    for path, operations in described.items():
        for method in operations.keys() & {"get", "post", "put", "delete"}:
            assert reaches(keys, method.upper(), path), f"{method} {path}"
    for path in ("/.well-known/jwks.json", "/healthz", "/readyz"):
        assert reaches(keys, "GET", path)
    assert reaches(keys, "OPTIONS", "/auth/login"), "a preflight is Admit's to answer"
    assert reaches(keys, "POST", "/auth/nothing"), "and so is what there is not"
    # What an instance counted says nothing of the others, and scanners cost nothing.
    for path in ("/metrics", "/", "/wp-login.php", "/auth"):
        assert not reaches(keys, "GET", path)


def test_every_route_goes_to_admit_unguarded(template):
    for route in routes(template).values():
        assert route["Target"] == {"Fn::Sub": "integrations/${SignInIntegration}"}
        assert route.keys() == {"ApiId", "RouteKey", "Target"}


def test_api_gateway_leaves_cors_to_admit(template):
    assert "CorsConfiguration" not in properties(template, "Api")


def test_a_flood_of_sign_ins_is_stopped_apart_from_refreshing(template):
    stage = template["Resources"]["Stage"]
    limited = stage["Properties"]["RouteSettings"]
    assert limited.keys() == BY_HAND <= routes(template).keys()
    # A setting for a route that is not there yet is an error.
    made_first = {routes(template)[key]["RouteKey"] for key in limited}
    waited_for = {properties(template, each)["RouteKey"] for each in stage["DependsOn"]}
    assert waited_for == made_first
    for settings in (*limited.values(), stage["Properties"]["DefaultRouteSettings"]):
        assert settings.keys() == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}


def test_no_token_can_get_into_the_log_of_the_api(template):
    """Neither a header, nor the path, nor the query, nor what the authorizer says."""
    written = properties(template, "Stage")["AccessLogSettings"]["Format"]
    assert set(json.loads(written).values()) == {
        "$context.requestTimeEpoch",
        "$context.requestId",
        "$context.identity.sourceIp",
        "$context.routeKey",
        "$context.status",
        "$context.responseLatency",
        "$context.integrationLatency",
        "$context.integrationErrorMessage",
    }


@pytest.mark.parametrize("path", [TEMPLATE, GUARDED], ids=lambda path: path.stem)
def test_an_answer_of_the_authorizer_is_not_remembered(path):
    """A remembered answer would let a revoked session go on."""
    template = read(path)
    (authorizer,) = of_type(template, "AWS::ApiGatewayV2::Authorizer").values()
    made = authorizer["Properties"]
    assert worked_out(template, made["AuthorizerResultTtlInSeconds"]) == "0"
    assert made["IdentitySource"] == ["$request.header.Authorization"]
    assert made["EnableSimpleResponses"] is True
    assert made["AuthorizerPayloadFormatVersion"] == "2.0"


def test_the_example_guards_its_route():
    for route in of_type(read(GUARDED), "AWS::ApiGatewayV2::Route").values():
        assert route["Properties"]["AuthorizationType"] == "CUSTOM"
        assert route["Properties"]["AuthorizerId"] == {"Ref": "Authorizer"}


def test_with_a_domain_there_is_no_other_way_in(template):
    api = properties(template, "Api")["DisableExecuteApiEndpoint"]
    assert worked_out(template, api) is False
    assert worked_out(template, api, **DOMAIN) is True
    domain = properties(template, "Domain")["DomainNameConfigurations"][0]
    assert domain["SecurityPolicy"] == "TLS_1_2"


# --- What wakes somebody ---------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_filter_counts_the_line_that_admit_logs_at_reuse(template, serve, caplog):
    async with serve() as service:
        await service.register()
        stolen = await service.sign_in()
        first = (await service.refresh(stolen["refresh_token"])).json()
        service.clock.advance(service.settings.leeway)
        await service.refresh(first["refresh_token"])
        service.clock.advance(service.settings.leeway)
        with caplog.at_level(logging.INFO):
            await service.refresh(stolen["refresh_token"])
    lines = [FORMS["json"]().format(record) for record in caplog.records]
    pattern = properties(template, "ReuseFilter")["FilterPattern"]
    assert [matches(pattern, line) for line in lines].count(True) == 1
    assert not any(matches(pattern, FORMS["text"]().format(each)) for each in caplog.records)


def test_the_filter_counts_nothing_that_a_caller_wrote(template):
    """A line of another logger may hold a caller's text; it never becomes this one's message."""
    pattern = properties(template, "ReuseFilter")["FilterPattern"]
    text = "refresh token reuse: session s is ended"
    assert matches(pattern, json.dumps({"logger": "admit.sessions", "message": text}))
    for other in ("admit.http", "root", "admit.sessions.other"):
        assert not matches(pattern, json.dumps({"logger": other, "message": text}))
    assert not matches(pattern, json.dumps({"logger": "admit.sessions", "message": f"GET {text}"}))
    assert not matches(pattern, text)


def test_the_alarm_on_reuse_sees_what_the_filter_counts(template):
    (counted,) = properties(template, "ReuseFilter")["MetricTransformations"]
    alarm = properties(template, "ReuseAlarm")
    assert properties(template, "ReuseFilter")["LogGroupName"] == {"Ref": "SignInLog"}
    assert alarm["Namespace"] == counted["MetricNamespace"]
    assert alarm["MetricName"] == counted["MetricName"]
    assert alarm["Threshold"] == 1


def watched(template):
    """Each metric that an alarm looks at, with its dimensions worked out."""
    found = set()
    for alarm in of_type(template, "AWS::CloudWatch::Alarm").values():
        made = worked_out(template, alarm["Properties"], **EVERYTHING)
        several = [each["MetricStat"]["Metric"] for each in made.get("Metrics", ())[1:]] or [made]
        for metric in several:
            dimensions = {each["Value"] for each in metric.get("Dimensions", ())}
            found.add((metric["Namespace"], metric["MetricName"], *sorted(dimensions)))
    return found


def test_there_is_an_alarm_on_everything_that_may_break(template):
    assert watched(template) == {
        ("Admit/sign-in", "RefreshTokenReuse"),
        ("AWS/ApiGateway", "5xx", "api-made", "stage-made"),
        ("AWS/Lambda", "Errors", "signin-made"),
        ("AWS/Lambda", "Throttles", "signin-made"),
        ("AWS/Lambda", "Errors", "guard-made"),
        ("AWS/Lambda", "Throttles", "guard-made"),
        ("AWS/DynamoDB", "ReadThrottleEvents", "admit-restored"),
        ("AWS/DynamoDB", "WriteThrottleEvents", "admit-restored"),
        ("AWS/DynamoDB", "SystemErrors", "UpdateItem", "admit-restored"),
        ("AWS/DynamoDB", "SystemErrors", "GetItem", "admit-restored"),
        ("AWS/DynamoDB", "SystemErrors", "Query", "admit-restored"),
        ("AWS/DynamoDB", "SystemErrors", "TransactWriteItems", "admit-restored"),
    }


def test_every_alarm_is_told_and_is_quiet_where_nothing_happens(template):
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        made = alarm["Properties"]
        assert made["TreatMissingData"] == "notBreaching", name
        topic = EVERYTHING["AlarmTopicArn"]
        assert worked_out(template, made["AlarmActions"], **EVERYTHING) == [topic], name
        assert worked_out(template, made["AlarmActions"]) == [], name


def test_every_log_ends(template):
    logs = of_type(template, "AWS::Logs::LogGroup")
    assert len(logs) == 3
    for log in logs.values():
        assert log["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_parameter_is_used_and_explained():
    template = read()
    used = json.dumps({**template, "Parameters": {}, "Metadata": {}}, default=str)
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"], name
        assert re.search(rf'"{name}"|\$\{{{name}\}}', used), name
    listed = [
        name
        for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        for name in group["Parameters"]
    ]
    assert sorted(listed) == sorted(template["Parameters"])


def test_the_originals_are_left_alone():
    """Translating one changes none that another test reads."""
    before = read()
    translated(copy.deepcopy(before))
    assert before == read()
