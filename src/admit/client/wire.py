"""What goes to the issuer, and what comes back: the HTTP contract from the client's side."""

from __future__ import annotations

import json
import platform
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from admit import errors
from admit.client.clocks import Held, Now
from admit.client.errors import LostError, NotAdmit
from admit.client.kept import TOKEN, Kept
from admit.client.steps import Hidden, Line, post
from admit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.client.answers import Answer
    from admit.client.steps import Steps

USER_AGENT = f"admit.client/{VERSION} ({platform.system()})"
"""What the list of a user's sessions shows of this device."""
TRIED_AGAIN = frozenset({500, 502, 503, 504})
"""Statuses of a server, or of a proxy before it, that may answer better in a moment."""
OK, NO_CONTENT = 200, 204
SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, as Python reads from a terminal whose text is not UTF-8."""
LONGEST = 10**9
"""Seconds that a token may live, some 30 years."""
REFUSALS = {
    each.code: each
    for each in (
        errors.Malformed,
        errors.InvalidCredentials,
        errors.InvalidToken,
        errors.RefreshRefused,
        errors.CsrfFailed,
        errors.InvalidInput,
        errors.TooManyAttempts,
    )
}


@dataclass(frozen=True)
class Wire:
    """The three questions that a client has for its issuer.

    Each raises the refusal that the server sent; Unavailable where there is no answer, or one that
    may be better in a moment; NotAdmit where it is not Admit that answers.
    """

    issuer: str
    line: Line
    user_agent: str
    now: Callable[[], Now]

    def sign_in(self, login: str, password: str) -> Steps[tuple[Kept, Held]]:
        """Open a session; the tokens come in the body."""
        given = Hidden(login=login, password=password)
        odd = [name for name in given if SURROGATE.search(given[name])]
        if odd:  # to send it would raise an error of Python's that holds the password
            raise errors.InvalidInput(fields=dict.fromkeys(odd, "text that UTF-8 can carry"))
        body = Hidden(given, delivery="body")
        return (yield from self._tokens("login", body, Hidden()))

    def refresh(self, kept: Kept) -> Steps[tuple[Kept, Held]]:
        """Exchange the refresh token, under its retry key."""
        body = Hidden(refresh_token=kept.refresh_token)
        headers = Hidden({"Idempotency-Key": kept.retry_key or ""})
        return (yield from self._tokens("refresh", body, headers))

    def sign_out(self, kept: Kept) -> Steps[None]:
        """End the session of the refresh token, of whatever age that is."""
        body = Hidden(refresh_token=kept.refresh_token)
        answer = yield from self._ask("logout", body, Hidden())
        if answer.status_code != NO_CONTENT:
            raise refusal(answer)

    def _tokens(self, route: str, body: Hidden, headers: Hidden) -> Steps[tuple[Kept, Held]]:
        asked = self.now()  # before it is sent: the token is younger than we think, never older
        answer = yield from self._ask(route, body, headers)
        if answer.status_code != OK:
            raise refusal(answer)
        if (tokens := self._read(answer, asked)) is None:
            raise _not_admit(answer)
        return tokens

    def _ask(self, route: str, body: Hidden, headers: Hidden) -> Steps[Answer]:
        headers["User-Agent"] = self.user_agent
        try:
            return (yield from post(self.line, f"{self.issuer}/{route}", headers, body))
        except LostError as lost:
            told = str(lost)
        # Not from within: it would hold the error of httpx, and so the request with its token.
        raise errors.Unavailable(f"{self.issuer} gave no answer ({told}).", retry_after=0)

    def _read(self, answer: Answer, asked: Now) -> tuple[Kept, Held] | None:
        values = _object(answer)
        access, refresh = values.get("access_token"), values.get("refresh_token")
        expires_in = values.get("expires_in")
        good = all(isinstance(each, str) and TOKEN.fullmatch(each) for each in (access, refresh))
        if not good or isinstance(expires_in, bool) or not isinstance(expires_in, int | float):
            return None
        if not abs(expires_in) <= LONGEST:  # Python's JSON has NaN, and numbers that no float holds
            return None
        kept = Kept(
            issuer=self.issuer,
            access_token=str(access),
            expires_in=expires_in,
            asked_at=asked.wall,
            refresh_token=str(refresh),
        )
        return kept, Held(access_token=kept.access_token, expires_in=expires_in, asked=asked)


def refusal(answer: Answer) -> errors.Refusal:
    """The answer as the refusal that the server raised; only its own words are taken for it."""
    problem = _object(answer)
    detail, reason = _text(problem, "detail"), _text(problem, "reason")
    kind = REFUSALS.get(str(problem.get("code")))
    if kind is not None and kind.status == answer.status_code:
        fields = problem.get("fields")
        return kind(
            detail,
            reason=reason,
            fields=fields if isinstance(fields, dict) else None,
            retry_after=_retry_after(answer),
        )
    if answer.status_code in TRIED_AGAIN:
        told = detail or f"{answer.url} answered {answer.status_code}."
        return errors.Unavailable(told, retry_after=_retry_after(answer) or 0)
    return _not_admit(answer)


def _not_admit(answer: Answer) -> NotAdmit:
    return NotAdmit(
        f"{answer.url} answered {answer.status_code}, and not as Admit does: check the issuer's"
        " address, which has to answer itself and not by a redirect."
    )


def _object(answer: Answer) -> dict[str, Any]:
    try:
        values = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _text(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) else None


def _retry_after(answer: Answer) -> int | None:
    given = answer.headers.get("retry-after", "")
    return int(given) if re.fullmatch(r"[0-9]{1,6}", given) else None
