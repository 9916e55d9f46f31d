import { expect, it } from "vitest";
import { ApiError, NetworkError } from "./api/problem.ts";
import { textOf, textsOf, UPLOAD_TEXTS } from "./errors.ts";

function error(status: number, ...codes: string[]): ApiError {
  return new ApiError(
    status,
    codes.map((code) => ({ code, field: "" })),
    null,
  );
}

it("has one text for each distinct code", () => {
  expect(textsOf(error(422, "message_blank", "ttl_blank", "ttl_invalid"))).toEqual([
    "Write something first.",
    "Choose how long the post is shown.",
  ]);
});

it("falls back to the status for codes that it does not know", () => {
  expect(textOf(error(503, "new_code"))).toMatch("not available right now");
  expect(textOf(error(413))).toBe("This is too large to send.");
});

it("has different texts for a lost connection and a refusal of Cognito", () => {
  const refusal = Object.assign(new Error(), { name: "CodeMismatchException" });

  expect(textOf(new NetworkError(""))).toMatch("There is no connection");
  expect(textOf(refusal)).toMatch("This code is not right");
});

it("shows nothing of an unknown error", () => {
  expect(textOf(new Error("internal detail"))).toBe("Something went wrong. Please try again.");
});

it("uses the texts of uploads for uploads", () => {
  expect(textOf(error(400, "size_exceeds_limit"), UPLOAD_TEXTS)).toBe("This picture is too large.");
});
