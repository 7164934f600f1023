"""A store whose verbs are timed, counted and traced, at its boundary."""

from __future__ import annotations

from inspect import iscoroutinefunction
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from admit.telemetry.metrics import Metrics
    from admit.telemetry.tracing import Tracing

Store = TypeVar("Store")


def observed(store: Store, metrics: Metrics, tracing: Tracing) -> Store:
    """The store, observed; the store itself where nobody looks."""
    if not (metrics.on or tracing.on):
        return store
    return cast("Store", Observed(store, metrics, tracing))


class Observed:
    """Stands in for a store: everything is the store's own, its public coroutines are observed."""

    def __init__(self, store: Any, metrics: Metrics, tracing: Tracing) -> None:  # noqa: ANN401  of any kind
        self._store = store
        self._metrics = metrics
        self._tracing = tracing
        # "SQLite at …", "PostgreSQL at …": as OpenTelemetry spells them, but for the case.
        self._system = str(store.name).partition(" ")[0].lower()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the store has there
        """What the store has under this name; asked only for what is not here yet."""
        value = getattr(self._store, name)
        if name.startswith("_") or not iscoroutinefunction(value):
            return value
        verb = self._verb(name)
        setattr(self, name, verb)
        return verb

    def _verb(self, name: str) -> Callable[..., Awaitable[Any]]:
        store, metrics, tracing, system = self._store, self._metrics, self._tracing, self._system

        async def verb(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            started = perf_counter()
            try:
                with tracing.store(name, system):
                    return await getattr(store, name)(*args, **kwargs)
            except Exception:
                metrics.store_failed(name)
                raise
            finally:
                metrics.stored(name, perf_counter() - started)

        return verb
