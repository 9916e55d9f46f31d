import { expect, it } from "vitest";
import { ApiError, NetworkError } from "./problem.ts";
import { retryDelay, shouldRetry } from "./queries.ts";

const LOST = new NetworkError("");

it("gives up after four attempts, and at once for a permanent error", () => {
  const attempts = [0, 1, 2, 3].map((failures) => shouldRetry(failures, LOST));

  expect(attempts).toEqual([true, true, true, false]);
  expect(shouldRetry(0, new ApiError(422, [], null))).toBe(false);
});

it("does not retry if Retry-After is longer than a user would wait", () => {
  expect(shouldRetry(0, new ApiError(429, [], 2000))).toBe(true);
  expect(shouldRetry(0, new ApiError(429, [], 45_000))).toBe(false);
});

it("waits longer after each attempt, and at least for the time in Retry-After", () => {
  const delays = [0, 1, 2, 10].map((failures) => retryDelay(failures, LOST));

  expect(delays).toEqual([500, 1000, 2000, 10_000]);
  expect(retryDelay(0, new ApiError(503, [], 2000))).toBe(2000);
});
