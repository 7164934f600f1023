"""Who administers: a bearer token with the role, and an account that still has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.errors import WAS_REVOKED, Forbidden, InvalidToken
from admit.guards import presented
from admit.guards.gate import Needs
from admit.http.standing import enabled_account, living_session

if TYPE_CHECKING:
    from starlette.requests import Request

    from admit.engine import Engine
    from admit.model import Principal

YOURSELF = (
    "Nobody locks themselves out: have another administrator do it, or whoever runs the service by"
    " `admit user`."
)


class Administrators:
    """Says who may administer.

    A cookie counts for nothing here, so no page of another site can have anything done.

    Arguments:
        engine: verifies tokens, and knows the role.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._needs = Needs(role=engine.settings.admin_role)

    async def admit(self, request: Request) -> Principal:
        """The administrator who calls.

        The token says what was true when it was minted, so the store is asked what is true now:
        another process may have ended the session, or taken the role away, within this second.

        Raises:
            Unauthenticated: there is no bearer token.
            InvalidToken: it is not good, or no longer.
            Forbidden: it is somebody's who does not administer.
            Unavailable: the store can't be asked.
        """
        token = presented.access_token(request.headers, None)
        await self._engine.catch_up()
        principal = self._engine.gate.fitting(self._engine.verify(token), self._needs)
        await living_session(self._engine, principal)
        account = await enabled_account(self._engine, principal)
        if self._engine.settings.admin_role not in account.user.roles:
            raise InvalidToken(WAS_REVOKED, reason="revoked")
        return principal


def must_be_another(user_id: str, principal: Principal) -> None:
    """Return where an administrator acts on somebody else.

    Raises:
        Forbidden: it is their own account.
    """
    if user_id == principal.user_id:
        raise Forbidden(YOURSELF)
