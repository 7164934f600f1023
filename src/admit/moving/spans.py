"""Until when a former system's tokens are taken."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta


def last_instant(until: str | date) -> float:
    """The end of a day in UTC, or an instant, in seconds since 1970.

    Raises:
        ValueError: it can't be read.
    """
    read = _read(until) if isinstance(until, str) else until
    if isinstance(read, datetime):
        if read.tzinfo is None:
            raise ValueError("an offset in until: 2027-01-31T12:00:00+00:00, or a day alone")
        return read.timestamp()
    if isinstance(read, date):
        return (datetime.combine(read, time(), UTC) + timedelta(days=1)).timestamp()
    raise ValueError("until, the last day on which tokens are taken: until='2027-01-31'")


def _read(text: str) -> date | None:
    for kind in (date, datetime):
        try:
            return kind.fromisoformat(text)
        except ValueError:
            continue
    return None
