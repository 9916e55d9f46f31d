import { HANDLE_CHARACTERS } from "./api/limits.ts";

const PROFILE_OR_POST = new RegExp(`^/@\\w{1,${HANDLE_CHARACTERS}}(/status/[0-9a-f-]{36})?$`);

/** Return the path at the API that a page requests first, for the pages most visits begin with. */
export function firstRequest(page: string): string | null {
  const path = page === "/" ? "/home" : PROFILE_OR_POST.test(page) ? page : null;
  return path && `/api/activities${path}`;
}
