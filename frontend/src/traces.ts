import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Api } from "./api/client.ts";
import { ApiError } from "./api/problem.ts";

/**
 * Send a span for each request to the API, and connect it to the spans of the API.
 *
 * This module is loaded only if the configuration has an address for traces. Spans are named by the
 * path templates of the OpenAPI document, so they contain no handles, ids or search terms.
 */
export function traceRequests(api: Api, processor: SpanProcessor): void {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "site" }),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer("site");
  const propagator = new W3CTraceContextPropagator();
  const spans = new Map<string, Span>();
  const end = (id: string, status: number | undefined) => {
    const span = spans.get(id);
    spans.delete(id);
    if (status === undefined || status >= 400) {
      span?.setStatus({ code: SpanStatusCode.ERROR });
    }
    if (status !== undefined) {
      span?.setAttribute("http.response.status_code", status);
    }
    span?.end();
  };
  api.use({
    onRequest({ id, request, schemaPath }) {
      const span = tracer.startSpan(`${request.method} ${schemaPath}`, {
        kind: SpanKind.CLIENT,
        attributes: { "http.request.method": request.method, "url.template": schemaPath },
      });
      spans.set(id, span);
      propagator.inject(trace.setSpan(ROOT_CONTEXT, span), request.headers, {
        set: (headers, name, value) => headers.set(name, value),
      });
      return request;
    },
    onResponse: ({ id, response }) => end(id, response.status),
    onError: ({ id, error }) => end(id, error instanceof ApiError ? error.status : undefined),
  });
}

/** Return the processor that sends spans in batches to an OTLP address. */
export function exporting(url: string): SpanProcessor {
  return new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) });
}
