import { QueryClient } from "@tanstack/react-query";
import { ApiError, isTemporary } from "./problem.ts";

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

/** Return the cache of server state, which retries reads and writes after temporary errors. */
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

/** Return whether to try again after `failures` failed attempts. */
export function shouldRetry(failures: number, error: unknown): boolean {
  return failures < ATTEMPTS - 1 && isTemporary(error) && requestedDelay(error) <= LONGEST_DELAY_MS;
}

/** Return the milliseconds to wait: longer after each attempt, and at least the API's Retry-After. */
export function retryDelay(failures: number, error: unknown): number {
  return Math.max(
    Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS),
    requestedDelay(error),
  );
}

function requestedDelay(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
}
