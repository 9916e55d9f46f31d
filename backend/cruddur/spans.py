"""Remove personal data from spans before their export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import Attributes, AttributeValue

# Attributes with paths, addresses, and messages of exceptions, which may quote rows. The route of a
# request and the type of an exception are not removed.
_REMOVED = {
    "client.address",
    "exception.message",
    "exception.stacktrace",
    "http.client_ip",
    "http.target",
    "http.url",
    "http.user_agent",
    "net.peer.ip",
    "url.full",
    "url.path",
    "url.query",
    "user_agent.original",
}


class RedactingExporter(SpanExporter):
    """Exports spans by *exporter*, without the attributes that may have personal data."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([redacted(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def redacted(span: ReadableSpan) -> ReadableSpan:
    """Return a copy of *span* without personal data."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_kept(span.attributes),
        events=[
            Event(event.name, _kept(event.attributes), event.timestamp) for event in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _kept(attributes: Attributes) -> Mapping[str, AttributeValue]:
    return {name: value for name, value in (attributes or {}).items() if name not in _REMOVED}
