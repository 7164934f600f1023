"""The routes: `path("", include("admit.frameworks.django.urls"))`.

They bring their prefix along, so nothing stands before them in the URLconf.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import re_path

from admit.frameworks.django.configured import chosen
from admit.frameworks.django.routes import routes

_found = chosen()
if _found is not None and not _found.prefix:
    raise ImproperlyConfigured(
        "ADMIT in settings.py: ADMIT_PREFIX (prefix) is empty, so every path would be Admit's:"
        " set /auth."
    )
_script = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
_prefix = _found.prefix.removeprefix(_script).lstrip("/") if _found is not None else None

urlpatterns = (
    []  # a Verifier has no routes
    if _prefix is None
    else [re_path(rf"(?s)^{re.escape(_prefix)}(?:/.*)?\Z", routes, name="admit")]
)
