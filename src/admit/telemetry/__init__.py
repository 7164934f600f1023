"""Seeing it run: numbers for Prometheus, spans for OpenTelemetry, lines for a log."""
