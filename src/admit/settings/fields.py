"""Every setting: its default, how it is read, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admit import readers
from admit.errors import SettingsError
from admit.model import SKEW
from admit.settings.sources import variable

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field
    from ipaddress import IPv4Network, IPv6Network


def setting(
    default: object, read: Callable[[object], object], about: str, *, secret: bool = False
) -> Any:  # noqa: ANN401  a field stands for a value of the field's own type
    """One field: its default, how it is read, and what it is for."""
    return field(default=default, repr=not secret, metadata={"read": read, "about": about})


@dataclass(frozen=True, kw_only=True)
class Fields:
    """Each setting by itself; frozen.

    Every field takes its own type or the text that its environment variable would hold.

    Raises:
        SettingsError: a value that can't work, with a sentence that says what to do.
    """

    secret: tuple[str, ...] = setting(
        (),
        readers.secrets,
        "The secret that every key is derived from or encrypted under: at least 32 bytes. Several,"
        " separated by commas, newest first, while one replaces another. Without it a random one"
        " is made in `data_dir`.",
        secret=True,
    )
    secret_source: str = setting(
        "",
        readers.secret_source,
        "Where the secret is kept instead: `secretsmanager:NAME-OR-ARN` or `ssm:/path`, with"
        " `?region=eu-west-1` where the environment names none. It is read once, at the start.",
    )
    base_url: str = setting(
        "http://localhost:8000",
        readers.base_url,
        "Where browsers reach this service, without a path: `https://example.com`. Decides the"
        " issuer, the cookies' names and flags, and which origin is our own.",
    )
    prefix: str = setting(
        "/auth",
        readers.prefix,
        "The public path under which every route lives. The issuer is the base URL with it.",
    )
    audience: str = setting(
        "",
        readers.text,
        "The `aud` of access tokens: who they are meant for. Defaults to the base URL.",
    )
    database_url: str = setting(
        "",
        readers.database_url,
        "`sqlite:///relative.db`, `sqlite:////absolute.db`,"
        " `postgresql://user:password@host/database` or `dynamodb://TABLE?region=eu-west-1` (the"
        " region from `AWS_REGION` where it names none; `&endpoint=…` for an emulator or a VPC"
        " endpoint). Defaults to `admit.db` in `data_dir`.",
        secret=True,
    )
    database_pool: int = setting(
        8,
        readers.whole(1, 100),
        "PostgreSQL: how many connections each process holds at most, the last of them only for"
        " looking at what is revoked, besides one that listens. DynamoDB: how many requests each"
        " has under way at once, besides one for looking.",
    )
    redis_url: str = setting(
        "",
        readers.redis_url,
        "`redis://host:6379/0`, where several machines share the limits on attempts and hear of"
        " revocations by push. Without it each machine counts by itself.",
        secret=True,
    )
    data_dir: Path = setting(
        Path("admit-data"),
        readers.path,
        "The directory for the secret and the database where they are not set; made with mode"
        " 0700.",
    )
    access_ttl: float = setting(
        900.0, readers.positive_span, "How long an access token lives: `15m`."
    )
    refresh_ttl: float = setting(
        604_800.0,
        readers.positive_span,
        "How long a session may lie idle between two refreshes: `7d`.",
    )
    session_ttl: float = setting(
        2_592_000.0,
        readers.positive_span,
        "How long a session lasts at most, however busy: `30d`.",
    )
    leeway: float = setting(
        10.0,
        readers.span,
        "How long a refresh token may come back without an Idempotency-Key after it was exchanged,"
        " and how long its successor rests. `0` means not at all: then two tabs may end a session.",
    )
    algorithm: str = setting(
        "ES256",
        readers.one_of("ES256", "Ed25519", "RS256", "HS256"),
        "How access tokens are signed: `ES256`, `Ed25519`, `RS256` or `HS256`.",
    )
    key_ttl: float = setting(
        7_776_000.0,
        readers.positive_span,
        "How long a signing key signs before the next one is made by itself: `90d`.",
    )
    jwks_max_age: float = setting(
        300.0,
        readers.positive_span,
        "How long others may cache the public keys; a new key waits that long before it signs.",
    )
    cookie_samesite: str = setting(
        "strict",
        readers.one_of("strict", "lax", "none"),
        "SameSite of the cookies. `none` serves a front end on another site and needs"
        " `allowed_origins` and https.",
    )
    access_cookie: bool = setting(
        False,  # noqa: FBT003  the default of a field, not an argument
        readers.switch,
        "Also deliver the access token in an HttpOnly cookie, for server-rendered apps.",
    )
    allowed_origins: tuple[str, ...] = setting(
        (),
        readers.origins,
        "Other origins whose pages may use the cookies, separated by commas:"
        " `https://app.example.com`. Never `*`.",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = setting(
        (),
        readers.networks,
        "The addresses or networks of your own proxies, separated by commas; only their"
        " X-Forwarded-For is believed.",
    )
    throttle: bool = setting(
        True,  # noqa: FBT003
        readers.switch,
        "Whether attempts are limited. `off` is for load tests only.",
    )
    throttle_login: str = setting(
        "5/minute;30/hour",
        readers.limits,
        "Failed sign-ins for one account from one address.",
    )
    throttle_account: str = setting(
        "50/hour",
        readers.limits,
        "Failed sign-ins for one account from everywhere; past it, only an address without a"
        " failure of its own may try.",
    )
    throttle_address: str = setting(
        "30/minute;300/hour",
        readers.limits,
        "Failed sign-ins from one address (a /64 for IPv6), whatever the account.",
    )
    throttle_register: str = setting(
        "20/minute;100/hour", readers.limits, "Registrations from one address."
    )
    throttle_password: str = setting(
        "5/minute;30/hour",
        readers.limits,
        "Wrong current passwords when one account changes its password.",
    )
    throttle_refresh: str = setting(
        "30/minute",
        readers.limits,
        "Refused refresh tokens, for one session from one address; genuine ones are never limited.",
    )
    password_min_length: int = setting(
        8,
        readers.whole(8, 64),
        "The fewest characters of a new password, 8 to 64. NIST recommends 15 where the password"
        " is the only factor.",
    )
    argon2_memory: int = setting(
        19_456, readers.whole(8, 4_194_304), "argon2id: memory for one hash, in KiB."
    )
    argon2_time: int = setting(2, readers.whole(1, 100), "argon2id: passes over the memory.")
    argon2_parallelism: int = setting(1, readers.whole(1, 64), "argon2id: lanes.")
    hash_queue: int = setting(
        128,
        readers.whole(0, 100_000),
        "How many passwords may wait to be hashed; past it, 503 with Retry-After.",
    )
    event_ttl: float = setting(
        7_776_000.0, readers.positive_span, "How long the audit trail is kept: `90d`."
    )
    revocation_max_age: float = setting(
        10.0,
        readers.positive_span,
        "How old this process's knowledge of what is revoked may be before `readyz` says so.",
    )
    revocation_strict: bool = setting(
        False,  # noqa: FBT003
        readers.switch,
        "Whether a process whose knowledge is older than that refuses every access token with 503.",
    )
    verifier_keys: tuple[str, ...] = setting(
        (),
        readers.secrets,
        "The keys with which other services read `/revocations`, separated by commas: at least 32"
        " bytes each. Without any, nobody may.",
        secret=True,
    )
    admin_role: str = setting(
        "",
        readers.role,
        "The role whose holders administer over HTTP (`/admin/…` under the prefix): users,"
        " sessions, the audit trail. Without it there are no such routes.",
    )
    metrics_keys: tuple[str, ...] = setting(
        (),
        readers.secrets,
        "The keys with which Prometheus reads `/metrics`, separated by commas: at least 32 bytes"
        " each. Without any, there is no such route.",
        secret=True,
    )
    pages: bool = setting(
        False,  # noqa: FBT003
        readers.switch,
        "Whether there are pages to sign in with, beside the JSON routes. `admit serve` has them"
        " unless this is `off`; an app that Admit is part of has none unless it is `on`.",
    )
    pages_name: str = setting(
        "Admit", readers.title, "What the product is called on the pages, in at most 60 characters."
    )
    pages_theme: str = setting(
        "",
        readers.text,
        "The path of a CSS file that is loaded after the pages' own, for other colours; at most"
        " 64 KiB.",
    )
    pages_logo: str = setting(
        "",
        readers.text,
        "The path of an image that stands for the name at the top of the pages: SVG, PNG, JPEG,"
        " WebP or GIF, at most 256 KiB.",
    )
    pages_home: str = setting(
        "",
        readers.text,
        "Where one goes after signing in, where the link said nothing else: a path of the base URL,"
        " or an address whose origin is among `allowed_origins`. Defaults to the account page.",
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not each.default:  # which is what its reader makes of it: a test says so
                object.__setattr__(self, each.name, _read(each, value))
        if not self.audience:
            object.__setattr__(self, "audience", self.base_url)
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir / 'admit.db'}")

    @property
    def issuer(self) -> str:
        """The `iss` of access tokens: the base URL with the prefix (RFC 9068 section 2.2)."""
        return self.base_url + self.prefix

    @property
    def secure(self) -> bool:
        """Whether the base URL is https, and cookies are Secure and carry the `__Host-` prefix."""
        return self.base_url.startswith("https:")

    def dead_after(self, instant: float) -> float:
        """When the last access token that was minted before `instant`, by any clock, is dead."""
        return instant + self.access_ttl + 2 * SKEW


def _read(of: Field[object], value: object) -> object:
    try:
        return of.metadata["read"](value)
    except ValueError as error:
        raise SettingsError(of.name, f"{variable(of.name)} ({of.name}) wants {error}.") from None
