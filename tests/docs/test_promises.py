"""What the pages tell an operator to do works as they say."""

import os
import re
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_urlsafe

import pytest
from anyio import run_process

from admit import Admit, InvalidToken, Refusal, SettingsError

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
LOGIN = "mara@example.com"
PASSWORD = "seven pale lanterns drift"
NEW, OLD = token_urlsafe(32), token_urlsafe(32)
DAY = 86_400.0


class Machine:
    """One data directory, and processes that come and go on it under one clock."""

    def __init__(self, data_dir: Path, stack: AsyncExitStack) -> None:
        self.data_dir = data_dir
        self.now = 1_800_000_000.0
        self._stack = stack

    async def start(self, *secrets: str) -> Admit:
        return await self._stack.enter_async_context(
            Admit(secret=secrets, data_dir=self.data_dir, clock=lambda: self.now)
        )

    async def refresh(self, process: Admit, token: str) -> str:
        self.now += process.settings.leeway  # the token has rested: each is a new one
        return (await process.sessions.refresh(token, now=self.now)).refresh_token

    async def sign_in(self, process: Admit) -> tuple[str, str]:
        tokens = await process.sessions.sign_in(login=LOGIN, password=PASSWORD, now=self.now)
        return tokens.access_token, tokens.refresh_token


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with AsyncExitStack() as stack:
        machine = Machine(tmp_path / "admit-data", stack)
        first = await machine.start(OLD)
        await first.accounts.register(email=LOGIN, password=PASSWORD, now=machine.now)
        await first.close()
        yield machine


async def test_replacing_the_secret_in_three_steps_signs_nobody_out(machine: Machine) -> None:
    before = await machine.start(OLD)
    access, token = await machine.sign_in(before)

    step_one = await machine.start(OLD, NEW)
    token = await machine.refresh(step_one, token)
    token = await machine.refresh(before, token)  # one process is not restarted yet

    step_two = await machine.start(NEW, OLD)
    token = await machine.refresh(step_two, token)
    token = await machine.refresh(step_one, token)
    assert step_two.verify(access).user_id

    machine.now += 6 * DAY
    token = await machine.refresh(step_two, token)
    machine.now += 2 * DAY
    step_three = await machine.start(NEW)
    assert await machine.refresh(step_three, token)
    access, _ = await machine.sign_in(step_three)
    assert step_two.verify(access).user_id


async def test_every_token_of_the_old_secret_is_over_when_step_three_may_come(
    machine: Machine,
) -> None:
    step_one = await machine.start(OLD, NEW)
    _, token = await machine.sign_in(step_one)
    machine.now += step_one.settings.refresh_ttl

    with pytest.raises(Refusal) as refused:
        await machine.refresh(step_one, token)

    assert refused.value.reason == "expired"


async def test_dropping_the_old_secret_early_signs_out_who_has_not_refreshed(
    machine: Machine,
) -> None:
    before = await machine.start(OLD)
    _, token = await machine.sign_in(before)
    await machine.start(NEW, OLD)
    step_three = await machine.start(NEW)

    with pytest.raises(Refusal) as refused:
        await machine.refresh(step_three, token)

    assert refused.value.reason == "malformed"


async def test_without_step_two_the_start_says_what_to_do(machine: Machine) -> None:
    with pytest.raises(SettingsError, match="list the former secret"):
        await machine.start(NEW)


async def test_after_a_leak_every_token_made_before_is_refused(machine: Machine) -> None:
    process = await machine.start(OLD)
    access, token = await machine.sign_in(process)
    (key,) = await process.store.keys()
    await process.close()
    with pytest.raises(SettingsError, match="does not open the signing key"):
        await machine.start(NEW)
    command = Admit(data_dir=machine.data_dir, secret=NEW, clock=lambda: machine.now)
    await command.store.start()
    await command.keys.withdraw(key.kid, machine.now)
    await command.close()
    after = await machine.start(NEW)

    with pytest.raises(InvalidToken):
        after.verify(access)
    with pytest.raises(Refusal):
        await machine.refresh(after, token)
    assert await machine.sign_in(after)


async def test_the_backup_is_whole_while_the_server_runs(machine: Machine) -> None:
    process = await machine.start(OLD)
    _, token = await machine.sign_in(process)
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (line,) = re.findall(
        r"^0 3 \* \* \*  (.+ admit|.+/admit) (backup .+)$", operations, re.MULTILINE
    )
    place = machine.data_dir.parent
    arguments = line[1].replace("\\%", "%").replace("/backup/", f"{place}/")  # cron's own escape

    command = f"{sys.executable} -m admit.cli {arguments}"
    await run_process(
        ["bash", "-e", "-c", command], cwd=place, env=os.environ | {"ADMIT_SECRET": OLD}
    )

    token = await machine.refresh(process, token)  # the copy is behind from here on
    await process.close()
    for name in ("admit.db-wal", "admit.db-shm"):
        (machine.data_dir / name).unlink(missing_ok=True)
    (copy,) = place.glob("admit-?.db")
    shutil.copy(copy, machine.data_dir / "admit.db")
    with sqlite3.connect(machine.data_dir / "admit.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    restored = await machine.start(OLD)
    assert await machine.refresh(restored, token)
