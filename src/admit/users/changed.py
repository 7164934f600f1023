"""The app tells that it has changed users of its own: they are looked at, from whatever thread."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from admit.errors import AdmitError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from admit.users.beside import Beside

logger = logging.getLogger("admit.engine")


class Changed:
    """Looks at users whom the app has just changed, disabled or deleted.

    Arguments:
        users: those of the app; None where users live in Admit itself.
        begin: starts Admit, where nobody did.
        have_done: has something done where Admit runs, from any thread; False where that is
            nowhere. It raises `RuntimeError` where the event loop was closed just now.
    """

    def __init__(
        self,
        users: Beside | None,
        *,
        begin: Callable[[], Awaitable[None]],
        have_done: Callable[[Coroutine[Any, Any, None]], bool],
    ) -> None:
        self._users = users
        self._begin = begin
        self._have_done = have_done

    async def look(self, user_ids: tuple[object, ...]) -> None:
        """Look now.

        Raises:
            Unavailable: the app's users, or the store, can't be asked.
            SettingsError: the users do not live in the app.
        """
        if self._users is None:
            raise SettingsError("users", "Users live in Admit itself: there is nothing to look at.")
        for user_id in user_ids:
            await self._users.look(str(user_id))  # an integer would be nobody in the app's table

    def look_soon(self, user_ids: tuple[object, ...]) -> None:
        """Have it done, and wait for nothing; what fails, the next refresh sees."""
        looking = self._looked_at(user_ids)
        try:
            if not self._have_done(looking):
                looking.close()
        except RuntimeError:
            looking.close()

    async def _looked_at(self, user_ids: tuple[object, ...]) -> None:
        try:
            await self._begin()
            await self.look(user_ids)
        except AdmitError as error:
            logger.warning("a user's change is seen at the next refresh only: %s", error)
