import type { Session } from "../session/session.ts";
import { NetworkError, problemOf } from "./problem.ts";

const TIMEOUT_MS = 20_000;

export type Send = (request: Request) => Promise<Response>;

/**
 * Return a function that sends requests with the access token of the session.
 *
 * If the API refuses the token, the request is sent once more with a new token. The function throws
 * ApiError for a response with an error, and NetworkError without a response.
 */
export function transport(
  session: Pick<Session, "accessToken">,
  send: Send = (request) => fetch(request),
): Send {
  return async (request) => {
    const token = await tokenOf(session);
    const copy = token ? request.clone() : null;
    let response = await attempt(send, request, token);
    if (response.status === 401 && token && copy) {
      const renewed = await tokenOf(session, token);
      if (renewed) {
        response = await attempt(send, copy, renewed);
      }
    }
    if (!response.ok) {
      throw await problemOf(response);
    }
    return response;
  };
}

async function tokenOf(
  session: Pick<Session, "accessToken">,
  rejected?: string,
): Promise<string | null> {
  try {
    return await session.accessToken(rejected);
  } catch (error) {
    throw new NetworkError(error);
  }
}

async function attempt(send: Send, request: Request, token: string | null): Promise<Response> {
  if (token) {
    request.headers.set("Authorization", `Bearer ${token}`);
  }
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    return await send(new Request(request, { signal }));
  } catch (error) {
    if (request.signal.aborted) {
      throw error; // The page no longer needs the response.
    }
    throw new NetworkError(error);
  }
}
