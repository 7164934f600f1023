"""Runs the hooks: claims before a token is written, everything else after what it tells of."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from admit.errors import SettingsError
from admit.hooks import Hooks, RefusedSignIn
from admit.hooks.calls import Failed, called
from admit.hooks.claims import NOTHING, Added, added
from admit.hooks.threads import Threads
from admit.stores import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from admit.events import Event
    from admit.model import Session, User
    from admit.telemetry.metrics import Metrics

logger = logging.getLogger("admit.hooks")

CLAIMS_SECONDS = 1.0
"""How long a token waits for its claims; then it goes without them."""
AFTER_SECONDS = 10.0
"""How long a hook may take that tells of what happened."""
CLOSE_SECONDS = 5.0
"""How long a process that ends waits for hooks under way."""
THREADS = 16
"""Threads for sync hooks: so many for claims, and as many for all others."""
UNDER_WAY = 1_000
"""Hooks under way at most; past it one is not run, and reported."""


class Running:
    """The hooks of one engine.

    Arguments:
        hooks: what the app wants called.
        metrics: counts those that fail.

    Raises:
        SettingsError: it is something else.
    """

    def __init__(self, hooks: Hooks | None, metrics: Metrics) -> None:
        if hooks is not None and not isinstance(hooks, Hooks):
            raise SettingsError("hooks", "Admit(hooks=…) wants admit.Hooks(…).")
        self._hooks = hooks or Hooks()
        self._metrics = metrics
        self._for_claims = Threads(THREADS)
        self._for_others = Threads(THREADS)
        self._under_way: set[asyncio.Task[None]] = set()
        self.adds_claims = self._hooks.claims is not None
        """Whether tokens have claims of the app."""

    async def claims(self, user: User, session: Session) -> Mapping[str, msgspec.Raw]:
        """The app's claims for a token of this session; none where its function fails."""
        if self._hooks.claims is None:
            return NOTHING.kept
        try:
            found: Added = await called(
                self._hooks.claims,
                user,
                _shown(session),
                seconds=CLAIMS_SECONDS,
                threads=self._for_claims,
                read=added,
            )
        except Failed as failed:
            self._report("claims", failed)
            return NOTHING.kept
        if found.refused:
            self._refuse_claims("; ".join(found.refused))
        return found.kept

    def too_large(self, length: int, most: int) -> None:
        """The token with its claims has that many characters, and goes without them."""
        self._refuse_claims(f"the token would have {length} characters, and may have {most}")

    def registered(self, user: User) -> None:
        """An account was made."""
        self._tell("registered", self._hooks.registered, user)

    def signed_in(self, user: User, session: Session) -> None:
        """A session was opened with a password."""
        if self._hooks.signed_in is not None:
            self._tell("signed_in", self._hooks.signed_in, user, _shown(session))

    def sign_in_refused(self, failed: Event) -> None:
        """A sign-in was refused, as the audit trail has it."""
        if self._hooks.sign_in_refused is not None:
            refused = RefusedSignIn(
                at=failed.at,
                reason=failed.reason or "",
                user_id=failed.user_id,
                ip=failed.ip,
                user_agent=failed.user_agent,
            )
            self._tell("sign_in_refused", self._hooks.sign_in_refused, refused)

    def reuse_detected(self, user: User, session: Session) -> None:
        """A session was ended because its refresh token came back."""
        if self._hooks.reuse_detected is not None:
            self._tell("reuse_detected", self._hooks.reuse_detected, user, _shown(session))

    def password_changed(self, user: User) -> None:
        """A password was changed, by its owner or by an administrator."""
        self._tell("password_changed", self._hooks.password_changed, user)

    async def close(self) -> None:
        """Wait a little for what is under way in this event loop, and end the rest of it."""
        tasks = {each for each in self._under_way if patience.goes_on(each)}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
            for each in late:
                each.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._for_claims.close()
        self._for_others.close()

    def _tell(self, name: str, hook: Callable[..., object] | None, *arguments: object) -> None:
        """Begin the hook beside the request: no answer waits for it."""
        if hook is None:
            return
        if len(self._under_way) >= UNDER_WAY:
            self._report(name, Failed(f"{UNDER_WAY} hooks are under way already"))
            return
        task = patience.begun(self._run(name, hook, arguments))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _run(
        self, name: str, hook: Callable[..., Any], arguments: tuple[object, ...]
    ) -> None:
        try:
            await called(hook, *arguments, seconds=AFTER_SECONDS, threads=self._for_others)
        except Failed as failed:
            self._report(name, failed)
        except asyncio.CancelledError:
            self._report(name, Failed("the process ended before it did"))
            raise

    def _refuse_claims(self, why: str) -> None:
        self._metrics.hook_failed("claims")
        logger.error("the hook claims: left out: %s", why)

    def _report(self, name: str, failed: Failed) -> None:
        self._metrics.hook_failed(name)
        logger.error("the hook %s failed: %s", name, failed, exc_info=failed.__cause__)


def _shown(session: Session) -> Session:
    """The session without the hash of its client's Idempotency-Key, which is nobody's business."""
    return msgspec.structs.replace(session, retry_key=None)
