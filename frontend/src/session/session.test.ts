import { beforeEach, describe, expect, it, vi } from "vitest";
import { CognitoError } from "./cognito.ts";
import { Session } from "./session.ts";
import type { Tokens } from "./tokens.ts";

const HOUR = 3_600_000;
let now = 0;
let stored: Map<string, string>;
let storedForTab: Map<string, string>;

beforeEach(() => {
  now = 1_000_000;
  stored = new Map();
  storedForTab = new Map();
});

function storage(values: Map<string, string>): Storage {
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
    clear: () => values.clear(),
  } as Storage;
}

function open(calls: ReturnType<typeof cognito>): Session {
  return new Session(calls, storage(stored), storage(storedForTab), () => now);
}

function encoded(claims: object): string {
  return `h.${btoa(JSON.stringify(claims))}.s`;
}

function tokens(name: string, userId = "1"): Tokens {
  return {
    accessToken: `access-${name}`,
    idToken: encoded({ sub: userId, email: "a@b.example", name: "Ada" }),
    refreshToken: `refresh-${name}`,
    expiresAt: now + HOUR,
  };
}

function cognito() {
  let count = 0;
  return {
    refresh: vi.fn(async (_token: string) => tokens(String(++count))),
    signOut: vi.fn(async (_token: string) => undefined),
  };
}

function restored(calls = cognito()) {
  stored.set("cruddur.refresh-token", "refresh-0");
  return { calls, session: open(calls) };
}

describe("a session", () => {
  it("is anonymous without a stored token, and sends no request", async () => {
    const calls = cognito();
    const session = open(calls);

    expect(session.current()).toEqual({ status: "anonymous" });
    expect(await session.accessToken()).toBeNull();
    expect(calls.refresh).not.toHaveBeenCalled();
  });

  it("continues in a new tab, and stores the rotated token", async () => {
    const { session, calls } = restored();
    const before = session.current();
    const token = await session.accessToken();

    expect(before).toEqual({ status: "restoring" });
    expect(token).toBe("access-1");
    expect(calls.refresh).toHaveBeenCalledWith("refresh-0");
    expect(stored.get("cruddur.refresh-token")).toBe("refresh-1");
    expect(session.current()).toEqual({
      status: "signed-in",
      user: { userId: "1", email: "a@b.example", name: "Ada" },
    });
  });

  it("continues after a reload without an exchange, until the token expires", async () => {
    const { session, calls } = restored();
    await session.accessToken();
    const reloaded = open(calls);
    const state = reloaded.current().status;
    const token = await reloaded.accessToken();
    now += HOUR;
    const later = open(calls);

    expect([state, token, later.current().status]).toEqual(["signed-in", "access-1", "restoring"]);
    expect(calls.refresh).toHaveBeenCalledTimes(1);
  });

  it("ends in all tabs with a sign-out in one", async () => {
    const { session, calls } = restored();
    await session.accessToken();
    stored.clear();

    expect(open(calls).current()).toEqual({ status: "anonymous" });
    expect(storedForTab.has("cruddur.tokens")).toBe(false);
  });

  it("uses no tokens of a session that ended while the tab was not loaded", async () => {
    const { session, calls } = restored();
    await session.accessToken();
    stored.set("cruddur.refresh-token", "refresh-of-another-session");
    const reloaded = open(calls);

    expect(reloaded.current()).toEqual({ status: "restoring" });
    expect(await reloaded.accessToken()).toBe("access-2");
    expect(calls.refresh).toHaveBeenLastCalledWith("refresh-of-another-session");
  });

  it("exchanges an expired token once for concurrent requests", async () => {
    const { session, calls } = restored();
    await session.accessToken();
    now += HOUR;
    const all = await Promise.all([1, 2, 3].map(() => session.accessToken()));

    expect(all).toEqual(["access-2", "access-2", "access-2"]);
    expect(calls.refresh).toHaveBeenCalledTimes(2);
  });

  it("exchanges a token that the API refused, unless another request already did", async () => {
    const { session, calls } = restored();
    const first = (await session.accessToken()) ?? "";
    const second = await session.accessToken(first);
    const third = await session.accessToken(first);

    expect([second, third]).toEqual(["access-2", "access-2"]);
    expect(calls.refresh).toHaveBeenCalledTimes(2);
  });

  it("ends if Cognito refuses the refresh token", async () => {
    const { session, calls } = restored();
    calls.refresh.mockRejectedValueOnce(new CognitoError("NotAuthorizedException", ""));

    expect(await session.accessToken()).toBeNull();
    expect(session.current()).toEqual({ status: "anonymous" });
    expect(stored.size).toBe(0);
  });

  it("continues if Cognito is not reachable", async () => {
    const { session, calls } = restored();
    calls.refresh.mockRejectedValueOnce(new TypeError("Failed to fetch"));

    await expect(session.accessToken()).rejects.toThrow("Failed to fetch");
    expect(stored.get("cruddur.refresh-token")).toBe("refresh-0");
    expect(await session.accessToken()).toBe("access-1");
  });

  it("is forgotten on a sign-out with its drafts, also if Cognito is not reachable", async () => {
    const { session, calls } = restored();
    await session.accessToken();
    storedForTab.set("cruddur.draft.post", "Hello");
    calls.signOut.mockRejectedValueOnce(new TypeError("Failed to fetch"));

    await expect(session.signOut()).rejects.toThrow("Failed to fetch");
    expect(calls.signOut).toHaveBeenCalledWith("access-1");
    expect(session.current()).toEqual({ status: "anonymous" });
    expect(stored.size + storedForTab.size).toBe(0);
  });

  it("keeps drafts when it ends by itself, until another user signs in", async () => {
    const { session, calls } = restored();
    await session.accessToken();
    storedForTab.set("cruddur.draft.post", "Hello");
    calls.refresh.mockRejectedValueOnce(new CognitoError("NotAuthorizedException", ""));
    now += HOUR;
    await session.accessToken();
    session.start(tokens("2"));
    const kept = storedForTab.get("cruddur.draft.post");
    session.start(tokens("3", "2"));

    expect([kept, storedForTab.get("cruddur.draft.post")]).toEqual(["Hello", undefined]);
  });
});
