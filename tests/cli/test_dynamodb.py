"""The commands on DynamoDB."""

import pytest

SECRET = "of-thirty-two-bytes-or-more-0123456789"


@pytest.fixture
def on_dynamodb(dynamodb_url, monkeypatch):
    monkeypatch.setenv("ADMIT_DATABASE_URL", dynamodb_url)
    monkeypatch.setenv("ADMIT_SECRET", SECRET)
    return dynamodb_url


def test_a_table_is_made_ready_once(on_dynamodb, run, answer):
    assert answer("migrate") == {"ran": ["0001_initial"], "granted": None}
    assert answer("migrate") == {"ran": [], "granted": None}
    assert "DynamoDB table" in run("migrate").output
    assert "IAM" in run("migrate", "--grant", "app", code=1).output


def test_a_command_makes_no_table(on_dynamodb, run):
    assert "admit migrate" in run("user", "list", code=1).output
    assert "admit migrate" in run("user", "list", code=1).output


def test_the_doctor_looks_at_the_table(on_dynamodb, run, answer):
    """What AWS does for it by itself, and that this one is no table of AWS at all."""
    run("migrate")
    found = {each["check"]: each for each in answer("doctor")["checks"]}
    assert "DynamoDB" in found["store"]["says"]
    assert "ttl" in found["table"]["says"]
    assert "35 days" in found["recovery"]["says"]
    assert (found["table"]["state"], found["recovery"]["state"]) == ("ok", "ok")
    assert found["emulator"]["state"] == "warn"
    assert "in the table" in found["throttle"]["says"]


def test_the_doctor_says_what_the_table_lacks(on_dynamodb, run, answer, aws):
    """With the very commands that mend it."""
    run("migrate")
    aws("update_time_to_live", TimeToLiveSpecification={"Enabled": False, "AttributeName": "ttl"})
    off = {"PointInTimeRecoveryEnabled": False}
    aws("update_continuous_backups", PointInTimeRecoverySpecification=off)
    found = {each["check"]: each for each in answer("doctor")["checks"]}
    assert found["table"]["do"].startswith("aws dynamodb update-time-to-live --table-name admit-")
    assert found["recovery"]["do"].startswith("aws dynamodb update-continuous-backups")


def test_the_backup_is_awss(on_dynamodb, run):
    assert "point-in-time recovery" in run("backup", "copy.db", code=1).output


def test_users_are_added_listed_changed_and_moved(on_dynamodb, run, answer, place):
    """The commands are the same as on any other store."""
    run("migrate")
    password = "seven pale lanterns drift\n"
    run("user", "add", "ada@example.com", stdin=password)
    run("user", "add", "bob@example.com", stdin=password)
    assert "ada@example.com" in run("user", "list").output
    run("user", "disable", "ada@example.com")
    assert "user_disabled" in run("events").output
    run("export", "users.jsonl")
    assert (place / "users.jsonl").read_text().count("@example.com") >= 2


@pytest.fixture
def aws(dynamodb_url):
    """Asks the emulator as AWS's own tools do."""
    from botocore.session import Session

    from admit.readers import table_place

    place = table_place(dynamodb_url)
    made = []

    def ask(operation, **given):
        client = Session().create_client("dynamodb", place.region, endpoint_url=place.endpoint)
        made.append(client)
        return getattr(client, operation)(TableName=place.table, **given)

    yield ask
    for each in made:
        each.close()
