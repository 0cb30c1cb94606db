"""The Flask application with what a team would add to see it: traces of OpenTelemetry, metrics of
prometheus_client, and a line of the standard library's logging for each request.

Spans are sampled, batched, and dropped where an exporter would send them: sending is left out.
"""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

from flask import g, request
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import Counter, Histogram

from workload.flask_app import application

_REQUESTS = Counter("requests", "Requests", ["method", "endpoint", "status"])
_SECONDS = Histogram("request_seconds", "Seconds of a request", ["method", "endpoint"])
_log = logging.getLogger("access")


class Dropping(SpanExporter):
    """Takes spans and sends them nowhere."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def _begin() -> None:
    g.begun = time.perf_counter()


def _end(response):
    took = time.perf_counter() - g.begun
    endpoint = request.endpoint or ""
    _REQUESTS.labels(request.method, endpoint, str(response.status_code)).inc()
    _SECONDS.labels(request.method, endpoint).observe(took)
    span = trace.get_current_span().get_span_context()
    _log.info(
        "%s %s %s cost_us=%d peer=%s trace=%032x",
        request.method, request.path, response.status_code, took * 1e6, request.remote_addr,
        span.trace_id,
    )  # fmt: skip
    return response


provider = TracerProvider(resource=Resource.create({"service.name": "bench.http.api"}))
provider.add_span_processor(BatchSpanProcessor(Dropping()))
application.before_request(_begin)
application.after_request(_end)
FlaskInstrumentor().instrument_app(application, tracer_provider=provider)
handler = logging.FileHandler(Path(os.environ["BENCH_FOLDER"]) / f"access.{os.getpid()}.log")
handler.setFormatter(logging.Formatter("%(levelname)s %(asctime)s %(name)s %(message)s"))
_log.addHandler(handler)
_log.setLevel(logging.INFO)
_log.propagate = False
