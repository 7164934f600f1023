"""Who calls, as the store has them now: another process may have ended or disabled it just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.errors import WAS_REVOKED, InvalidToken

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.model import Account, Principal, Session


async def living_session(engine: Engine, principal: Principal) -> Session:
    """The caller's session.

    Raises:
        InvalidToken: it has ended, with the reason.
        Unavailable: the store can't be asked.
    """
    session = await engine.store.find_session(principal.session_id)
    if session is None or session.ended_because is not None:
        reason = session.ended_because if session else None
        raise InvalidToken(WAS_REVOKED, reason=reason)
    return session


async def enabled_account(engine: Engine, principal: Principal) -> Account:
    """The caller's account.

    Raises:
        InvalidToken: it is disabled, or gone.
        Unavailable: the store can't be asked.
    """
    account = await engine.store.find_user("id", principal.user_id)
    if account is None or account.disabled_at is not None:
        raise InvalidToken(WAS_REVOKED, reason="revoked")
    return account
