import { expect, it, vi } from "vitest";
import { ApiError, isTemporary, NetworkError } from "./problem.ts";
import { transport } from "./transport.ts";

const URL = "https://api.example/api/activities";

function request(): Request {
  return new Request(URL, { method: "POST", body: '{"message":"Hello"}' });
}

function refused(status: number, headers: Record<string, string> = {}): Response {
  const errors = [{ code: "token_invalid", field: "authorization" }];
  return new Response(JSON.stringify({ errors }), { status, headers });
}

function session(...tokens: (string | null)[]) {
  return { accessToken: vi.fn(async (_rejected?: string) => tokens.shift() ?? null) };
}

it("sends the token of the session, and none for anonymous visitors", async () => {
  const seen: (string | null)[] = [];
  const send = async (sent: Request) => {
    seen.push(sent.headers.get("Authorization"));
    return new Response("{}");
  };
  await transport(session("a"), send)(request());
  await transport(session(null), send)(request());

  expect(seen).toEqual(["Bearer a", null]);
});

it("repeats a request once, with a new token and the same body, if the token is refused", async () => {
  const bodies: string[] = [];
  const responses = [refused(401), new Response("{}")];
  const current = session("old", "new");
  const send = async (sent: Request) => {
    bodies.push(`${sent.headers.get("Authorization")} ${await sent.text()}`);
    return responses.shift() ?? refused(500);
  };
  const response = await transport(current, send)(request());

  expect(response.status).toBe(200);
  expect(bodies).toEqual(['Bearer old {"message":"Hello"}', 'Bearer new {"message":"Hello"}']);
  expect(current.accessToken.mock.calls).toEqual([[undefined], ["old"]]);
});

it("throws the problem if the new token is refused too", async () => {
  const failure = transport(session("old", "new"), async () => refused(401))(request());

  await expect(failure).rejects.toMatchObject({
    status: 401,
    errors: [{ code: "token_invalid", field: "authorization" }],
  });
});

it("reads how long to wait, and bodies that are not problems", async () => {
  const unavailable = transport(session(), async () => refused(503, { "Retry-After": "2" }));
  const proxy = transport(session(), async () => new Response("<html>", { status: 502 }));

  await expect(unavailable(request())).rejects.toMatchObject({ status: 503, retryAfterMs: 2000 });
  await expect(proxy(request())).rejects.toMatchObject({ status: 502, errors: [] });
});

it("reports a lost connection, of the API or of Cognito, as temporary", async () => {
  const lost = transport(session("a"), async () => {
    throw new TypeError("Failed to fetch");
  });
  const offline = { accessToken: () => Promise.reject(new TypeError("Failed to fetch")) };
  const failures = await Promise.all(
    [lost, transport(offline)].map((send) => send(request()).catch((error: unknown) => error)),
  );

  expect(failures.map((failure) => failure instanceof NetworkError)).toEqual([true, true]);
  expect(failures.map(isTemporary)).toEqual([true, true]);
});

it("does not call an aborted request a lost connection", async () => {
  const controller = new AbortController();
  controller.abort();
  const send = transport(session(), (sent) => fetch(sent));
  const failure = send(new Request(URL, { signal: controller.signal }));

  await expect(failure).rejects.toMatchObject({ name: "AbortError" });
});

it("retries only what may succeed later", () => {
  const statuses = [401, 403, 404, 409, 413, 422, 429, 500, 503];
  const temporary = statuses.filter((status) => isTemporary(new ApiError(status, [], null)));

  expect(temporary).toEqual([429, 500, 503]);
});
