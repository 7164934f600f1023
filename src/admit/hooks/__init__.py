"""Hooks: what an app adds to its access tokens, and hears of what happened.

A hook is a plain callable, sync or async. Whatever becomes of it, no sign-in and no refresh fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from admit.errors import SettingsError
from admit.model import Session, User


class RefusedSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that was refused. What was typed is not in it: it may have been a password.

    `reason` is `unknown_login`, `wrong_password`, `disabled`, or `raced` where the account changed
    while its password was checked; `user_id` is None where there is no such account.
    """

    at: float
    reason: str
    user_id: str | None
    ip: str | None
    user_agent: str | None


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """What an app has called, given as `Admit(hooks=Hooks(...))`.

    Arguments:
        claims: gives claims for each access token, at sign-in and at refresh, within a second.
        registered: an account was made.
        signed_in: a session was opened with a password.
        sign_in_refused: it was not.
        reuse_detected: a session was ended because its refresh token came back; as it was before.
        password_changed: by its owner, or by an administrator.

    Raises:
        SettingsError: one of them can't be called.
    """

    claims: Callable[[User, Session], Mapping[str, Any] | Awaitable[Mapping[str, Any]]] | None = (
        None
    )
    registered: Callable[[User], object] | None = None
    signed_in: Callable[[User, Session], object] | None = None
    sign_in_refused: Callable[[RefusedSignIn], object] | None = None
    reuse_detected: Callable[[User, Session], object] | None = None
    password_changed: Callable[[User], object] | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            hook = getattr(self, name)
            if hook is not None and not callable(hook):
                raise SettingsError("hooks", f"Hooks({name}=…) wants a function, or leave it out.")
