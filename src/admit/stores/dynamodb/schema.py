"""The table: what it looks like, and who makes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

from admit.errors import SettingsError, Unavailable
from admit.stores.base import BEHIND
from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import items, reads
from admit.stores.dynamodb.commits import changed
from admit.stores.dynamodb.table import code

if TYPE_CHECKING:
    from admit.stores.dynamodb.table import Table

VERSION = 1
INITIAL = "0001_initial"
WAIT_SECONDS = 120
"""How long a new table may take until it can be used."""
LOOK_SECONDS = 0.5
USABLE = frozenset({"ACTIVE", "UPDATING"})
HERE = items.key("schema")

KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
INDEX_KEYS = [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "h", "KeyType": "RANGE"}]
TABLE: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "g", "h")
    ],
    "KeySchema": KEYS,
    "GlobalSecondaryIndexes": [
        {
            "IndexName": does.INDEX,
            "KeySchema": INDEX_KEYS,
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}
TTL = {"AttributeName": "ttl", "Enabled": True}
RECOVERY = {"PointInTimeRecoveryEnabled": True}
OTHER = (
    "ADMIT_DATABASE_URL (database_url) names a table that is not made for Admit: name another one,"
    " and `admit migrate` makes it; or make it as docs/aws.md says."
)

NOT_ALLOWED = (
    "ADMIT_DATABASE_URL (database_url) names a table that is not ready for Admit, and these"
    " credentials may not make it so: is it the right one? Then run `admit migrate` with"
    " credentials that may make it (dynamodb:CreateTable, DescribeTable, UpdateTimeToLive,"
    " UpdateContinuousBackups)."
)


async def check(table: Table) -> bool:
    """Whether the table is there and up to date.

    Raises:
        Unavailable: it can't be asked.
    """
    try:
        item = await reads.one(table, HERE)
    except (Unavailable, ClientError) as error:
        if code(error) in {"ResourceNotFoundException", "ValidationException"}:
            return False  # there is none, or one with other keys
        raise
    return item is not None and int(item["v"]["N"]) >= VERSION


NO_CREDENTIALS = (
    "ADMIT_DATABASE_URL (database_url) names a table of DynamoDB, and there are no credentials for"
    " AWS: give the machine or the function a role, or set AWS_PROFILE or AWS_ACCESS_KEY_ID with"
    " AWS_SECRET_ACCESS_KEY. An emulator takes any."
)


async def bring_up_to_date(table: Table, *, make: bool = True) -> list[str]:
    """Make what is missing; return the names of what was run.

    Arguments:
        table: which.
        make: whether anything may be changed; else what is missing is an error.

    Raises:
        SettingsError: something is missing and may not be made, or the table is another one's.
        Unavailable: DynamoDB can't be asked.
    """
    try:
        if await check(table):
            return []
    except Unavailable as error:
        if isinstance(error.__cause__, NoCredentialsError | PartialCredentialsError):
            raise SettingsError("database_url", NO_CREDENTIALS) from error
        raise
    if not make:
        raise SettingsError("database_url", BEHIND)
    try:
        await _made(table)
    except Unavailable as error:
        if code(error) == "AccessDeniedException":
            raise SettingsError("database_url", NOT_ALLOWED) from error
        raise
    condition = "attribute_not_exists(v) OR v <= :v"
    change = changed("SET v = :v", condition, v=items.number(VERSION))
    await table.ask("update_item", Key=HERE, **change)
    return [INITIAL]


async def _made(table: Table) -> None:
    """The table, usable, with what cleans it up and what brings it back."""
    if await _described(table) is None:
        try:
            await table.ask("create_table", **TABLE)
        except Unavailable as error:
            if code(error) != "ResourceInUseException":  # another process makes it just now
                raise
    described = await _active(table)
    indexes = described.get("GlobalSecondaryIndexes", [])
    fits = any(
        each["IndexName"] == does.INDEX and each["KeySchema"] == INDEX_KEYS for each in indexes
    )
    if described["KeySchema"] != KEYS or not fits:
        raise SettingsError("database_url", OTHER)
    await _wanted(table, "update_time_to_live", TimeToLiveSpecification=TTL)
    await _wanted(table, "update_continuous_backups", PointInTimeRecoverySpecification=RECOVERY)


async def _active(table: Table) -> dict[str, Any]:
    for _ in range(int(WAIT_SECONDS / LOOK_SECONDS)):
        described = await _described(table)
        if described is not None and described["TableStatus"] in USABLE:
            return described
        await asyncio.sleep(LOOK_SECONDS)
    raise Unavailable(f"The table {table.name} is not ready after {WAIT_SECONDS} s: try again.")


async def _described(table: Table) -> dict[str, Any] | None:
    try:
        answer = await table.ask("describe_table")
    except Unavailable as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise
    described: dict[str, Any] = answer["Table"]
    return described


class Care(NamedTuple):
    """What AWS does for the table by itself; None where this role may not ask."""

    cleans_up: bool | None
    """By `ttl`."""
    goes_back: bool | None
    """To any second of the last 35 days."""


async def care(table: Table) -> Care:
    """How the table is cared for.

    Raises:
        Unavailable: DynamoDB can't be asked.
    """
    ttl = await _told(table, "describe_time_to_live", "TimeToLiveDescription")
    backups = await _told(table, "describe_continuous_backups", "ContinuousBackupsDescription")
    recovery = backups and backups.get("PointInTimeRecoveryDescription", {})
    return Care(
        None if ttl is None else ttl.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"},
        None if recovery is None else recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
    )


async def _told(table: Table, operation: str, name: str) -> dict[str, Any] | None:
    try:
        answer = await table.ask(operation)
    except Unavailable as error:
        if code(error) in WITHOUT:
            return None
        raise
    told: dict[str, Any] = answer.get(name, {})
    return told


async def _wanted(table: Table, operation: str, **parameters: Any) -> None:  # noqa: ANN401
    """Ask for what the table can do without: `admit doctor` says where it is off."""
    for _ in range(int(WAIT_SECONDS / LOOK_SECONDS)):
        try:
            await table.ask(operation, **parameters)
        except (Unavailable, ClientError) as error:
            if code(error) in WITHOUT:
                return
            if code(error) not in NOT_YET:
                raise
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return


WITHOUT = frozenset(
    {
        "AccessDeniedException",
        "UnknownOperationException",  # emulators
        "ValidationException",  # it is on already
    }
)


NOT_YET = frozenset({"ContinuousBackupsUnavailableException", "ResourceInUseException"})
"""What a table says that was made a moment ago, or that another process changes just now."""
