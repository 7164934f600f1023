"""Admit as an authentication class of Django REST framework.

    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["admit.frameworks.django.rest.AdmitAuthentication"],
    }

A bad token is refused as everywhere, by our middleware. Where there is none, `IsAuthenticated`
refuses in that framework's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.authentication import BaseAuthentication

from admit.frameworks.django import guard
from admit.guards.gate import Needs
from admit.guards.problems import REALM

if TYPE_CHECKING:
    from rest_framework.request import Request

    from admit.model import Principal

OPTIONAL = Needs(optional=True)


class SignedIn:
    """What stands in `request.user`: a principal, for permissions that ask whether there is one."""

    is_authenticated = True
    is_anonymous = False
    is_staff = False  # for `IsAdminUser`: nobody here is of Django's own staff

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.pk = self.id = principal.user_id

    def __str__(self) -> str:
        return self.pk


class AdmitAuthentication(BaseAuthentication):  # type: ignore[misc]  # it brings no types
    """Who calls, in `request.auth`; override `user` to have a row of yours in `request.user`."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """The user and the principal; None where no token is presented.

        Raises:
            Refusal: the token is not good, or came in the cookie from another site.
        """
        principal = guard.door().admit(request.META, OPTIONAL)
        return None if principal is None else (self.user(principal), principal)

    def authenticate_header(self, _: Request) -> str:
        """The challenge of a 401."""
        return REALM

    def user(self, principal: Principal) -> Any:  # noqa: ANN401  the project's own class, perhaps
        """What stands in `request.user`."""
        return SignedIn(principal)
