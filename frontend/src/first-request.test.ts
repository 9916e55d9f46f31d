import { expect, it } from "vitest";
import { firstRequest } from "./first-request.ts";

it("is known for the feed, profiles and posts", () => {
  const post = "/@ada/status/00000000-0000-4000-9000-000000000001";

  expect(firstRequest("/")).toBe("/api/activities/home");
  expect(firstRequest("/@ada")).toBe("/api/activities/@ada");
  expect(firstRequest(post)).toBe(`/api/activities${post}`);
  expect(["/about", "/@ada/x", "/@a-b", "/home"].map(firstRequest)).toEqual([
    null,
    null,
    null,
    null,
  ]);
});
