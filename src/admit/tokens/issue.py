"""What a session is handed: its refresh token, and an access token with the app's claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.model import Tokens
from admit.tokens.checker import LONGEST

if TYPE_CHECKING:
    from admit.hooks.running import Running
    from admit.model import Account, Session
    from admit.settings import Settings
    from admit.tokens.access import AccessTokens
    from admit.tokens.refresh import RefreshTokens

LONGEST_IN_COOKIE = 4_064
"""Characters of an access token: a cookie holds 4,096 bytes with its name (RFC 6265bis, 5.6)."""


class Issue:
    """Writes the tokens of a session.

    Arguments:
        settings: whether the access token has to fit a cookie.
        access: mints access tokens.
        refresh: writes refresh tokens.
        hooks: add claims.
    """

    def __init__(
        self, settings: Settings, access: AccessTokens, refresh: RefreshTokens, hooks: Running
    ) -> None:
        self._access = access
        self._refresh = refresh
        self._hooks = hooks
        self._longest = LONGEST_IN_COOKIE if settings.access_cookie else LONGEST

    async def tokens(
        self, account: Account, session: Session, handle: str, *, now: float
    ) -> Tokens:
        """The tokens of this row, for the holder of its handle."""
        if self._hooks.adds_claims:
            access_token, expires_in = await self._with_claims(account, session, now)
        else:
            access_token, expires_in = self._access.mint(account, session, now=now)
        return Tokens(
            access_token=access_token,
            expires_in=expires_in,
            refresh_token=self._refresh.of(handle, session),
            refresh_expires_in=max(0, int(session.expires_at) - int(now)),
            user=account.user,
            session_id=session.id,
        )

    async def _with_claims(self, account: Account, session: Session, now: float) -> tuple[str, int]:
        """The access token with the app's claims, or without them where it would be too large."""
        added = await self._hooks.claims(account.user, session)
        minted = self._access.mint(account, session, now=now, added=added)
        if not added or len(minted[0]) <= self._longest:
            return minted
        self._hooks.too_large(len(minted[0]), self._longest)
        return self._access.mint(account, session, now=now)
