"""Counting for Prometheus, alone or in one of several processes (prometheus-client).

Where PROMETHEUS_MULTIPROC_DIR is set when this module is loaded, every process counts into files
there, and any of them answers for all. No label holds what a request brought: every value is one
of a list in the code.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from admit.errors import InvalidToken, RefreshReason, RefreshRefused, Refusal
from admit.telemetry.metrics import Metrics
from admit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

SIGN_INS = (
    "success",
    "wrong_password",
    "unknown_login",
    "disabled",
    "raced",
    "too_many_attempts",
    "unavailable",
)
"""`raced`: the password changed, or the account was disabled, while it was checked."""
REASONS = get_args(RefreshReason)
REFRESHES = ("won", "repeat", "moved", *REASONS, "too_many_attempts", "unavailable")
HOOKS = (
    "claims",
    "registered",
    "signed_in",
    "sign_in_refused",
    "reuse_detected",
    "password_changed",
)
UNAVAILABLE = "503"
OTHER = "other"
"""What stands for a value that is in none of these lists: a label has no other values."""

STORE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2)
HASH_SECONDS = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
HTTP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

Kind = TypeVar("Kind", Counter, Gauge, Histogram)


class Children(dict[tuple[str, ...], Kind], Generic[Kind]):
    """The children of one metric by the values of its labels, each made once."""

    def __init__(self, family: Kind, *expected: str | tuple[str, ...]) -> None:
        super().__init__()
        self._family: Kind = family
        for values in expected:  # a rate can only be seen from a zero
            self[(values,) if isinstance(values, str) else values]

    def __missing__(self, key: tuple[str, ...]) -> Kind:
        child: Kind = self._family.labels(*key)
        self[key] = child
        return child


class Prometheus(Metrics):
    """Counts into a registry of its own."""

    on = True

    def __init__(self) -> None:
        registry = CollectorRegistry()
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self._collector = Ours(registry)
        self._sign_ins = Children(
            counter("admit_sign_ins", "Sign-ins by outcome.", ["outcome"]), *SIGN_INS
        )
        self._registrations = counter("admit_registrations", "Accounts made.")
        self._refreshes = Children(
            counter("admit_refreshes", "Refreshes by verdict.", ["verdict"]), *REFRESHES
        )
        self._reuse = counter(
            "admit_reuse_detected", "Sessions ended because a refresh token came back."
        )
        self._verified = counter("admit_access_tokens_verified", "Access tokens that were good.")
        self._tokens_refused = Children(
            counter("admit_access_tokens_refused", "Access tokens refused by reason.", ["reason"]),
            "invalid",
            *REASONS,
        )
        self._refusals = Children(
            counter("admit_refusals", "Refusals answered by code and reason.", ["code", "reason"]),
            *((each.code, "") for each in Refusal.__subclasses__()),
            *((each.code, reason) for each in (RefreshRefused, InvalidToken) for reason in REASONS),
        )
        self._requests = Children(
            counter(
                "admit_http_requests",
                "Requests by method, route and status.",
                ["method", "route", "status"],
            )
        )
        self._request_seconds = Children(
            histogram(
                "admit_http_request_duration_seconds",
                "From a request's head to the end of its answer.",
                ["route"],
                buckets=HTTP_SECONDS,
            )
        )
        self._hashes_running = gauge(
            "admit_hashes_running", "Passwords being hashed.", multiprocess_mode="livesum"
        )
        self._hashes_waiting = gauge(
            "admit_hashes_waiting", "Passwords that wait to be hashed.", multiprocess_mode="livesum"
        )
        self._hashes_rejected = counter(
            "admit_hashes_rejected", "Passwords not hashed because too many waited."
        )
        self._hash_seconds = histogram(
            "admit_hash_duration_seconds",
            "One hash of a password, without the wait for it.",
            buckets=HASH_SECONDS,
        )
        self._store_seconds = Children(
            histogram(
                "admit_store_duration_seconds",
                "One verb of the store, as its caller waits for it.",
                ["verb"],
                buckets=STORE_SECONDS,
            )
        )
        self._store_errors = Children(
            counter("admit_store_errors", "Verbs of the store that raised.", ["verb"])
        )
        self._contradictions = counter(
            "admit_store_contradictions", "Rows that were behind a write that must have won."
        )
        self._looked_at = gauge(
            "admit_feed_last_look_timestamp_seconds",
            "When the process that looked longest ago last read what is revoked.",
            multiprocess_mode="livemin",
        )
        self._looked_at.set(time.time())  # one that never could look is as old as it runs
        self._known = gauge(
            "admit_revocations_known",
            "Revocations that a process knows and that still matter.",
            multiprocess_mode="livemax",
        )
        self._push = gauge(
            "admit_push_connected",
            "Whether every process would hear a pushed revocation.",
            ["push"],
            multiprocess_mode="livemin",
        )
        self._hook_failures = Children(
            counter(
                "admit_hook_failures", "Hooks that failed, or gave what was left out.", ["hook"]
            ),
            *HOOKS,
        )
        self._workers = gauge("admit_workers", "Processes that serve.", multiprocess_mode="livesum")
        self._build = gauge(
            "admit_build_info",
            "Which release this is, on which Python; always 1.",
            ["version", "python"],
            multiprocess_mode="livemax",
        )

    def started(self) -> None:
        """This process serves."""
        self._workers.set(1)
        self._build.labels(VERSION, sys.version.partition(" ")[0]).set(1)

    def stopped(self) -> None:
        """This process serves no more."""
        self._workers.set(0)

    def signed_in(self, outcome: str) -> None:
        """A sign-in came to this outcome."""
        self._sign_ins[(one_of(SIGN_INS, outcome),)].inc()

    def registered(self) -> None:
        """An account was made."""
        self._registrations.inc()

    def refreshed(self, verdict: str) -> None:
        """A refresh came to this verdict."""
        self._refreshes[(one_of(REFRESHES, verdict),)].inc()

    def reuse_detected(self) -> None:
        """A session was ended because a refresh token came back."""
        self._reuse.inc()

    def tokens_verified(self, count: int) -> None:
        """So many access tokens were good since the last call."""
        self._verified.inc(count)

    def token_refused(self, reason: str | None) -> None:
        """An access token was refused; nothing is known of one that is not genuine."""
        self._tokens_refused[(one_of(REASONS, reason) if reason else "invalid",)].inc()

    def refused(self, code: str, reason: str | None) -> None:
        """A request was answered with this refusal."""
        self._refusals[(code, one_of(REASONS, reason) if reason else "")].inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered, after so many seconds."""
        self._requests[(method, route, str(status))].inc()
        self._requests[(method, route, UNAVAILABLE)]  # so that the first is a rise from zero
        self._request_seconds[(route,)].observe(seconds)

    def hashing(self, *, running: int, waiting: int) -> None:
        """So many passwords are being hashed, and so many wait for it."""
        self._hashes_running.set(running)
        self._hashes_waiting.set(waiting)

    def hashed(self, seconds: float) -> None:
        """A password was hashed or checked."""
        self._hash_seconds.observe(seconds)

    def hash_rejected(self) -> None:
        """A password was not hashed: too many wait."""
        self._hashes_rejected.inc()

    def stored(self, verb: str, seconds: float) -> None:
        """A verb of the store came to an end, good or not."""
        self._store_seconds[(verb,)].observe(seconds)
        self._store_errors[(verb,)].inc(0)  # a rate can only be seen from a zero

    def store_failed(self, verb: str) -> None:
        """A verb of the store raised."""
        self._store_errors[(verb,)].inc()

    def contradicted(self) -> None:
        """The store contradicted itself."""
        self._contradictions.inc()

    def looked(self, *, at: float, known: int) -> None:
        """What is revoked was read at this instant; so many entries are known."""
        self._looked_at.set(at)
        self._known.set(known)

    def pushed(self, kind: str, *, connected: bool) -> None:
        """Whether what other processes push would be heard now."""
        self._push.labels(kind).set(connected)

    def hook_failed(self, hook: str) -> None:
        """A hook failed, or what it gave was left out."""
        self._hook_failures[(one_of(HOOKS, hook),)].inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """What Prometheus reads, of all processes, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self._collector), media_type


class Ours(Collector):
    """What Admit counted: in this registry, or in the files of every process.

    An app that Admit is part of may count into the same files; that is not ours to show. When a
    series was created is left out, as it is in the files: the two modes show the same.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        several = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        self._source: Collector = _files() if several else registry

    def collect(self) -> Iterator[Metric]:
        """Every metric whose name starts with `admit_`."""
        for metric in self._source.collect():
            if metric.name.startswith("admit_"):
                metric.samples = [
                    each for each in metric.samples if not each.name.endswith("_created")
                ]
                yield metric


def _files() -> Collector:
    return MultiProcessCollector(None)  # type: ignore[no-untyped-call]


def one_of(known: tuple[str, ...], value: str) -> str:
    """The value where it is known; a label has no others."""
    return value if value in known else OTHER
