"""The access token, as its issuer mints it and checks it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from admit.tokens.checker import Checker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admit.model import Account, Session
    from admit.revocation import Revoked
    from admit.settings import Settings
    from admit.tokens.keys import Keyring

CLIENT_ID = "admit"
"""RFC 9068 requires a client; ours is the first party."""


class AccessTokens(Checker):
    """Mints access tokens, and verifies them.

    Arguments:
        settings: issuer, audience and lifetime.
        keys: the keys that sign and verify now.
        revoked: what is revoked, as far as this process knows.
    """

    def __init__(self, settings: Settings, keys: Keyring, revoked: Revoked) -> None:
        super().__init__(
            issuer=settings.issuer,
            audience=settings.audience,
            ttl=settings.access_ttl,
            keys=keys,
            revoked=revoked,
        )
        self._lifetime = settings.access_ttl
        self._keys = keys

    def check_ready(self, now: float) -> None:
        """Raise Unavailable where no key can sign."""
        self._keys.signing(now)

    def mint(
        self,
        account: Account,
        session: Session,
        *,
        now: float,
        added: Mapping[str, msgspec.Raw] | None = None,
    ) -> tuple[str, int]:
        """An access token for this session and its lifetime in whole seconds.

        It never outlives the session. Its `jti` starts with the account's version, by which a
        change of roles tells the tokens before it from those after it.

        Arguments:
            account: whose it is.
            session: in which.
            now: the instant, in seconds since 1970.
            added: claims of the app, as JSON; none of them has a name of ours.
        """
        key = self._keys.signing(now)
        expires = int(min(now + self._lifetime, session.expires_at))
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": account.user.id,
            "client_id": CLIENT_ID,
            "iat": int(now),
            "exp": expires,
            "jti": f"{account.version}.{secrets.token_urlsafe(16)}",
            "sid": session.id,
            "auth_time": int(session.auth_time),
            "amr": session.amr,
            "roles": account.user.roles,
        }
        if added:
            claims = {**added, **claims}
        text = key.form.write(msgspec.json.encode(claims))
        return text, max(0, expires - int(now))
