/** The tokens of a sign-in. `expiresAt` is the end of the access token, in ms since 1970. */
export type Tokens = Readonly<{
  accessToken: string;
  idToken: string;
  refreshToken: string;
  expiresAt: number;
}>;

/** Where localStorage has the refresh token of this browser; an anonymous visitor has none. */
export const STORAGE_KEY = "cruddur.refresh-token";

/** The claims of an ID token that the site shows. They are not verified: the API verifies tokens. */
export type Claims = Readonly<{ userId: string; email: string; name: string }>;

const SAFETY_MARGIN_MS = 30_000; // A request with a token takes at most this long.

export function isFresh(tokens: Tokens, now: number): boolean {
  return tokens.expiresAt - SAFETY_MARGIN_MS > now;
}

export function claimsOf(tokens: Tokens): Claims {
  const payload = payloadOf(tokens.idToken);
  return {
    userId: text(payload["sub"]),
    email: text(payload["email"]),
    name: text(payload["name"]),
  };
}

export function expiryOf(accessToken: string): number {
  const expiry = payloadOf(accessToken)["exp"];
  return typeof expiry === "number" ? expiry * 1000 : 0;
}

function payloadOf(token: string): Record<string, unknown> {
  const encoded = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
