import type { Lifetime } from "./client.ts";

// As in backend/cruddur/limits.py; tests/frontend compares them.
export const POST_CHARACTERS = 280;
export const TEXT_CHARACTERS = 1024;
export const NAME_CHARACTERS = 100;
export const HANDLE_CHARACTERS = 30;
export const TERM_CHARACTERS = 100;

export const HANDLE = new RegExp(`^[0-9A-Za-z_]{1,${HANDLE_CHARACTERS}}$`);

export const LIFETIMES: readonly Readonly<{ value: Lifetime; name: string }>[] = [
  { value: "30-days", name: "30 days" },
  { value: "7-days", name: "7 days" },
  { value: "3-days", name: "3 days" },
  { value: "1-day", name: "1 day" },
  { value: "12-hours", name: "12 hours" },
  { value: "3-hours", name: "3 hours" },
  { value: "1-hour", name: "1 hour" },
];
export const DEFAULT_LIFETIME: Lifetime = "7-days"; // As on the original site.

/** Return the number of characters as the API counts them: an emoji may count as several. */
export function charactersOf(text: string): number {
  return [...text].length;
}
