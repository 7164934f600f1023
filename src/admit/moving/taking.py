"""Takes a former system's refresh token, once: whom it means, whether it still counts, the session.

The token stands before the session's own tokens, as generation 0; the session begins at 1. So the
law (`admit.rotation`) needs no word about it: presented again it is the parent of generation 1,
a repeat within the leeway or with the same Idempotency-Key, and else theft; and generation 1 rests,
as every token does that has a parent who could be late.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from admit.errors import RefreshRefused, SettingsError, Unavailable
from admit.events import USER_AGENT_LENGTH, event
from admit.hooks.calls import Failed, called
from admit.hooks.threads import Threads
from admit.model import SKEW, Origin, Session
from admit.moving.former import Former, FormerToken, Named
from admit.tokens import refresh

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from admit.events import Kind
    from admit.model import Account
    from admit.settings import Settings
    from admit.stores.base import Store

logger = logging.getLogger("admit.moving")

OVER = "The former system's token has expired: sign in."
NO_MORE = "Tokens of the former system are not taken any more: sign in."
NOT_YET = "It is not valid yet: check the machines' clocks."
SIGNED_OUT_THERE = "The former system signed it out: sign in."
NOBODY = "Whom it means has no account here: sign in."
DISABLED = "The account is disabled."
SINCE = "Its user was signed out since: sign in."

ASK_SECONDS = 1.5
"""How long the app's own functions are waited for; then the request is refused, and may retry."""
THREADS = 16
"""Threads for those of them that are sync."""
MOST_EVENTS = 1_000
"""Endings of one user's sessions that are looked at; with more of them a token counts for ended."""
_ID = re.compile(r"[A-Za-z0-9._:@|\-]{1,128}", re.ASCII)
"""How the id of a user may be written."""


class Move:
    """One token that may become a session.

    Arguments:
        moving: whom to ask.
        former: the system that signed it.
        token: the token.
    """

    def __init__(self, moving: Moving, former: Former, token: FormerToken) -> None:
        self._moving = moving
        self.former = former
        self.token = token
        self.held = refresh.RefreshToken(h=token.handle, n=0, exp=int(token.expires_at))
        """What our own token of that place in the session would hold."""

    async def open(
        self,
        *,
        now: float,
        retry_key: bytes | None = None,
        origin: Origin | None,
        spent: bool = False,
    ) -> tuple[Account, Session] | None:
        """Open its session, which it has not yet; None where another was quicker.

        One that is opened only to be ended is `spent`: a blacklist that can't be asked keeps
        nobody from signing out.

        Raises:
            RefreshRefused: the token counts for nothing any more, with `reason`.
            Unavailable: one of the app's functions fails, or the store is out.
        """
        self._must_count(now)
        account = await self._moving.holder(self.former, self.token, spent=spent)
        session = self._session(account.user.id, origin or Origin(), now=now, retry_key=retry_key)
        return (account, session) if await self._moving.opened(self, account, session) else None

    def _must_count(self, now: float) -> None:
        if self.token.expires_at <= now:
            raise RefreshRefused(OVER, reason="expired")
        if self.former.last_instant <= now:
            raise RefreshRefused(NO_MORE, reason="expired")
        begins = max(self.token.instant("nbf") or 0.0, self.token.instant("iat") or 0.0)
        if begins > now + SKEW:
            raise RefreshRefused(NOT_YET, reason="malformed")

    def _session(
        self, user_id: str, origin: Origin, *, now: float, retry_key: bytes | None
    ) -> Session:
        """The session that this token becomes.

        Its row must not be gone while the token could still come back, or it could be taken twice.
        So it may last as long as the token would have, where that is longer than one of ours.
        """
        settings = self._moving.settings
        lasts = min(self.token.expires_at, self.former.last_instant) + SKEW
        ends_at = max(now + settings.session_ttl, lasts)
        return Session(
            id=self.held.session_id,
            user_id=user_id,
            generation=1,
            rotated_at=now,
            retry_key=retry_key,
            opened_at=now,
            expires_at=min(now + settings.refresh_ttl, ends_at),
            ends_at=ends_at,
            ended_at=None,
            ended_because=None,
            # `iat` may be that of a token that was rotated: when a password was typed, it does
            # not say. Where that matters (step-up), the user has to sign in.
            auth_time=min(self.token.instant("auth_time") or 0.0, now),
            amr=(),
            user_agent=(origin.user_agent or "")[:USER_AGENT_LENGTH] or None,
            ip=origin.ip,
        )


