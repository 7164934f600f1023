"""The app in `INSTALLED_APPS`: settings that can't work stop the start, whatever is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db import close_old_connections
from django.urls import NoReverseMatch, get_script_prefix, reverse

from admit.frameworks.django.configured import chosen, read
from admit.hooks.calls import AROUND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.core.checks.messages import CheckMessage

MIDDLEWARE = "admit.frameworks.django.Middleware"


class Config(AppConfig):
    """`admit.frameworks.django`."""

    name = "admit.frameworks.django"
    label = "admit"
    verbose_name = "Admit"

    def ready(self) -> None:
        """Read the settings, so that what can't work stops the start with one sentence.

        Raises:
            ImproperlyConfigured: naming the setting.
        """
        if not getattr(settings, "ADMIT_AUTH", None):  # else its own module says what is wrong
            read()
        # Or what a hook asks of Django's database would fail for good once that was started anew.
        AROUND.add(close_old_connections)
        checks.register(_check)
        checks.register(_check_routes)
        checks.register(_check_deployed, deploy=True)


def _check(**_: Any) -> Iterable[CheckMessage]:  # noqa: ANN401  as Django calls it
    """The middleware is there: without it no page renews its session."""
    if MIDDLEWARE in settings.MIDDLEWARE:
        return []
    said = (
        f"{MIDDLEWARE!r} is missing in MIDDLEWARE: refusals would be errors, and no page renewed."
    )
    return [checks.Error(said, hint="Add it, before any that reads cookies.", id="admit.E001")]


def _check_routes(**_: Any) -> Iterable[CheckMessage]:  # noqa: ANN401  as Django calls it
    """The routes, where there are any, are at their prefix: else each is a 404."""
    try:
        found = reverse("admit")[len(get_script_prefix()) - 1 :]
    except NoReverseMatch:
        return []
    wanted = chosen()
    if wanted is None or found == wanted.prefix:
        return []
    said = f"Admit's routes are included at {found!r}, and their prefix is {wanted.prefix!r}."
    hint = (
        'Include them as path("", include("admit.frameworks.django.urls")); behind'
        " FORCE_SCRIPT_NAME their prefix begins with that."
    )
    return [checks.Warning(said, hint=hint, id="admit.W002")]


def _check_deployed(**_: Any) -> Iterable[CheckMessage]:  # noqa: ANN401  as Django calls it
    """Who is reached over a network has an https:// base URL, and with it cookies that are safe."""
    found = chosen()
    if found is None or found.secure:
        return []
    said = "The base_url in ADMIT is http://: cookies are for this machine alone."
    return [checks.Warning(said, hint="Set it to https://your.domain.", id="admit.W001")]
