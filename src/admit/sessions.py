"""Sessions: open, refresh, end, list. Here the law of `admit.rotation` is applied."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from admit.errors import InvalidCredentials, RefreshRefused, TooManyAttempts, Unavailable
from admit.events import USER_AGENT_LENGTH, event
from admit.model import Origin, Session
from admit.revocation import ending
from admit.rotation import judge, rest
from admit.stores import patience
from admit.tokens import refresh
from admit.tokens.issue import Issue

if TYPE_CHECKING:
    import builtins

    from admit.accounts import Accounts
    from admit.events import Kind
    from admit.hooks.running import Running
    from admit.model import Account, EndedBecause, Tokens
    from admit.moving.taking import Move, Moving
    from admit.revocation import Revoked
    from admit.rotation import Verdict
    from admit.settings import Settings
    from admit.stores.base import Ending, Rotation, Store
    from admit.telemetry.metrics import Metrics
    from admit.throttle import Throttle
    from admit.tokens.access import AccessTokens
    from admit.tokens.refresh import RefreshToken, RefreshTokens

logger = logging.getLogger("admit.sessions")


class Sessions:
    """The sessions in a store, under the law.

    Arguments:
        settings: lifetimes and leeway.
        store: where they live.
        access: mints access tokens.
        tokens: writes and reads refresh tokens.
        revoked: told of every ending at once.
        accounts: checks who signs in.
        throttle: who may try.
        metrics: counts sign-ins and refreshes.
        hooks: add claims to access tokens, and are told of sign-ins and of reuse.
        moving: takes refresh tokens of former systems; None where there are none.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        access: AccessTokens,
        tokens: RefreshTokens,
        revoked: Revoked,
        accounts: Accounts,
        throttle: Throttle,
        metrics: Metrics,
        hooks: Running,
        moving: Moving | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._access = access
        self._tokens = tokens
        self._revoked = revoked
        self._accounts = accounts
        self._throttle = throttle
        self._metrics = metrics
        self._hooks = hooks
        self._issue = Issue(settings, access, tokens, hooks)
        self._moving = moving

    async def sign_in(
        self,
        *,
        login: str,
        password: str,
        now: float,
        origin: Origin | None = None,
        replaces: str | None = None,
    ) -> Tokens:
        """Check the password and open a session.

        Arguments:
            login: the e-mail address or the username.
            password: as typed.
            now: the instant, in seconds since 1970.
            origin: where the request came from.
            replaces: the refresh token of the session that this browser holds; it is ended.

        Raises:
            InvalidCredentials, TooManyAttempts, Unavailable: as in `Accounts.check`.
        """
        try:
            account = await self._accounts.check(
                login=login, password=password, now=now, origin=origin
            )
            return await self.open(account, now=now, origin=origin, replaces=replaces)
        except (TooManyAttempts, Unavailable) as error:
            self._metrics.signed_in(error.code)
            raise

    async def open(
        self,
        account: Account,
        *,
        now: float,
        origin: Origin | None = None,
        replaces: str | None = None,
    ) -> Tokens:
        """Open a session for an account whose password was just checked.

        Raises:
            InvalidCredentials: the password changed, or the account was disabled, meanwhile.
        """
        origin = origin or Origin()
        handle = refresh.new_handle()
        ends_at = now + self._settings.session_ttl
        session = Session(
            id=refresh.session_id(handle),
            user_id=account.user.id,
            generation=0,
            rotated_at=now,
            retry_key=None,
            opened_at=now,
            expires_at=min(now + self._settings.refresh_ttl, ends_at),
            ends_at=ends_at,
            ended_at=None,
            ended_because=None,
            auth_time=now,
            amr=("pwd",),
            user_agent=(origin.user_agent or "")[:USER_AGENT_LENGTH] or None,
            ip=origin.ip,
        )
        # Before anything is written: with no key that can sign, there is to be no session either.
        tokens = await self._issue.tokens(account, session, handle, now=now)
        held = self._tokens.read(replaces) if replaces else None
        user_id = account.user.id
        opened = await self._store.open_session(
            session,
            password_version=account.password_version,
            event=event(
                "signed_in",
                now=now,
                origin=origin,
                user_id=user_id,
                session_id=session.id,
                reason="pwd",
            ),
            replaces=self._ending("signed_out", held.session_id, now, origin) if held else None,
        )
        if not opened:
            self._metrics.signed_in("raced")
            self._hooks.sign_in_refused(
                event("sign_in_failed", now=now, origin=origin, user_id=user_id, reason="raced")
            )
            raise InvalidCredentials
        if held:
            await self._revoked.changed(now)
        self._metrics.signed_in("success")
        self._hooks.signed_in(account.user, session)
        return tokens

    async def refresh(
        self,
        token: str,
        *,
        now: float,
        idempotency_key: str | None = None,
        origin: Origin | None = None,
    ) -> Tokens:
        """Exchange a refresh token for its successor and an access token (RFC 6749 section 6).

        Arguments:
            token: the refresh token.
            now: the instant, in seconds since 1970.
            idempotency_key: any text that is the same over the retries of one refresh.
            origin: where the request came from.

        Raises:
            RefreshRefused: with `reason`; the session is ended where it is `reuse_detected`.
            TooManyAttempts: this session, or forged tokens, were refused too often from here.
            Unavailable: the store is out, or contradicts itself; try again.
        """
        try:
            verdict, tokens = await self._exchange(
                token, now=now, idempotency_key=idempotency_key, origin=origin
            )
        except (RefreshRefused, TooManyAttempts, Unavailable) as error:
            self._metrics.refreshed(error.reason or error.code)
            raise
        self._metrics.refreshed(verdict)
        return tokens

    async def _exchange(
        self, token: str, *, now: float, idempotency_key: str | None, origin: Origin | None
    ) -> tuple[str, Tokens]:
        """The verdict, and the tokens that it gives; raises as `refresh` does."""
        ip = origin.ip if origin else None
        held, former = self._read(token)
        if held is None:
            await self._throttle.refresh(None, ip)
            await self._throttle.refresh_refused(None, ip)
            raise RefreshRefused("This is not a refresh token of ours.", reason="malformed")
        session_id = held.session_id
        await self._throttle.refresh(session_id, ip)
        # Before anything is written: or, with no key to sign with, the retry of an honest client
        # would come back as theft.
        self._access.check_ready(now)
        retry_key = refresh.retry_key(idempotency_key)
        rotation = await self._rotate(held, retry_key, now)
        if former and rotation is None:
            tokens = await self._moved(former, now=now, retry_key=retry_key, origin=origin)
            if tokens:
                return "moved", tokens
            rotation = await self._rotate(held, retry_key, now)  # somebody else was quicker
        if rotation and rotation.won:
            return "won", await self._renewed(rotation, held, now)
        verdict = judge(
            rotation.session if rotation else None,
            generation=held.n,
            retry_key=retry_key,
            now=now,
            leeway=self._settings.leeway,
        )
        if rotation and verdict == "repeat":
            return verdict, await self._renewed(rotation, held, now)
        reason = await self._heed(verdict, held, rotation, now=now, origin=origin)
        await self._throttle.refresh_refused(session_id, ip)
        raise RefreshRefused(WHY[reason], reason=reason)

    def _read(self, token: str) -> tuple[RefreshToken | None, Move | None]:
        """What a token of ours holds; or a former system's, as if it were our generation 0."""
        held = self._tokens.read(token)
        if held or not self._moving:
            return held, None
        former = self._moving.read(token)
        return (former.held if former else None), former

    async def _moved(
        self, former: Move, *, now: float, retry_key: bytes | None, origin: Origin | None
    ) -> Tokens | None:
        """The tokens of the session that a former system's token becomes now.

        None where another was quicker; raises as `Move.open` does.
        """
        held = former.held
        try:
            opened = await former.open(now=now, retry_key=retry_key, origin=origin)
        except RefreshRefused:
            await self._throttle.refresh_refused(held.session_id, origin.ip if origin else None)
            raise
        return await self._issue.tokens(*opened, held.h, now=now) if opened else None

    async def _rotate(
        self, held: RefreshToken, retry_key: bytes | None, now: float
    ) -> Rotation | None:
        return await self._store.rotate(
            held.session_id,
            generation=held.n,
            retry_key=retry_key,
            deadline=now + self._settings.refresh_ttl,
            now=now,
            rest=rest(held.n, now=now, leeway=self._settings.leeway),
        )

    async def _renewed(self, rotation: Rotation, held: RefreshToken, now: float) -> Tokens:
        return await self._issue.tokens(rotation.account, rotation.session, held.h, now=now)

    async def _heed(
        self,
        verdict: Verdict,
        held: RefreshToken,
        found: Rotation | None,
        *,
        now: float,
        origin: Origin | None,
    ) -> str:
        """Do what a refusal demands, and return the reason for it.

        Raises:
            Unavailable: the store contradicts itself; that is never taken for theft.
        """
        if verdict == "inconsistent":
            self._metrics.contradicted()
            logger.error("session %s is behind a write that must have won", held.session_id)
            raise Unavailable("The store contradicts itself: try again.")
        if found and verdict == "reuse_detected":
            # Awaited before anything is raised: a refusal must never undo this write. And it is not
            # to fail for the time that the rotation took: who is seen may not come again.
            await patience.apart(self._end_stolen(found, now=now, origin=origin))
        if verdict == "unknown" and held.exp <= now:
            return "expired"  # it was genuine, and has been cleaned up since
        return verdict

    async def _end_stolen(self, found: Rotation, *, now: float, origin: Origin | None) -> None:
        session_id = found.session.id
        because = self._ending("reuse_detected", session_id, now, origin, kind="reuse_detected")
        if await self.end(because, now=now):
            self._metrics.reuse_detected()
            logger.warning("refresh token reuse: session %s is ended", session_id)
            self._hooks.reuse_detected(found.account.user, found.session)

    async def sign_out(self, token: str, *, now: float, origin: Origin | None = None) -> None:
        """End the session of this refresh token, of whatever generation; forged ones do nothing.

        A former system's token becomes a session that is over, so that nobody can use it later.
        """
        held, former = self._read(token)
        if held is None:
            return
        if former and await self._store.find_session(held.session_id) is None:
            with suppress(RefreshRefused):  # it counts for nothing already
                await former.open(now=now, origin=origin, spent=True)
        await self.end(self._ending("signed_out", held.session_id, now, origin), now=now)

    async def end(self, ending: Ending, *, now: float) -> list[str]:
        """End the sessions that are meant; their access tokens are refused here at once."""
        ended = await self._store.end_sessions(ending, now=now)
        if ended:
            await self._revoked.changed(now)
        return ended

    async def end_own(
        self, user_id: str, session_id: str, *, now: float, origin: Origin | None = None
    ) -> bool:
        """End one living session of this user; False where it is not theirs, or over."""
        because = ending(
            "signed_out",
            self._settings,
            now=now,
            origin=origin,
            session_id=session_id,
            user_id=user_id,
        )
        return bool(await self.end(because, now=now))

    async def end_all(self, user_id: str, *, now: float, origin: Origin | None = None) -> int:
        """End every session of this user; return how many there were."""
        because = ending("signed_out", self._settings, now=now, origin=origin, user_id=user_id)
        return len(await self.end(because, now=now))

    async def revoke(
        self,
        *,
        now: float,
        session_id: str | None = None,
        user_id: str | None = None,
        by: str | None = None,
        origin: Origin | None = None,
    ) -> builtins.list[str]:
        """End one session, or every one of a user, as an administrator; return the ids that ended.

        Arguments:
            now: the instant, in seconds since 1970.
            session_id: which session; else all of `user_id`.
            user_id: whose.
            by: the id of the administrator who does it, for the audit trail.
            origin: where their request came from.
        """
        because = ending(
            "revoked",
            self._settings,
            now=now,
            session_id=session_id,
            user_id=user_id,
            by=by,
            origin=origin,
        )
        return await self.end(because, now=now)

    async def list(self, user_id: str, *, now: float) -> list[Session]:
        """The user's living sessions, the newest first."""
        return await self._store.list_sessions(user_id, now=now)

    def _ending(
        self,
        because: EndedBecause,
        session_id: str,
        now: float,
        origin: Origin | None,
        kind: Kind = "session_ended",
    ) -> Ending:
        return ending(
            because, self._settings, now=now, origin=origin, session_id=session_id, kind=kind
        )


WHY = {
    "unknown": "There is no such session: sign in again.",
    "expired": "The session has expired: sign in again.",
    "signed_out": "The session was signed out: sign in again.",
    "password_changed": "The password was changed: sign in again.",
    "reuse_detected": "This token was used before, and so was its successor: somebody may have"
    " stolen it, and the session was ended. Sign in again.",
    "revoked": "The session was ended by an administrator: sign in again.",
}
"""What the reason means, for people."""
