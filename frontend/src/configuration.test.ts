import { expect, it } from "vitest";
import { parseConfiguration } from "./configuration.ts";

const COMPLETE = {
  api: "https://api.example",
  assets: "https://assets.example",
  uploads: "https://uploads.example",
  cognito: "https://cognito.example/",
  userPool: "pool",
  userPoolClient: "client",
  traces: "",
};

it("accepts a complete configuration", () => {
  expect(parseConfiguration(COMPLETE)).toEqual(COMPLETE);
});

it.each([{}, null, [], "text"])("lists every field that is missing in %j", (value) => {
  expect(() => parseConfiguration(value)).toThrow(
    "config.json: api, assets, uploads, cognito, userPool, userPoolClient, traces missing",
  );
});
