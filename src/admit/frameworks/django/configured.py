"""What the project's `settings.py` says: `ADMIT`, or `ADMIT_AUTH`.

`ADMIT` holds settings by their names. Where an `Admit` needs more than settings (users of your own,
hooks), make it in a module of yours and name it: `ADMIT_AUTH = "project.signing_in.auth"`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from admit.auth import Admit
from admit.errors import SettingsError
from admit.frameworks.bridge import BRIDGE
from admit.frameworks.guarding import admit_of
from admit.settings import Settings

if TYPE_CHECKING:
    from admit.frameworks.bridge import Guarded

NAMES = frozenset({"ADMIT", "ADMIT_AUTH"})


@cache
def auth() -> Guarded:
    """The `Admit` of this process, or what `ADMIT_AUTH` names; made when it is first asked for.

    Raises:
        ImproperlyConfigured: it can't work; the sentence names the setting and says what to do.
    """
    named = getattr(settings, "ADMIT_AUTH", None)
    if named is None:
        try:
            return Admit(read())
        except SettingsError as error:
            raise _wrong(error) from None
    made = import_string(named)
    if not hasattr(made, "gate"):
        raise ImproperlyConfigured(
            f"ADMIT_AUTH names {named!r}, which is no Admit and no Verifier: make one there."
        )
    return made  # type: ignore[no-any-return]


def read() -> Settings:
    """The settings in `ADMIT`; nothing is made, and nothing opened.

    Raises:
        ImproperlyConfigured: they can't work; the sentence names one and says what to do.
    """
    given = getattr(settings, "ADMIT", {})
    if not isinstance(given, dict) or not all(isinstance(each, str) for each in given):
        raise ImproperlyConfigured(
            'ADMIT in settings.py must be a dict of settings by their names: {"base_url": …}.'
        )
    try:
        return Settings.load(**given)
    except SettingsError as error:
        raise _wrong(error) from None


def chosen() -> Settings | None:
    """The settings, wherever they are; None where a `Verifier` has none."""
    if not getattr(settings, "ADMIT_AUTH", None):
        return read()
    engine = admit_of(auth())
    return engine.settings if engine is not None else None


def _wrong(error: SettingsError) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"ADMIT in settings.py: {error}")


def _changed(*, setting: str, **_: Any) -> None:  # noqa: ANN401  as Django sends it
    """Make it anew where a test has other settings."""
    if setting not in NAMES or not auth.cache_info().currsize:
        return
    engine = admit_of(auth())
    auth.cache_clear()
    if engine is not None:
        BRIDGE.call(engine.close())


setting_changed.connect(_changed)
