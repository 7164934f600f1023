"""How a setting's text becomes its value. A ValueError's text completes the sentence "wants …"."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from admit.model import A_ROLE, ROLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SECRET_BYTES = 32
SECRET_VARIETY = 10
LONGEST_TITLE = 60
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, None: 1}
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)
_IN_ARN = re.compile(r"arn:[a-z-]+:[a-z]+:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):", re.ASCII)
_KEPT = re.compile(r"[A-Za-z0-9/_+=.@:-]{1,2048}", re.ASCII)
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}", re.ASCII)
_LONGEST_SPAN = 100 * 365 * 86_400.0


def text(value: object) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise ValueError("text")
    return value.strip()


def role(value: object) -> str:
    """One role, or nothing."""
    if not isinstance(value, str) or not (value.strip() == "" or ROLE.fullmatch(value.strip())):
        raise ValueError(f"one role: {A_ROLE}, not {value!r}")
    return value.strip()


def path(value: object) -> Path:
    """A path; `~` is the home directory."""
    if not isinstance(value, str | Path):
        raise ValueError("a path")
    return Path(value).expanduser()


def title(value: object) -> str:
    """A name of one line, for people to read."""
    name = text(value)
    if not 1 <= len(name) <= LONGEST_TITLE or not name.isprintable():
        raise ValueError(f"a name of one line and at most {LONGEST_TITLE} characters")
    return name


def span(value: object) -> float:
    """A span in seconds, from `90s`, `15m`, `12h`, `7d` or a number of seconds."""
    wanted = f"a span such as 90s, 15m, 12h or 7d, not {value!r}"
    if isinstance(value, str) and (match := _SPAN.fullmatch(value.strip())):
        value = float(match[1]) * _SECONDS[match[2]]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(wanted)
    if not 0 <= value <= _LONGEST_SPAN:
        raise ValueError(wanted + " (at most 100 years)")
    return float(value)


def positive_span(value: object) -> float:
    """A span of at least one second."""
    if (seconds := span(value)) < 1:
        raise ValueError(f"a span of at least one second, not {value!r}")
    return seconds


def whole(low: int, high: int) -> Callable[[object], int]:
    """A whole number from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip(), re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}, not {value!r}")
        return value

    return read


def switch(value: object) -> bool:
    """On or off."""
    words = {"on": True, "true": True, "yes": True, "1": True}
    words |= {"off": False, "false": False, "no": False, "0": False}
    if isinstance(value, str):
        value = words.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise ValueError(f"on or off, not {value!r}")
    return value


def one_of(*choices: str) -> Callable[[object], str]:
    """One of the choices, whatever its case."""

    def read(value: object) -> str:
        for choice in choices:
            if isinstance(value, str) and value.strip().lower() == choice.lower():
                return choice
        raise ValueError(f"one of {', '.join(choices)}, not {value!r}")

    return read


