"""Around every view: sessions renewed on the way in, and refusals that a view raised as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from admit.errors import Refusal
from admit.frameworks.bridge import BRIDGE
from admit.frameworks.django.configured import auth
from admit.frameworks.django.guards import response
from admit.frameworks.guarding import admit_of
from admit.frameworks.renewing import Renewing
from admit.http.embedding import lets_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase


class Middleware:
    """Put it into `MIDDLEWARE` before any other that reads cookies.

    `request.principal` is None until a guard says who calls.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._next = get_response
        self._auth = auth()  # here and not at the first request: what can't be made stops the start
        engine = admit_of(self._auth)
        if engine is not None:
            BRIDGE.offer(engine)
        renews = engine is not None and engine.settings.access_cookie
        self._renewing = Renewing(engine) if engine is not None and renews else None
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:  # noqa: ANN401  an answer, or one that is awaited
        """Answer one request."""
        request.principal = None  # type: ignore[attr-defined]
        if self._renewing is None:
            return self._next(request)
        if self._is_async:
            return self._renewed_async(request, self._renewing)
        delivered = self._renewing.renew(request.META).delivered
        return _delivered(self._next(_fresh(request)), delivered)

    def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """A refusal that a view raised, word for word; everything else is not ours."""
        return response(self._auth.gate.answer(error)) if isinstance(error, Refusal) else None

    async def _renewed_async(self, request: HttpRequest, renewing: Renewing) -> HttpResponseBase:
        delivered = (await renewing.renew_async(request.META)).delivered
        return _delivered(await self._next(_fresh(request)), delivered)


def _fresh(request: HttpRequest) -> HttpRequest:
    """The request, whose cookies are read again."""
    request.__dict__.pop("COOKIES", None)
    return request


def _delivered(answer: HttpResponseBase, cookies: tuple[str, ...]) -> HttpResponseBase:
    """The answer with these cookies, which nobody may store then.

    A cookie that the project sets or removes itself is left to it: it signs out, perhaps.
    """
    if not cookies:
        return answer
    for each in cookies:
        if each.partition("=")[0] not in answer.cookies:
            answer.cookies.load(each)
    for name in [each for each in answer.headers if lets_store(each)]:
        del answer[name]
    # Django's own cache may stand around us; in its older releases it heeds `private` alone.
    answer["Cache-Control"] = "no-store, private"
    return answer
