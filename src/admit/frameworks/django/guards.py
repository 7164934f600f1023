"""Decorators for Django's views, whether functions or classes, sync or async."""

from __future__ import annotations

from functools import wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from admit.errors import Refusal
from admit.frameworks.django.configured import auth as configured
from admit.frameworks.door import Door
from admit.frameworks.guarding import Decorator, Guarding, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from admit.frameworks.bridge import Guarded
    from admit.guards.gate import Needs
    from admit.guards.problems import Answer
    from admit.model import Principal

CREDENTIALS = ("Authorization", "Cookie")
"""What a guard looks at."""


class Guard(Guarding[Decorator]):
    """Lets callers in; `request.principal` is who calls.

    For views that are classes: `@method_decorator(guard.user, name="dispatch")`.

    Arguments:
        auth: `Admit` or a `Verifier`; what the project's settings say where None.
    """

    def __init__(self, auth: Guarded | None = None) -> None:
        super().__init__()
        self._auth = auth
        self._door: tuple[Guarded, Door] | None = None

    def _made(self, needs: Needs) -> Decorator:
        def guard(view: View, /) -> View:
            return self._before(view, needs)

        return guard

    def principal(self, request: HttpRequest) -> Principal | None:
        """Who calls, as `request.principal` has it, for those who check types."""
        return cast("Principal | None", getattr(request, "principal", None))

    def caller(self, request: HttpRequest) -> Principal:
        """Who calls, where somebody has to.

        Raises:
            RuntimeError: nobody calls, or no guard stands before this view.
        """
        principal = self.principal(request)
        if principal is None:
            raise RuntimeError("Nobody calls: put @guard.user before the view, or ask principal.")
        return principal

    def door(self) -> Door:
        """What lets in."""
        auth = self._auth if self._auth is not None else configured()
        if self._door is None or self._door[0] is not auth:
            self._door = (auth, Door(auth))
        return self._door[1]

    def _before(self, view: View, needs: Needs) -> View:
        if _is_of_class(view):
            raise TypeError(
                f"{view.__qualname__} is no function of a request: put"
                ' @method_decorator(guard.user, name="dispatch") over the class.'
            )
        if _is_async(view):
            return cast("View", self._async(view, needs))

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            door = self.door()
            try:
                principal = door.admit(request.META, needs)
            except Refusal as refusal:
                return response(door.answer(refusal))
            request.principal = principal  # type: ignore[attr-defined]
            return _varying(view(request, *args, **kwargs))

        return cast("View", guarded)

    def _async(self, view: Callable[..., Any], needs: Needs) -> Callable[..., Any]:
        @wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            door = self.door()
            try:
                principal = await door.admit_async(request.META, needs)
            except Refusal as refusal:
                return response(door.answer(refusal))
            request.principal = principal  # type: ignore[attr-defined]
            return _varying(await view(request, *args, **kwargs))

        return guarded


def _is_of_class(view: object) -> bool:
    """Whether it is a class of views, or a function that has to be handed one of its objects."""
    if isinstance(view, FunctionType):
        return view.__code__.co_varnames[:1] == ("self",)
    return isinstance(view, type)


def _is_async(view: Callable[..., Any]) -> bool:
    """Whether its answer is awaited; `method_decorator` hands on a method of the class's view."""
    bound_to = getattr(getattr(view, "func", view), "__self__", None)
    return iscoroutinefunction(view) or bool(getattr(bound_to, "view_is_async", False))


def _varying(answer: Any) -> Any:  # noqa: ANN401  a view may give anything
    """The answer, which is somebody's own: by these headers Django's cache tells callers apart."""
    if isinstance(answer, HttpResponseBase):
        patch_vary_headers(answer, CREDENTIALS)
    return answer


def response(answer: Answer) -> HttpResponse:
    """A refusal as Django sends it."""
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)
