"""One trace from the webhook to the ticks, over three processes, at a collector that speaks OTLP."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.observability import opentelemetry
from tests.fakes.serving import served
from tests.support.people.customers import fresh
from tests.support.stack import product, text, webhook
from tests.support.waiting import until

pytestmark = pytest.mark.slow


class Collector:
    """Takes what OTLP over HTTP brings."""

    def __init__(self) -> None:
        self.app, self.spans = FastAPI(), list[Span]()

        @self.app.post("/v1/traces")
        async def traces(request: Request) -> Response:
            brought = ExportTraceServiceRequest.FromString(await request.body())
            self.spans += [s for r in brought.resource_spans for scope in r.scope_spans for s in scope.spans]
            return Response(b"", media_type="application/x-protobuf")


async def test_one_trace_goes_from_the_webhook_to_the_tick():
    collector = Collector()
    with (
        served(collector.app) as otlp,
        product(OTEL_EXPORTER_OTLP_ENDPOINT=otlp, OTEL_BSP_SCHEDULE_DELAY="200") as stack,
    ):
        contact, message_id = fresh()
        await stack.post(webhook(text(contact, "a private question", message_id)))
        await until(lambda: stack.replies(contact))
        await until(lambda: any(span.name == "status read" for span in collector.spans))
        await until(lambda: any(span.name == "send" for span in collector.spans))
    (trace,) = {span.trace_id for span in collector.spans}
    by_name = {span.name: span for span in collector.spans}
    assert (
        trace
        and {"webhook", "turn", "commands", "sell", "ground", "send", "status delivered"} <= by_name.keys()
    )
    parents = {span.span_id: span.name for span in collector.spans}
    assert parents[by_name["turn"].parent_span_id] == "webhook" and not by_name["webhook"].parent_span_id
    for name in ("commands", "sell", "send", "status read"):
        assert parents[by_name[name].parent_span_id] == "turn"
    sell, turn = by_name["sell"], by_name["turn"]
    assert (
        turn.start_time_unix_nano
        <= sell.start_time_unix_nano
        <= sell.end_time_unix_nano
        <= turn.end_time_unix_nano + 10**7
    )
    known = str(collector.spans)
    assert "private question" not in known and contact not in known and '"default"' in known


def test_without_a_collector_there_are_no_spans(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    opentelemetry.tracer.cache_clear()
    assert opentelemetry.tracer() is None and opentelemetry.span("x", "", 0, 1, {}) == ""
