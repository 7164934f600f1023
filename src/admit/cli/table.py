"""What `admit doctor` thinks of a table in DynamoDB: whose it is, and what AWS does for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.cli.findings import ok, warn
from admit.readers import table_place

if TYPE_CHECKING:
    from admit.cli.findings import Finding
    from admit.engine import Engine

DYNAMODB = "dynamodb:"
COMMAND = "aws dynamodb {} --table-name {} {}"
TTL = "--time-to-live-specification Enabled=true,AttributeName=ttl"
RECOVERY = "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"


async def of_table(engine: Engine) -> list[Finding]:
    """Every finding about the table; none where the store is another one."""
    if not engine.settings.database_url.startswith(DYNAMODB):
        return []
    place = table_place(engine.settings.database_url)
    care = await engine.store.care()  # type: ignore[attr-defined] # DynamoDB's alone
    found = [_cleaned_up(place.table, care.cleans_up), _recovery(place.table, care.goes_back)]
    return [*found, _emulated(place.endpoint)] if place.is_emulated else found


def _emulated(endpoint: str | None) -> Finding:
    return warn(
        "emulator",
        f"The table is in an emulator on this machine, {endpoint}.",
        "For production leave the endpoint out of ADMIT_DATABASE_URL.",
    )


def _cleaned_up(name: str, cleans_up: bool | None) -> Finding:  # noqa: FBT001  three answers
    if cleans_up is None:
        return ok("table", "Whether DynamoDB cleans it up, this role may not ask.")
    if cleans_up:
        return ok("table", "DynamoDB deletes what is over, by the attribute ttl.")
    return warn(
        "table",
        "Nothing deletes what is over but `admit purge` and a server: its time to live is off.",
        COMMAND.format("update-time-to-live", name, TTL),
    )


def _recovery(name: str, goes_back: bool | None) -> Finding:  # noqa: FBT001  three answers
    if goes_back is None:
        return ok("recovery", "Whether it has point-in-time recovery, this role may not ask.")
    if goes_back:
        return ok("recovery", "Any second of the last 35 days can be brought back.")
    return warn(
        "recovery",
        "Nothing can be brought back: point-in-time recovery is off.",
        COMMAND.format("update-continuous-backups", name, RECOVERY),
    )
