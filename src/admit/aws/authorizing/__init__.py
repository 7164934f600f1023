"""A Lambda authorizer for API Gateway: REST and HTTP APIs, in every form of question and answer.

What the caller of the guarded API gets to see where nobody is let in:

| API | no token | a forged token | an expired or revoked one | it can't be told |
|---|---|---|---|---|
| REST | 401 | 401 | 401; with `deny`, the gateway response ACCESS_DENIED, which can say why | 500 |
| HTTP | 401, by API Gateway itself | 403 | 403 | 500 |

A REST API turns the error `Unauthorized` into 401, after which a client refreshes. An HTTP API has
no such thing: it turns every error into 500. What is denied stays denied for as long as the
authorizer's cache says, so a REST API denies only what can never become good again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from admit.aws.authorizing import answers, events
from admit.errors import InvalidToken, Malformed, Unauthenticated
from admit.verifier.on_request import OnRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admit.aws.authorizing.events import Asked
    from admit.aws.authorizing.settings import AuthorizerSettings
    from admit.errors import Refusal
    from admit.model import Principal
    from admit.verifier.instants import Clocks


class Unauthorized(Exception):
    """What API Gateway makes a 401 of; its text must be exactly this word."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Authorizer:
    """Answers API Gateway.

    Arguments:
        settings: whom to believe, and how to answer.
        clocks: the wall clock and the monotonic one.
    """

    def __init__(self, settings: AuthorizerSettings, *, clocks: Clocks | None = None) -> None:
        self._settings = settings
        self._clocks = clocks
        self._verifier: OnRequest | None = None

    def __call__(self, event: Mapping[str, Any], _context: object = None) -> dict[str, Any]:
        """The answer to this event.

        Raises:
            Unauthorized: nobody is let in, and the caller shall see 401.
            Unavailable: it can't be told whether somebody may be let in; the caller sees 500.
            ValueError: this is no event of an authorizer.
        """
        asked = events.asked(event)
        try:
            principal = self._verify(events.token(event, asked.form))
        except (InvalidToken, Malformed, Unauthenticated) as refusal:
            return self._refuse(asked, refusal)
        return self._allow(asked, principal)

    def close(self) -> None:
        """Let go of the connection to the issuer, where there is one."""
        if self._verifier is not None:
            self._verifier.close()

    def _verify(self, token: str) -> Principal:
        """Who calls; what remembers is made for the first event, and no restored copy shares it."""
        if self._verifier is None:
            self._verifier = OnRequest(
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                key=self._settings.key,
                url=self._settings.url,
                look=self._settings.look,
                max_age=self._settings.max_age,
                access_ttl=self._settings.access_ttl,
                clocks=self._clocks,
            )
        return self._verifier.verify(token)

    def _allow(self, asked: Asked, principal: Principal) -> dict[str, Any]:
        context = answers.of_principal(principal)
        if self._is_simple(asked):
            return answers.simple(context, allowed=True)
        return answers.policy(asked.stage, principal.user_id, context, allowed=True)

    def _refuse(self, asked: Asked, refusal: Refusal) -> dict[str, Any]:
        final = self._settings.deny and refusal.reason
        if asked.form in {"token", "request"} and not final:
            raise Unauthorized from None
        context = answers.of_refusal(refusal)
        if self._is_simple(asked):
            return answers.simple(context, allowed=False)
        return answers.policy(asked.stage, answers.NOBODY, context, allowed=False)

    def _is_simple(self, asked: Asked) -> bool:
        return asked.form == "http2" and self._settings.simple