def secrets(value: object) -> tuple[str, ...]:
    """Secrets, newest first. The message never repeats a secret."""
    wanted = "a secret, or several separated by commas"
    made = []
    for each in _listed(value, wanted):
        if not isinstance(each, str):
            raise ValueError(wanted)
        if len(each.encode()) < SECRET_BYTES:
            raise ValueError(
                f"at least {SECRET_BYTES} bytes: make one with"
                " `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        if len(set(each)) < SECRET_VARIETY:
            raise ValueError(
                "a random secret, and this one repeats itself: make one with"
                " `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        made.append(each)
    if isinstance(value, str) and not made:
        raise ValueError(wanted)
    return tuple(made)


def base_url(value: object) -> str:
    """An http or https origin without a path."""
    return _origin(value, "the address that browsers use, without a path: https://example.com")


def origins(value: object) -> tuple[str, ...]:
    """Origins as browsers send them: scheme, host and port."""
    wanted = "origins such as https://app.example.com, separated by commas and never *"
    return tuple(_origin(each, wanted) for each in _listed(value, wanted))


def prefix(value: object) -> str:
    """A path that starts with a slash and doesn't end with one; empty for the root."""
    wanted = "a path such as /auth"
    cleaned = text(value).rstrip("/")
    if not _PATH.fullmatch(cleaned) or {".", ".."} & set(cleaned.split("/")):
        raise ValueError(f"{wanted}, not {value!r}")
    return cleaned


def networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses or networks in CIDR notation."""
    wanted = "addresses or networks such as 10.0.0.0/8, separated by commas"
    try:
        return tuple(ip_network(str(each)) for each in _listed(value, wanted))
    except ValueError:
        raise ValueError(f"{wanted}, not {value!r}") from None


def limits(value: object) -> str:
    """Rate limits in the notation of the library limits."""
    # Loading it takes longer than all else here, and a verifier on Lambda limits nobody.
    from limits import parse_many  # noqa: PLC0415

    wanted = f"limits such as 10/minute or 5/minute;30/hour, not {value!r}"
    try:
        parsed = parse_many(text(value))
    except ValueError:
        raise ValueError(wanted) from None
    if not parsed or any(each.amount < 1 for each in parsed):
        raise ValueError(wanted)
    return text(value)


def database_url(value: object) -> str:
    """Where the store is; the password in it is never repeated."""
    wanted = (
        "sqlite:///relative.db, sqlite:////absolute.db, postgresql://user:password@host/database"
        " or dynamodb://TABLE?region=eu-west-1"
    )
    url = text(value)
    if url.startswith("postgres://"):  # what several hosts hand out
        url = "postgresql://" + url.removeprefix("postgres://")
    if url.startswith("postgresql://"):
        if any(each.isspace() for each in url):  # the driver judges the rest: there may be hosts
            raise ValueError(wanted)
    elif url.startswith("dynamodb://"):
        table_place(url)
    elif url and (not url.startswith("sqlite:///") or url == "sqlite:///" or ":memory:" in url):
        raise ValueError(wanted)
    return url


class TablePlace(NamedTuple):
    """Where a table of DynamoDB is; region and endpoint may be left to the environment."""

    table: str
    region: str | None
    endpoint: str | None

    @property
    def is_emulated(self) -> bool:
        """Whether it is on this machine: nowhere else may an endpoint do without TLS."""
        return self.endpoint is not None and self.endpoint.startswith("http:")


def table_place(url: str) -> TablePlace:
    """A table of DynamoDB: `dynamodb://TABLE?region=eu-west-1&endpoint=http://127.0.0.1:8000`."""
    wanted = "dynamodb://TABLE?region=eu-west-1, with a table's name of 3 to 255 characters"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(wanted) from None
    if not _TABLE.fullmatch(parts.netloc) or parts.path not in {"", "/"} or parts.fragment:
        raise ValueError(wanted)  # credentials before an @ are refused with the rest
    return TablePlace(parts.netloc, *_place(parts.query, "dynamodb://", wanted))


def _place(query: str, of: str, wanted: str) -> tuple[str | None, str | None]:
    """The region and the endpoint of AWS that the parameters of a URL name."""
    try:
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ValueError(wanted) from None
    names = [name for name, _ in given]
    if len(set(names)) < len(names) or not {"region", "endpoint"}.issuperset(names):
        raise ValueError(f"no parameters for {of} but region and endpoint, each once")
    values = dict(given)
    region = values.get("region")
    if region is not None and not _REGION.fullmatch(region):
        raise ValueError("a region of AWS such as eu-west-1")
    endpoint = values.get("endpoint")
    return region, None if endpoint is None else _endpoint(endpoint)


class SecretPlace(NamedTuple):
    """Where the secret is kept; region and endpoint may be left to the environment."""

    service: str
    name: str
    region: str | None
    endpoint: str | None


def secret_source(value: object) -> str:
    """Where the secret is kept, where that is not among the settings."""
    source = text(value)
    if source:
        secret_place(source)
    return source


def secret_place(source: str) -> SecretPlace:
    """A secret of AWS: `secretsmanager:NAME-OR-ARN` or `ssm:/path`, with `?region=…`."""
    wanted = "secretsmanager:NAME-OR-ARN or ssm:/path, with ?region=eu-west-1 if need be"
    service, _, rest = source.partition(":")
    name, _, query = rest.partition("?")
    if service not in {"secretsmanager", "ssm"} or not _KEPT.fullmatch(name):
        raise ValueError(wanted)
    region, endpoint = _place(query, f"{service}:", wanted)
    if region is None and (found := _IN_ARN.match(name)):
        region = found[1]
    return SecretPlace(service, name, region, endpoint)


def _endpoint(value: str) -> str:
    """An origin of AWS; without TLS only on this machine, where an emulator may be."""
    try:
        origin = _origin(value, "")
    except ValueError:  # which would repeat it
        raise ValueError("an endpoint such as https://vpce-….amazonaws.com, no path") from None
    if origin.startswith("http:") and not _loopback(urlsplit(origin).hostname or ""):
        raise ValueError("an endpoint with https://: http:// is for this machine's 127.0.0.1 only")
    return origin


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def redis_url(value: object) -> str:
    """Where Redis is; the password in it is never repeated."""
    url = text(value)
    schemes = ("redis://", "rediss://", "unix://")
    if url and (not url.startswith(schemes) or not _is_url(url)):
        raise ValueError("redis://host:6379/0, rediss://… (with TLS) or unix:///path/to/socket")
    return url


def _is_url(text: str) -> bool:
    try:
        urlsplit(text).port  # noqa: B018  it is parsed when it is asked for
    except ValueError:
        return False
    return not any(each.isspace() for each in text)


def _listed(value: object, wanted: str) -> Iterable[object]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, tuple | list):
        return value
    raise ValueError(wanted)


def _origin(value: object, wanted: str) -> str:
    message = f"{wanted}, not {value!r}"
    if not isinstance(value, str):
        raise ValueError(message)
    try:
        parts = urlsplit(value.strip())
        port = parts.port
    except ValueError:
        raise ValueError(message) from None
    named = _HOST.fullmatch(parts.hostname or "")
    plain = parts.path in {"", "/"} and not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in {"http", "https"} or not named or not plain:
        raise ValueError(message)
    host = f"[{named[0]}]" if ":" in named[0] else named[0]
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, default} else "")
