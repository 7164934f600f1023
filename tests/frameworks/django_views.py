"""The views of the project, loaded once it has settings."""

from django.http import JsonResponse
from django.urls import include, path


def bare(request):
    return JsonResponse({"method": request.method})


urlpatterns = [path("bare", bare), path("", include("admit.frameworks.django.urls"))]
