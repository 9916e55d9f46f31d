import type { Lifetime } from "../api/client.ts";

// As in backend/cruddur/limits.py; tests/frontend compares them with the OpenAPI document.
export const POST_CHARACTERS = 280;
export const TEXT_CHARACTERS = 1024;
export const NAME_CHARACTERS = 100;

export const LIFETIMES: readonly Readonly<{ value: Lifetime; name: string }>[] = [
  { value: "30-days", name: "30 days" },
  { value: "7-days", name: "7 days" },
  { value: "3-days", name: "3 days" },
  { value: "1-day", name: "1 day" },
  { value: "12-hours", name: "12 hours" },
  { value: "3-hours", name: "3 hours" },
  { value: "1-hour", name: "1 hour" },
];
export const USUAL_LIFETIME: Lifetime = "7-days"; // That of the original.

/** Return the number of characters as the API counts them: an emoji may count as several. */
export function charactersOf(text: string): number {
  return [...text].length;
}
