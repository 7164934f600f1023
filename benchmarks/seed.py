"""Users and sessions made straight through the engine, so that no round starts with sign-ins."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from admit import Admit, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from admit.model import Tokens

PASSWORD = "correct horse battery staple"


def address(number: int) -> str:
    return f"user{number}@example.com"


def alone(data_dir: Path, **given: object) -> Settings:
    """The defaults but for these settings, whatever this shell's environment says."""
    return Settings.load(environ={}, dotenv=None, data_dir=data_dir, **given)


def seed(data_dir: Path, *, users: int, sessions: int) -> list[Tokens]:
    """Fill a data directory before its server starts; the sessions are shared out evenly."""

    async def fill() -> list[Tokens]:
        async with Admit(alone(data_dir)) as auth:
            accounts = []
            for number in range(users):
                email, now = address(number), time.time()
                await auth.accounts.register(email=email, password=PASSWORD, now=now)
                accounts.append(await auth.accounts.find(email))
            return [
                await auth.sessions.open(account, now=time.time())
                for account in (accounts[number % users] for number in range(sessions))
                if account is not None
            ]

    return asyncio.run(fill())
