"""Exports spans where OTEL_* variables ask for it and the `[otel]` extra is installed."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

log = logging.getLogger(__name__)

EXPORTER = "OTEL_TRACES_EXPORTER"
_WANTED = (EXPORTER, "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def set_up() -> None:
    """Install a tracer provider: `otlp` (over HTTP), or `console`, which means stderr here.

    Nothing happens without one of these variables, with OTEL_SDK_DISABLED=true, or where a host
    (`opentelemetry-instrument`) has installed a provider. The SDK reads all other variables.
    """
    wanted = os.environ.get(EXPORTER, "otlp").strip().lower()
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled or wanted == "none" or not any(os.environ.get(name) for name in _WANTED):
        return
    try:
        exporter = _exporter(wanted)
    except ImportError:
        log.error("OTEL_* variables ask for traces: pip install 'omni-mcp[otel]'")
        return
    if exporter is None:
        log.error("%s is %r, expected otlp, console or none", EXPORTER, wanted)
        return
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "omni-mcp"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(exporter))  # flushed when the process ends
    trace.set_tracer_provider(provider)


def _exporter(name: str) -> SpanExporter | None:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)  # stdout may be the protocol's
    if name != "otlp":
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter: SpanExporter = OTLPSpanExporter()
    return exporter
