"""The views of the project, loaded once it has settings."""

from django.http import HttpResponse, JsonResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from admit.errors import Forbidden
from admit.frameworks.django import guard
from admit.frameworks.django.rest import AdmitAuthentication


def who(request):
    principal = request.principal
    return JsonResponse({"user_id": principal.user_id if principal else None})


async def later(request):
    return who(request)


def raises(request):
    raise Forbidden


def leaves(request):
    """A page that signs out, and that caches were to keep."""
    answer = HttpResponse("gone")
    answer.delete_cookie("admit-refresh")
    answer["Cache-Control"] = "public, max-age=60"
    answer["Expires"] = "Thu, 01 Jan 2032 00:00:00 GMT"
    return answer


@method_decorator(guard.user, name="dispatch")
class Thing(View):
    def get(self, request):
        return who(request)


@method_decorator(guard.user, name="dispatch")
class LaterThing(View):
    async def get(self, request):
        return who(request)


class Rest(APIView):  # type: ignore[misc]  # it brings no types
    authentication_classes = (AdmitAuthentication,)
    permission_classes = (IsAuthenticated,)
    renderer_classes = (JSONRenderer,)

    def get(self, request):
        return Response({"user_id": request.auth.user_id, "user": str(request.user)})

    post = get


def listed(views):
    return [path(name, csrf_exempt(view)) for name, view in views.items()]


urlpatterns = [
    *listed(
        {
            "guarded": guard.user(who),
            "optional": guard.optional(who),
            "admin": guard.role("admin")(who),
            "recent": guard.recent(minutes=5)(who),
            "both": guard.needs(role="admin", within=300)(who),
            "later": guard.user(later),
            "thing": Thing.as_view(),
            "later-thing": LaterThing.as_view(),
            "open": lambda _: JsonResponse({"open": True}),
            "raises": raises,
            "unguarded": who,
            "leaves": leaves,
            "cookies": lambda request: JsonResponse(request.COOKIES),
            "rest": Rest.as_view(),
        }
    ),
    path("slashed/", guard.user(who)),
    path("", include("admit.frameworks.django.urls")),
]
