"""botocore's client of DynamoDB, as a process that may be frozen between two requests uses it."""

from __future__ import annotations

import threading
import time
from typing import Any

import botocore.session
from botocore.config import Config

Answer = dict[str, Any]

IDLE_SECONDS = 20.0
"""How long a connection may lie idle. In a process that was frozen it may be dead, which is found
out by a write whose answer is lost: that might have been made, and could not be asked again."""


class Client:
    """Asks DynamoDB, with botocore's chain of credentials; may be shared by threads.

    Arguments:
        region: AWS's name of it.
        endpoint: where it is asked; AWS's own where None.
        emulated: whether that is an emulator on this machine, before which no proxy stands.
        connections: how many are kept.
        connect_seconds: how long for a connection.
        answer_seconds: how long for an answer.
    """

    def __init__(
        self,
        *,
        region: str,
        endpoint: str | None,
        emulated: bool,
        connections: int,
        connect_seconds: float,
        answer_seconds: float,
    ) -> None:
        self._client = botocore.session.Session().create_client(
            "dynamodb",
            region_name=region,
            endpoint_url=endpoint,
            config=Config(
                connect_timeout=connect_seconds,
                read_timeout=answer_seconds,
                max_pool_connections=connections,
                retries={"mode": "standard", "total_max_attempts": 1},
                tcp_keepalive=True,
                ignore_configured_endpoint_urls=True,
                proxies={} if emulated else None,
            ),
        )
        self._using = threading.Lock()
        self._used = (0.0, 0.0)
        self.endpoint: str = self._client.meta.endpoint_url

    def ask(self, operation: str, parameters: Answer) -> Answer:
        """What it answers to an operation of its API, spelled as botocore does: `update_item`.

        Raises:
            botocore.exceptions.ClientError: it refuses.
            botocore.exceptions.BotoCoreError: it can't be asked, or does not answer in time.
        """
        self._wake()
        answer: Answer = getattr(self._client, operation)(**parameters)
        return answer

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _wake(self) -> None:
        """Let connections go that lay idle for long, by either clock."""
        with self._using:
            before, self._used = self._used, (time.time(), time.monotonic())
            pairs = zip(before, self._used, strict=True)
            if not all(0 <= now - then < IDLE_SECONDS for then, now in pairs):
                self._client.close()  # it goes on with others
