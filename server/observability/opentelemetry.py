"""OpenTelemetry traces, from webhook to tick, where OTEL_EXPORTER_OTLP_ENDPOINT is set and `make otel` was
run.

One trace a turn: `webhook` (the message comes in), `turn` with a span for each node, `send`, `status` (the
ticks). Where it goes on in another process, the W3C `traceparent` travels with the message and with the
turn's record. Without configuration all of this does nothing. Spans carry ids of bots, conversations and
turns, never texts or numbers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import structlog

NAME = "salesgraph"

log = structlog.get_logger()


@cache
def tracer() -> Any:
    """OpenTelemetry's tracer; None where traces are not wanted."""
    if not (
        os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    ):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.error("telemetry_not_installed", remedy="run make otel")
        return None
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", NAME)})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(NAME)


def span(name: str, parent: str, start: int, end: int, about: Mapping[str, Any]) -> str:
    """Put a span from `start` to `end` (Unix ns) on record, under a `traceparent` or (empty) as the first of
    a trace; its own `traceparent`, empty where traces are not wanted."""
    if (trace := tracer()) is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carry = TraceContextTextMapPropagator()
    context = carry.extract({"traceparent": parent}) if parent else None
    attributes = {f"{NAME}.{key}": value for key, value in about.items()}
    made = trace.start_span(name, context=context, start_time=start, attributes=attributes)
    from opentelemetry.trace import set_span_in_context

    carrier: dict[str, str] = {}
    carry.inject(carrier, context=set_span_in_context(made))
    made.end(end)
    return carrier.get("traceparent", "")


def now() -> int:
    """Unix ns."""
    return time.time_ns()
