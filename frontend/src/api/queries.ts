import { QueryClient } from "@tanstack/react-query";
import { ApiError, isTemporary } from "./problem.ts";

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

/** Return the cache of server state. Temporary errors are retried, reads and writes alike. */
export function createQueryClient(): QueryClient {
  const retries = { retry: shouldRetry, retryDelay };
  return new QueryClient({
    defaultOptions: {
      queries: { ...retries, staleTime: 15_000, gcTime: 10 * 60_000 },
      // Writes are idempotent: the API recognizes a repeated one by its key.
      mutations: retries,
    },
  });
}

/** `failures` is the number of earlier failed attempts. */
export function shouldRetry(failures: number, error: unknown): boolean {
  return failures < ATTEMPTS - 1 && isTemporary(error) && requestedDelay(error) <= LONGEST_DELAY_MS;
}

/** Wait longer after each attempt, and at least as long as the API asks for. */
export function retryDelay(failures: number, error: unknown): number {
  return Math.max(
    Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS),
    requestedDelay(error),
  );
}

function requestedDelay(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
}
