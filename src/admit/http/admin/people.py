"""Users and their sessions, as an administrator sees and changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from admit.errors import Forbidden, InvalidInput, NotFound
from admit.http import credentials, parsing
from admit.http.admin import bodies
from admit.http.admin.callers import YOURSELF, must_be_another
from admit.http.admin.queries import Asked, cursor
from admit.http.bodies import SessionsOut, answer, session_out
from admit.logins import email_key
from admit.model import A_ROLE, ROLE
from admit.tokens.refresh import is_session_id
from admit.users.base import ID

if TYPE_CHECKING:
    from starlette.requests import Request

    from admit.engine import Engine
    from admit.http.admin.callers import Administrators
    from admit.model import Account, Origin

NO_USER = "There is no such user."
NO_SESSION = "There is no such session."


class People:
    """The routes of users and of what they are signed in on.

    Arguments:
        engine: does what is asked.
        administrators: says who may ask.
    """

    def __init__(self, engine: Engine, administrators: Administrators) -> None:
        self._engine = engine
        self._administrators = administrators

    async def admin_users(self, request: Request) -> Response:
        """`GET /admin/users`."""
        await self._administrators.admit(request)
        asked = Asked(request, "search", "after", "limit")
        search, after, limit = asked.search(), asked.after(), asked.limit()
        asked.check()
        found = await self._engine.store.list_users(
            search=email_key(search), after=after, limit=limit + 1
        )
        shown, more = found[:limit], len(found) > limit
        return answer(
            bodies.AdminUsersOut(
                users=[bodies.admin_user_out(each) for each in shown],
                next=cursor(shown[-1].email_key) if more else None,
            )
        )

    async def admin_user(self, request: Request) -> Response:
        """`GET /admin/users/{id}`."""
        await self._administrators.admit(request)
        Asked(request).check()
        return _user(await self._account(request))

    async def admin_user_sessions(self, request: Request) -> Response:
        """`GET /admin/users/{id}/sessions`."""
        principal = await self._administrators.admit(request)
        Asked(request).check()
        account = await self._account(request)
        living = await self._engine.sessions.list(account.user.id, now=self._engine.clock())
        shown = [session_out(each, current=principal.session_id) for each in living]
        return answer(SessionsOut(sessions=shown))

    async def disable_user(self, request: Request) -> Response:
        """`POST /admin/users/{id}/disable`."""
        return await self._set_enabled(request, enabled=False)

    async def enable_user(self, request: Request) -> Response:
        """`POST /admin/users/{id}/enable`."""
        return await self._set_enabled(request, enabled=True)

    async def set_user_roles(self, request: Request) -> Response:
        """`POST /admin/users/{id}/roles`."""
        principal = await self._administrators.admit(request)
        Asked(request).check()
        body = await parsing.read(request, bodies.RolesBody)
        _check_roles(add=body.add, remove=body.remove)
        account = await self._account(request)
        role = self._engine.settings.admin_role
        own = account.user.id == principal.user_id
        if own and role in body.remove and role not in body.add:
            raise Forbidden(YOURSELF)
        await self._engine.accounts.set_roles(
            account.user.id,
            add=body.add,
            remove=body.remove,
            now=self._engine.clock(),
            by=principal.user_id,
            origin=self._origin(request),
        )
        return _user(await self._account(request))

    async def end_user_sessions(self, request: Request) -> Response:
        """`DELETE /admin/users/{id}/sessions`."""
        principal = await self._administrators.admit(request)
        Asked(request).check()
        account = await self._account(request)
        ended = await self._engine.sessions.revoke(
            now=self._engine.clock(),
            user_id=account.user.id,
            by=principal.user_id,
            origin=self._origin(request),
        )
        return answer(bodies.EndedOut(ended=len(ended)))

    async def end_any_session(self, request: Request) -> Response:
        """`DELETE /admin/sessions/{id}`: one that is over already stays as it is."""
        principal = await self._administrators.admit(request)
        Asked(request).check()
        session_id = request.path_params["id"]
        known = is_session_id(session_id) and await self._engine.store.find_session(session_id)
        if not known:
            raise NotFound(NO_SESSION)
        await self._engine.sessions.revoke(
            now=self._engine.clock(),
            session_id=session_id,
            by=principal.user_id,
            origin=self._origin(request),
        )
        return Response(status_code=204)

    async def _set_enabled(self, request: Request, *, enabled: bool) -> Response:
        principal = await self._administrators.admit(request)
        Asked(request).check()
        await parsing.read(request, bodies.NothingBody)
        account = await self._account(request)
        if not enabled:
            must_be_another(account.user.id, principal)
        await self._engine.accounts.set_enabled(
            account.user.id,
            enabled=enabled,
            now=self._engine.clock(),
            by=principal.user_id,
            origin=self._origin(request),
        )
        return _user(await self._account(request))

    async def _account(self, request: Request) -> Account:
        """The account whose id is in the path, as it stands.

        Raises:
            NotFound: there is none.
        """
        user_id = request.path_params["id"]
        account = None
        if ID.fullmatch(user_id):
            account = await self._engine.store.find_user("id", user_id)
        if account is None:
            raise NotFound(NO_USER)
        return account

    def _origin(self, request: Request) -> Origin:
        return credentials.origin(request.scope, request.headers, self._engine.settings)


def _user(account: Account) -> Response:
    return answer(bodies.AdminUserAnswer(user=bodies.admin_user_out(account)))


def _check_roles(**given: tuple[str, ...]) -> None:
    """Return where each of these is a role.

    Raises:
        InvalidInput: with the field that has another one.
    """
    wrong = {
        name: A_ROLE
        for name, roles in given.items()
        if not all(ROLE.fullmatch(each) for each in roles)
    }
    if wrong:
        raise InvalidInput(fields=wrong)
