"""Seeing it run: numbers for Prometheus, spans for OpenTelemetry, lines for a log."""

from __future__ import annotations

import os
from importlib.util import find_spec

from admit.errors import SettingsError
from admit.telemetry.metrics import Metrics
from admit.telemetry.workers import VARIABLE


def metrics(*, wanted: bool) -> Metrics:
    """What counts, where counting is wanted; else what does not.

    Raises:
        SettingsError: it is wanted, and the library for it is not installed, or the directory in
            which several processes count is not there.
    """
    if not wanted:
        return Metrics()
    if find_spec("prometheus_client") is None:
        raise SettingsError(
            "metrics_keys",
            "ADMIT_METRICS_KEYS (metrics_keys) is set, but prometheus-client is not installed: run"
            " pip install 'admit[metrics]', or unset it.",
        )
    directory = os.environ.get(VARIABLE)
    if directory is not None and not os.path.isdir(directory):  # noqa: PTH112  "" is none
        raise SettingsError(
            "metrics_keys",
            f"{VARIABLE} names {directory!r}, which is no directory: make it, or unset the"
            " variable, which `admit serve` sets by itself.",
        )
    from admit.telemetry.prometheus import Prometheus  # noqa: PLC0415  only where it is wanted

    return Prometheus()
