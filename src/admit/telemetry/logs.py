"""The program's log as `admit serve` writes it: a JSON object a line, or lines for people.

Nothing is logged that is a secret. What a library put into an exception may hold one all the
same, so whatever looks like a token, a hash, a password in a URL or an e-mail address is taken
out of every line before it is written.
"""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Form = Literal["json", "text"]

request_id: ContextVar[str] = ContextVar("admit_request_id", default="")
"""The id of the request that is being served; empty outside of one."""

_HIDDEN = (
    # What PostgreSQL tells of a row that it refused, and of bound values.
    (re.compile(r"\b(DETAIL|CONTEXT):.*"), r"\1: [hidden]"),
    (re.compile(r"\beyJ[\w-]+\.[\w.-]+"), "[token]"),
    (
        re.compile(r"(?:\$(?:argon2\w*|2[abxy]|scrypt|pbkdf2[\w-]*)|\bpbkdf2_\w+)\$[^\s'\"]+"),
        "[hash]",
    ),
    (re.compile(r"(?<=://)[^\s/@'\"]*:[^\s/@'\"]*@"), "[credentials]@"),
    (re.compile(r"[^\s@<>'\"(),;:=\[\]]{1,64}@[^\s@<>'\"(),;:=\[\]]{1,255}\.\w+"), "[e-mail]"),
    # 256 bits in base64url: a handle, a key. Names in a trace have no digit, or no capital.
    (
        re.compile(
            r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{43,}(?![\w-])", re.ASCII
        ),
        "[hidden]",
    ),
)


def redacted(text: str) -> str:
    """The text without what looks like a secret or an e-mail address."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


class JSONLines(logging.Formatter):
    """One JSON object a line: `time` (RFC 3339, UTC), `level`, `logger`, `message`.

    Where there is one, `request_id`; what the record was given as `fields`; on errors `exc`, the
    traceback, which shows no values of variables.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        more: dict[str, object] = {}
        if current := request_id.get():
            more["request_id"] = current
        more |= getattr(record, "fields", {})
        if record.exc_info:
            more["exc"] = redacted(self.formatException(record.exc_info))
        level, message = record.levelname.lower(), redacted(record.getMessage())
        return json_line(level, record.name, message, more, at=record.created)


def json_line(
    level: str, logger: str, message: str, more: Mapping[str, object], *, at: float | None = None
) -> str:
    """A line of the log: what happened, when (now where `at` is None), and more about it."""
    instant = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    time = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"time": time, "level": level, "logger": logger, "message": message, **more}
    return msgspec.json.encode(line).decode()


class TextLines(logging.Formatter):
    """A line for people, with the request's id at its end where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and the traceback below it on errors."""
        return redacted(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  its name
        """The first line."""
        line = super().formatMessage(record)
        current = request_id.get()
        return f"{line} [{current}]" if current else line


FORMS: dict[Form, type[logging.Formatter]] = {"json": JSONLines, "text": TextLines}


def configuration(level: str, form: Form) -> dict[str, Any]:
    """For `logging.config.dictConfig`: everything from `level` up goes to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": FORMS[form]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        # It warns at each of its attempts; that the store is out is said by whoever needs it.
        "loggers": {"psycopg.pool": {"level": "ERROR"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
    }
