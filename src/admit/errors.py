"""What can go wrong, as data.

    AdmitError
    ├── SettingsError            the configuration stops the start
    └── Refusal                  a request is refused: code, status, public text
        ├── Malformed            400
        ├── InvalidCredentials   401
        ├── Unauthenticated      401
        ├── InvalidToken         401
        ├── InsufficientUserAuthentication 401
        ├── RefreshRefused       401
        ├── CsrfFailed           403
        ├── Forbidden            403
        ├── NotFound             404
        ├── MethodNotAllowed     405
        ├── AlreadyExists        409
        ├── TooLarge             413
        ├── UnsupportedMediaType 415
        ├── InvalidInput         422
        ├── TooManyAttempts      429
        └── Unavailable          503

The first line of a refusal's docstring is its public text (`title`, RFC 9457 section 3.1).
HTTP is rendered in `admit.http.problems` and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

RefreshReason = Literal[
    "malformed",
    "unknown",
    "expired",
    "signed_out",
    "password_changed",
    "reuse_detected",
    "revoked",
]
"""Why a refresh token is refused; also why an access token's session is over."""


WAS_REVOKED = "The access token was revoked."
"""The same text, whether this process knew it or the store had to tell."""


class AdmitError(Exception):
    """The root of everything Admit raises on purpose."""


class SettingsError(AdmitError):
    """A setting is missing, unknown or unusable; the sentence names it and says what to do."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


class Refusal(AdmitError):
    """The request was refused.

    Arguments:
        detail: a sentence for the caller, or nothing.
        reason: why, for the holder of a genuine token.
        fields: for each input field, what it wants.
        retry_after: whole seconds after which another try makes sense.
        allow: the methods that the address takes (405 only).
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400

    def __init__(
        self,
        detail: str | None = None,
        *,
        reason: str | None = None,
        fields: Mapping[str, str] | None = None,
        retry_after: int | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(detail or self.title())
        self.detail = detail
        self.reason = reason
        self.fields = dict(fields) if fields else None
        self.retry_after = retry_after
        self.allow = allow

    @classmethod
    def title(cls) -> str:
        """The public text: the first line of the docstring (its code, where -OO took those)."""
        return (cls.__doc__ or cls.code).partition("\n")[0]


class Malformed(Refusal):
    """The request cannot be read."""

    code = "malformed"
    status = 400


class InvalidCredentials(Refusal):
    """The login or the password is wrong."""

    code = "invalid_credentials"
    status = 401


class Unauthenticated(Refusal):
    """Sign in first: the request carries no token."""

    code = "unauthenticated"
    status = 401


class InvalidToken(Refusal):
    """The access token is not, or no longer, valid."""

    code = "invalid_token"
    status = 401


class InsufficientUserAuthentication(Refusal):
    """Sign in again: this needs a more recent sign-in.

    Arguments:
        max_age: how many seconds ago the sign-in may have been (RFC 9470 section 3).
    """

    code = "insufficient_user_authentication"
    status = 401

    def __init__(self, detail: str | None = None, *, max_age: int = 0) -> None:
        super().__init__(detail)
        self.max_age = max_age


class RefreshRefused(Refusal):
    """The refresh token is not, or no longer, valid."""

    code = "refresh_refused"
    status = 401


class CsrfFailed(Refusal):
    """The request comes from another site."""

    code = "csrf_failed"
    status = 403


class Forbidden(Refusal):
    """The account lacks a role that this needs."""

    code = "forbidden"
    status = 403


class NotFound(Refusal):
    """There is nothing here."""

    code = "not_found"
    status = 404


class MethodNotAllowed(Refusal):
    """This address does not take that method."""

    code = "method_not_allowed"
    status = 405


class AlreadyExists(Refusal):
    """The e-mail address or username is taken."""

    code = "already_exists"
    status = 409
    wanted = "another one: this one is taken"
    """What each field that is taken wants."""


class TooLarge(Refusal):
    """The request is too large."""

    code = "too_large"
    status = 413


class UnsupportedMediaType(Refusal):
    """The body must be application/json."""

    code = "unsupported_media_type"
    status = 415


class InvalidInput(Refusal):
    """Some fields need another value."""

    code = "invalid_input"
    status = 422


class TooManyAttempts(Refusal):
    """There were too many attempts; try again later."""

    code = "too_many_attempts"
    status = 429


class Unavailable(Refusal):
    """The service cannot answer right now; try again shortly."""

    code = "unavailable"
    status = 503

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, retry_after=retry_after)
