"""Send spans of requests, SQL statements and AWS calls to the collector of the task.

Import this module only if settings.COLLECTOR_VARIABLE is set: its imports make the start of the
application take a third longer (`python -m tests.bench backend_start`).

The collector and X-Ray accept random trace ids in the format of W3C Trace Context, so no generator of
X-Ray ids is needed: see decision 0042.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from cruddur.limits import TRACE_EXPORT_TIMEOUT_SECONDS, TRACE_RATIO
from cruddur.server import HEALTH_CHECK_PATH, READY_PATH
from cruddur.spans import RedactingExporter


def instrument(app: Flask) -> None:
    """Make *app*, psycopg and botocore create spans, which `start` exports."""
    excluded = ",".join(f"{path}$" for path in (HEALTH_CHECK_PATH, READY_PATH))
    # The SQL commenter would attach a context to the thread without detaching it.
    flask = FlaskInstrumentor()
    flask.instrument_app(app, excluded_urls=excluded, enable_commenter=False)  # type: ignore[no-untyped-call]  # no annotations
    # The versions in the lock are compatible, so they are not checked again.
    PsycopgInstrumentor().instrument(skip_dep_check=True)
    BotocoreInstrumentor().instrument(skip_dep_check=True)  # type: ignore[no-untyped-call]  # no annotations


def start() -> Callable[[], None]:
    """Export the spans of this process; return a function that exports the remaining spans.

    Call the returned function when the process ends. Call `start` after a fork, because the exporter
    has a thread. The exporter reads the address of the collector from the environment.
    """
    # A browser sends traceparent, and services of AWS send X-Amzn-Trace-Id. The sampling decision of
    # a client is not followed: a visitor could have every request traced.
    propagate.set_global_textmap(
        CompositePropagator([TraceContextTextMapPropagator(), AwsXRayPropagator()])
    )
    provider = TracerProvider(sampler=TraceIdRatioBased(TRACE_RATIO), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(timeout=TRACE_EXPORT_TIMEOUT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(RedactingExporter(exporter)))
    trace.set_tracer_provider(provider)
    return provider.shutdown
