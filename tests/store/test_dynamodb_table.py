"""The table of DynamoDB: who makes it, what it has to look like, and what the commands say."""

import asyncio
import sys

import pytest
from botocore.exceptions import ClientError

from admit import Settings, chosen
from admit.errors import SettingsError, Unavailable
from admit.stores.dynamodb import DynamoDBStore, schema
from admit.stores.dynamodb import table as tables
from admit.testing import samples

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_dynamodb")]

SECRET = ("of-thirty-two-bytes-or-more-0123456789",)
DENIED = (400, "AccessDeniedException")


@pytest.fixture
async def store(moto_server, wire, aws_credentials):
    store = DynamoDBStore(moto_server.url(endpoint=wire.endpoint))
    yield store
    wire.rule = lambda _: None
    await store.close()


async def described(store):
    return (await store.table.ask("describe_table"))["Table"]


async def test_a_table_is_made_once(store):
    """On demand, with its index, its cleaning and its recovery."""
    assert await store.migrate() == [schema.INITIAL]
    assert await store.migrate() == []
    await store.start()
    made = await described(store)
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    (index,) = made["GlobalSecondaryIndexes"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert await store.care() == schema.Care(cleans_up=True, goes_back=True)


async def test_any_number_of_processes_start_at_once(moto_server, aws_credentials):
    url = moto_server.url()
    stores = [DynamoDBStore(url) for _ in range(6)]
    await asyncio.gather(*(each.start() for each in stores))
    await samples.opened(stores[0])
    assert await stores[5].find_session("session-one") == samples.session()
    await asyncio.gather(*(each.close() for each in stores))


async def test_without_leave_nothing_is_made(store, wire):
    """Neither a table nor an item in one that is there; it says what to do."""
    with pytest.raises(SettingsError, match="admit migrate"):
        await store.start(migrate=False)
    assert "CreateTable" not in wire.seen
    await store.table.open()
    await store.table.ask("create_table", **schema.TABLE)
    with pytest.raises(SettingsError, match="admit migrate"):
        await store.start(migrate=False)
    await store.table.open()
    assert (await store.table.ask("scan"))["Count"] == 0


async def test_a_table_that_a_template_made_is_taken(store, wire):
    """With whatever rights: what may not be changed is left as it is."""
    await store.table.ask("create_table", **schema.TABLE)
    wire.rule = lambda asked: DENIED if asked.startswith(("UpdateT", "UpdateC", "Create")) else None
    await store.start()
    await samples.opened(store)
    wire.rule = lambda _: None
    assert await store.care() == schema.Care(cleans_up=False, goes_back=False)
    wire.rule = lambda asked: DENIED if asked.startswith("Describe") else None
    assert await store.care() == schema.Care(cleans_up=None, goes_back=None)


async def test_a_server_asks_for_no_right_that_serving_does_not_need(store, wire):
    """Once the table is made, a start reads one item."""
    await store.migrate()
    wire.seen.clear()
    await store.start()
    assert wire.seen == ["GetItem"]


@pytest.mark.parametrize("refused", ["CreateTable", "DescribeTable"])
async def test_who_may_not_make_it_is_told_so(store, wire, refused):
    """Also by `admit migrate` itself, which can't answer that one should run `admit migrate`."""
    wire.rule = lambda asked: DENIED if asked == refused else None
    for make in (store.start, store.migrate):
        with pytest.raises(SettingsError, match="with credentials that may make it") as told:
            await make()
        assert "dynamodb:CreateTable" in str(told.value)


@pytest.mark.parametrize("keys", ["other", "index"])
async def test_somebody_elses_table_is_left_alone(store, keys):
    """Other keys, or no index: it says so, and writes nothing."""
    table = {**schema.TABLE}
    if keys == "other":
        del table["GlobalSecondaryIndexes"]
        table["AttributeDefinitions"] = [{"AttributeName": "id", "AttributeType": "S"}]
        table["KeySchema"] = [{"AttributeName": "id", "KeyType": "HASH"}]
    else:
        del table["GlobalSecondaryIndexes"]
        table["AttributeDefinitions"] = table["AttributeDefinitions"][:2]
    await store.table.ask("create_table", **table)
    with pytest.raises(SettingsError, match="not made for Admit"):
        await store.start()
    await store.table.open()
    assert (await store.table.ask("scan"))["Count"] == 0


async def test_a_table_that_another_process_makes_just_now_is_waited_for(store, monkeypatch):
    """Until AWS has made it, which takes seconds, nothing in it can be read or changed."""
    monkeypatch.setattr(schema, "LOOK_SECONDS", 0.01)
    await store.table.open()
    await store.table.ask("create_table", **schema.TABLE)
    monkeypatch.setattr(store.table, "ask", being_made(store.table.ask, looks=3))
    assert await store.migrate() == [schema.INITIAL]


def being_made(asks, *, looks):
    """The table as AWS shows it meanwhile, for so many looks at it."""
    statuses = ["CREATING"] * looks

    async def ask(operation, **given):
        if operation == "describe_table":
            answer = await asks(operation, **given)
            status = statuses.pop() if statuses else "ACTIVE"
            return {"Table": {**answer["Table"], "TableStatus": status}}
        if statuses:
            in_use = operation.startswith("update_") and operation != "update_item"
            code = "ResourceInUseException" if in_use else "ResourceNotFoundException"
            cause = ClientError({"Error": {"Code": code}}, operation)
            raise Unavailable(tables.OUT) from cause
        return await asks(operation, **given)

    return ask


@pytest.mark.parametrize("operation", ["UpdateTimeToLive", "UpdateContinuousBackups"])
async def test_what_another_process_changes_just_now_is_waited_for(
    store, wire, monkeypatch, operation
):
    """Several may start at once, and each wants the same of it."""
    monkeypatch.setattr(schema, "LOOK_SECONDS", 0.01)
    early = [(400, "ResourceInUseException")] * 2
    wire.rule = lambda asked: early.pop() if asked == operation and early else None
    await store.start()
    assert wire.count(operation) == 3


async def test_a_backup_that_is_not_ready_yet_is_waited_for(store, wire, monkeypatch):
    """A table that was made a moment ago says so."""
    monkeypatch.setattr(schema, "LOOK_SECONDS", 0.01)
    early = [(400, "ContinuousBackupsUnavailableException")] * 2
    wire.rule = lambda asked: early.pop() if asked == "UpdateContinuousBackups" and early else None
    await store.start()
    assert wire.count("UpdateContinuousBackups") == 3


async def test_it_knows_no_roles(store):
    with pytest.raises(SettingsError, match="IAM"):
        await store.migrate(grant="app")


async def test_an_outage_is_no_missing_table(store, wire):
    """Nothing is made where nothing is known."""
    wire.rule = lambda _: (500, "InternalServerError")
    for start in (store.start(), store.migrate(), store.start(migrate=False)):
        with pytest.raises(Unavailable):
            await start
    assert set(wire.seen) == {"GetItem"}


async def test_without_the_driver_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "admit.stores.dynamodb", None)
    url = "dynamodb://admit?region=eu-west-1"
    settings = Settings(database_url=url, secret=SECRET, data_dir=tmp_path)
    with pytest.raises(SettingsError, match=r"pip install 'admit\[aws\]'"):
        chosen.store(settings)


async def test_the_settings_reach_the_store(aws_credentials, tmp_path):
    """How many requests are under way at once, and for how long events are kept."""
    settings = Settings(
        database_url="dynamodb://admit?region=eu-west-1",
        database_pool=3,
        event_ttl=86_400.0,
        secret=SECRET,
        data_dir=tmp_path,
    )
    store = chosen.store(settings)
    assert isinstance(store, DynamoDBStore)
    assert (store.table._most, store._commits._kept) == (3, 86_400.0)
    assert store.name == "DynamoDB table admit in eu-west-1"
    assert store.push is None
