"""What the settings choose: the store, Redis, counters, whoever keeps the secret.

Each is loaded when it is chosen, and nobody else knows which there are.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from admit.errors import SettingsError
from admit.tokens.secret import make_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from admit.counters import Storage
    from admit.redis import RedisCounters, RedisPush
    from admit.settings import Settings
    from admit.stores.base import Store


def store(settings: Settings) -> Store:
    """The store that `database_url` names.

    Raises:
        SettingsError: its driver is not installed.
    """
    if settings.database_url.startswith("postgresql:"):
        with _wanted("database_url", "names PostgreSQL, whose driver", extra="postgres"):
            from admit.stores.postgres import PostgresStore  # noqa: PLC0415
        return PostgresStore(settings.database_url, pool=settings.database_pool)
    if settings.database_url.startswith("dynamodb:"):
        with _wanted("database_url", "names DynamoDB, whose driver", extra="aws"):
            from admit.stores.dynamodb import DynamoDBStore  # noqa: PLC0415
        return DynamoDBStore(
            settings.database_url,
            connections=settings.database_pool,
            event_ttl=settings.event_ttl,
        )
    from admit.stores.sqlite import SQLiteStore  # noqa: PLC0415

    with suppress(OSError):  # the store says it better when it opens the file
        make_private(settings.data_dir)
    return SQLiteStore(settings.database_url)


def counters_beside(opened: Store, settings: Settings) -> Storage | None:
    """Counters in the table of this store, where that is DynamoDB's, and there is no Redis."""
    if settings.redis_url or not settings.database_url.startswith("dynamodb:"):
        return None
    from admit.stores.dynamodb import DynamoDBCounters, DynamoDBStore  # noqa: PLC0415

    return DynamoDBCounters(opened.table) if isinstance(opened, DynamoDBStore) else None


def redis(settings: Settings) -> tuple[RedisCounters | None, RedisPush | None]:
    """What is in Redis, where `redis_url` is set. Who has another issuer has other counters.

    Raises:
        SettingsError: its library is not installed.
    """
    if not settings.redis_url:
        return None, None
    with _wanted("redis_url", "is set, but the library redis", extra="redis"):
        from admit.redis import RedisCounters, RedisPush  # noqa: PLC0415
    ours = f"admit:{hashlib.sha256(settings.issuer.encode()).hexdigest()[:16]}:"
    url = settings.redis_url
    return RedisCounters(url, prefix=ours), RedisPush(url, channel=f"{ours}revoked")


async def secrets(settings: Settings) -> tuple[str, ...]:
    """The secrets that are kept where `secret_source` says.

    Raises:
        SettingsError: there are none, they may not be read, or what is there can't be a secret.
        Unavailable: they can't be fetched now.
    """
    with _wanted("secret_source", "is set, but the library botocore", extra="aws"):
        from admit import aws_secrets  # noqa: PLC0415
    return await aws_secrets.fetch(settings.secret_source)


@contextmanager
def _wanted(setting: str, what: str, *, extra: str) -> Iterator[None]:
    """Around the import of what a setting wants: where it is missing, say what to install."""
    try:
        yield
    except ImportError as error:
        raise SettingsError(
            setting,
            f"ADMIT_{setting.upper()} ({setting}) {what} is not installed ({error}):"
            f" pip install 'admit[{extra}]'.",
        ) from error
