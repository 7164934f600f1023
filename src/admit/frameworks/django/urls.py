"""The routes: `path("", include("admit.frameworks.django.urls"))`.

They bring their prefix along, so nothing stands before them in the URLconf.
"""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, get_script_prefix
from django.urls.resolvers import RegexPattern

from admit.frameworks.django.configured import chosen
from admit.frameworks.django.routes import routes


class WholePath(RegexPattern):
    """By the public path: what a server calls its `SCRIPT_NAME` or `root_path` stands before it."""

    def match(self, path: str) -> Any:  # noqa: ANN401  as Django has it
        """What is ours, wherever the project is mounted."""
        return super().match(get_script_prefix().lstrip("/") + path)


_found = chosen()
if _found is not None and not _found.prefix:
    raise ImproperlyConfigured(
        "ADMIT in settings.py: ADMIT_PREFIX (prefix) is empty, so every path would be Admit's:"
        " set /auth."
    )

urlpatterns = []  # a Verifier has no routes
if _found is not None:
    # To find any route by its name Django turns all patterns round: a flag such as (?s) would be
    # an error in whatever page of the project has a link.
    _ours = WholePath(rf"^{re.escape(_found.prefix.lstrip('/'))}(?:/[\s\S]*)?\Z")
    urlpatterns.append(URLPattern(_ours, routes, name="admit"))
