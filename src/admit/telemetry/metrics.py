"""What is counted while Admit runs; without `metrics_keys` nothing is, and each call is empty."""

from __future__ import annotations


class Metrics:
    """Counts nothing; `admit.telemetry.prometheus` has the one that counts."""

    on = False
    """Whether anything is counted."""

    def started(self) -> None:
        """This process serves."""

    def stopped(self) -> None:
        """This process serves no more."""

    def signed_in(self, outcome: str) -> None:
        """A sign-in came to this outcome: `success`, or why not."""

    def registered(self) -> None:
        """An account was made."""

    def refreshed(self, verdict: str) -> None:
        """A refresh came to this verdict: `won`, `repeat`, or why not."""

    def reuse_detected(self) -> None:
        """A session was ended because a refresh token came back."""

    def tokens_verified(self, count: int) -> None:
        """So many access tokens were good since the last call."""

    def token_refused(self, reason: str | None) -> None:
        """An access token was refused; `reason` where it is genuine."""

    def refused(self, code: str, reason: str | None) -> None:
        """A request was answered with this refusal."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered, after so many seconds."""

    def hashing(self, *, running: int, waiting: int) -> None:
        """So many passwords are being hashed, and so many wait for it."""

    def hashed(self, seconds: float) -> None:
        """A password was hashed or checked, which took so long."""

    def hash_rejected(self) -> None:
        """A password was not hashed: too many wait."""

    def stored(self, verb: str, seconds: float) -> None:
        """A verb of the store came to an end, good or not, after so many seconds."""

    def store_failed(self, verb: str) -> None:
        """A verb of the store raised."""

    def contradicted(self) -> None:
        """The store contradicted itself: a row is behind a write that must have won."""

    def looked(self, *, at: float, known: int) -> None:
        """What is revoked was read at this instant (since 1970); so many entries are known."""

    def pushed(self, kind: str, *, connected: bool) -> None:
        """Whether what other processes push would be heard now."""

    def hook_failed(self, hook: str) -> None:
        """A hook of the app failed, or what it gave was left out."""

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """What Prometheus reads, and its media type; nothing here."""
        del accept
        return b"", "text/plain"
