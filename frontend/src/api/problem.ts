import type { components } from "./schema.d.ts";

export type FieldError = components["schemas"]["FieldError"];

/** The API refused a request, or is not available: a response with a status of 400 or more. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly errors: readonly FieldError[],
    readonly retryAfterMs: number | null,
  ) {
    super(`status ${status}: ${errors.map((error) => error.code).join(", ")}`);
    this.name = "ApiError";
  }

  has(code: string): boolean {
    return this.errors.some((error) => error.code === code);
  }
}

/** No response was received: the network is down, or the request took too long. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super("no response", { cause });
    this.name = "NetworkError";
  }
}

/** Read the problem in a response. The bodies of load balancers and proxies are not problems. */
export async function problemOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const listed = typeof body === "object" && body !== null && "errors" in body ? body.errors : [];
  const errors = Array.isArray(listed) ? listed.map(fieldError) : [];
  return new ApiError(response.status, errors, retryAfterMs(response.headers));
}

/** Whether the same request may succeed later. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof ApiError) {
    return [408, 425, 429, 500, 502, 503, 504].includes(error.status);
  }
  return error instanceof NetworkError;
}

function fieldError(value: unknown): FieldError {
  if (typeof value === "string") {
    return { code: value, field: "" }; // The upload API lists codes only.
  }
  const { code = "", field = "" } = (value ?? {}) as Partial<FieldError>;
  return { code, field };
}

function retryAfterMs(headers: Headers): number | null {
  const seconds = Number.parseInt(headers.get("Retry-After") ?? "", 10);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}