class Moving:
    """The former systems of one engine.

    Arguments:
        former: those whose tokens are taken.
        settings: how long a session lives.
        store: where it is opened.
        find: the account with this address or username.

    Raises:
        SettingsError: one of them is something else.
    """

    def __init__(
        self,
        former: Sequence[Former],
        settings: Settings,
        store: Store,
        *,
        find: Callable[[str], Awaitable[Account | None]],
    ) -> None:
        if not isinstance(former, list | tuple) or not all(isinstance(x, Former) for x in former):
            raise SettingsError(
                "moving",
                "Admit(moving=[…]) wants a list of what admit.moving has, as SimpleJWT(…).",
            )
        self.former = tuple(former)
        self.settings = settings
        self._store = store
        self._find = find
        self._threads = Threads(THREADS)

    def warn(self, now: float) -> None:
        """Say which of them takes nothing any more."""
        for each in self.former:
            if each.last_instant <= now:
                logger.warning(
                    "the time of %s(until=…) is over: its tokens are refused, remove it",
                    type(each).__name__,
                )

    def close(self) -> None:
        """Let the threads go."""
        self._threads.close()

    def read(self, text: str) -> Move | None:
        """What is to become of this token; None where no former system signed it as one."""
        for each in self.former:
            if token := each.read(text):
                return Move(self, each, token)
        return None

    async def holder(self, former: Former, token: FormerToken, *, spent: bool) -> Account:
        """The account of the token's user, who was not signed out since.

        Raises:
            RefreshRefused: there is none, or they were, with `reason`.
            Unavailable: one of the app's functions fails, or the store is out.
        """
        try:
            if former.blacklisted and await self._ask(former, "blacklisted", token, bool):
                raise RefreshRefused(SIGNED_OUT_THERE, reason="revoked")
        except Unavailable:
            if not spent:
                raise
        account = await self._whom(former, token)
        if account is None:
            raise RefreshRefused(NOBODY, reason="unknown")
        if account.disabled_at is not None:
            raise RefreshRefused(DISABLED, reason="revoked")
        if reason := await self._ended_since(account, token):
            raise RefreshRefused(SINCE, reason=reason)
        return account

    async def opened(self, move: Move, account: Account, session: Session) -> bool:
        """Whether the session was opened now: by nobody else, and the account is as it was."""
        moved = event(
            "signed_in",
            now=session.opened_at,
            origin=Origin(ip=session.ip, user_agent=session.user_agent),
            user_id=account.user.id,
            session_id=session.id,
            reason="moved",
            system=move.former.system,
        )
        return await self._store.open_session(
            session, password_version=account.password_version, event=moved, replaces=None
        )

    async def _whom(self, former: Former, token: FormerToken) -> Account | None:
        named: Any = token.claims.get(former.claim)
        if former.account is not None:
            named = await self._ask(former, "account", token, Named)
        if isinstance(named, int) and not isinstance(named, bool):
            named = str(named)
        if not isinstance(named, str) or not named.isprintable():
            return None
        if former.by == "id":
            return await self._by_id(named)
        # An address never stands for a username, nor the other way round.
        return await self._find(named) if ("@" in named) == (former.by == "email") else None

    async def _by_id(self, named: str) -> Account | None:
        if not _ID.fullmatch(named):
            return None
        account = await self._store.find_user("id", named)
        if account is None and (written := _as_ours(named)):
            return await self._store.find_user("id", written)
        return account

    async def _ended_since(self, account: Account, token: FormerToken) -> str | None:
        """Why all sessions of the user ended after this token was made, if they did.

        A token without `iat` may be as old as can be.
        """
        issued = token.instant("iat") or 0.0
        since, user_id = max(0.0, issued - SKEW), account.user.id
        if account.password_version:
            changed = await self._store.events(user_id=user_id, kind="password_changed", limit=1)
            if not changed or changed[0].at >= since:
                return "password_changed"
        kinds: tuple[Kind, ...] = ("user_disabled", "session_ended")
        for kind in kinds:
            found = await self._store.events(
                user_id=user_id, kind=kind, since=since, limit=MOST_EVENTS
            )
            if kind == "user_disabled" and found:
                return "revoked"
            for each in found:
                if "sessions" in each.detail:  # all of them; see `ending`
                    return each.reason or "revoked"
            if len(found) == MOST_EVENTS:
                return "revoked"
        return None

    async def _ask(self, former: Former, name: str, token: FormerToken, wanted: Any) -> Any:  # noqa: ANN401
        """What one of the app's functions says.

        Raises:
            Unavailable: it fails, takes too long, or says something else. Nobody is let in then,
                and nobody is told that the token is bad.
        """
        try:
            answer = await called(
                getattr(former, name), token, seconds=ASK_SECONDS, threads=self._threads
            )
        except Failed as failed:
            logger.error(  # noqa: TRY400  the trace is that of the app's own error
                "moving: %s failed: %s", name, failed, exc_info=failed.__cause__
            )
        else:
            if isinstance(answer, wanted):
                return answer
            logger.error("moving: %s returned %s", name, type(answer).__name__)
        raise Unavailable("The former system's records can't be asked: try again.")


def _as_ours(named: str) -> str | None:
    """A UUID as our ids are written, which an import keeps."""
    try:
        return UUID(named).hex
    except ValueError:
        return None
