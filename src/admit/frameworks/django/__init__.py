"""Admit in Django, under WSGI and ASGI.

# settings.py
INSTALLED_APPS += ["admit.frameworks.django"]
MIDDLEWARE.insert(1, "admit.frameworks.django.Middleware")  # before any that reads cookies
ADMIT = {"base_url": "https://example.com"}

# urls.py
urlpatterns += [path("", include("admit.frameworks.django.urls"))]

# views.py
@guard.user
def orders(request):
    return JsonResponse({"orders_of": request.principal.user_id})
"""

from __future__ import annotations

from admit.frameworks.django.configured import auth
from admit.frameworks.django.guards import Guard
from admit.frameworks.django.middleware import Middleware

__all__ = ["Guard", "Middleware", "auth", "guard"]

guard = Guard()
"""The guard of what the project's settings say."""
