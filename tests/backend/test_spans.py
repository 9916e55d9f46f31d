"""Tests of cruddur.spans."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cruddur.spans import RedactingExporter

SECRET = "Key (email)=(andrew@example.com) already exists"


@pytest.fixture
def exporter():
    """An exporter that keeps the spans."""
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter):
    """A tracer whose spans are redacted."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(RedactingExporter(exporter)))
    yield provider.get_tracer("test")
    provider.shutdown()


def test_messages_of_exceptions_are_removed(tracer, exporter):
    """The message, also in the traceback and in the status, may quote a row; the type remains."""
    with pytest.raises(ValueError, match="Key"), tracer.start_as_current_span("INSERT"):
        raise ValueError(SECRET)

    [span] = exporter.get_finished_spans()
    assert span.events[0].attributes["exception.type"] == "ValueError"
    assert not span.status.is_ok
    assert SECRET not in span.to_json()


@pytest.mark.parametrize("name", ["http.target", "url.query", "client.address", "http.user_agent"])
def test_attributes_with_personal_data_are_removed(tracer, exporter, name):
    """Attributes without personal data, ids and times remain."""
    with tracer.start_as_current_span("GET", attributes={name: SECRET, "http.route": "/"}) as span:
        context = span.get_span_context()

    [exported] = exporter.get_finished_spans()
    assert exported.attributes == {"http.route": "/"}
    assert exported.context == context
    assert exported.start_time < exported.end_time
