import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import { expect, it } from "vitest";
import { createApi } from "./api/client.ts";
import { ApiError, NetworkError } from "./api/problem.ts";
import { traceRequests } from "./traces.ts";

const OPTIONS = { params: { path: { handle: "ada" } } };

it("connects spans without personal data to those of the API", async () => {
  const exporter = new InMemorySpanExporter();
  const sent: (string | null)[] = [];
  const outcomes = [
    () => Response.json({}),
    () => Promise.reject(new ApiError(404, [], null)),
    () => Promise.reject(new NetworkError("")),
  ];
  const api = createApi({ api: "https://api.example" }, async (request) => {
    sent.push(request.headers.get("traceparent"));
    return (await outcomes.shift()?.()) ?? Response.error();
  });
  traceRequests(api, new SimpleSpanProcessor({ exporter }));

  await api.GET("/api/users/@{handle}/short", OPTIONS);
  await api.GET("/api/users/@{handle}/short", OPTIONS).catch(() => undefined);
  await api.GET("/api/users/@{handle}/short", OPTIONS).catch(() => undefined);
  const spans = exporter.getFinishedSpans();

  expect(spans.map(({ name }) => name)).toEqual(Array(3).fill("GET /api/users/@{handle}/short"));
  expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toContain("ada");
  expect(spans.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([
    200,
    404,
    undefined,
  ]);
  expect(sent).toEqual(
    spans.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`),
  );
});
