"""Orders: anybody looks, customers order, staff sees all, and forgetting wants a new sign-in."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.http import require_POST

from admit.frameworks.django import guard

ordered: dict[str, list[str]] = {}


@guard.optional
def home(request: HttpRequest) -> HttpResponse:
    """A page that a server renders; where the session needs it, it was renewed on the way in."""
    visitor = guard.principal(request)
    mine = ordered.get(visitor.user_id, []) if visitor else None
    said = "Sign in, and order." if mine is None else f"You have {len(mine)}."
    return HttpResponse(f"<h1>Orders</h1><p>{said}</p>")


@guard.user
def orders(request: HttpRequest) -> HttpResponse:
    """What the caller has ordered, and one thing more; a form of another site can't."""
    mine = ordered.setdefault(guard.caller(request).user_id, [])
    mine += request.POST.getlist("what")
    return JsonResponse(mine, safe=False)


@require_POST
@guard.recent(minutes=5)
def forget(request: HttpRequest) -> HttpResponse:
    """Forget them all, for who signed in within five minutes."""
    ordered.pop(guard.caller(request).user_id, None)
    return HttpResponse(status=204)


urlpatterns = [
    path("", home),
    path("orders", orders),
    path("orders/forget", forget),
    path("staff/orders", guard.role("staff")(lambda _: JsonResponse(ordered))),
    path("", include("admit.frameworks.django.urls")),
]
