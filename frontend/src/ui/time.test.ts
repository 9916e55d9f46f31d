import { expect, it } from "vitest";
import { ago, left, untilNextChange } from "./time.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 30, 12);

it("shows when something was written", () => {
  const times = [NOW + 5000, NOW - 59_000, NOW - MINUTE, NOW - 5 * HOUR, NOW - 6 * DAY];
  const shown = times.map((time) => ago(time, NOW, "en"));

  expect(shown).toEqual(["now", "now", "1 min", "5 hr", "6 days"]);
});

it("shows the date after a week, with the year if it is another one", () => {
  const shown = [NOW - 8 * DAY, NOW - 400 * DAY].map((time) => ago(time, NOW, "en"));

  expect(shown).toEqual(["Nov 22", "Oct 26, 2025"]);
});

it("shows the time that is left, rounded up", () => {
  const times = [7 * DAY - 1, DAY, DAY - 1, HOUR + 1, 90_000, 59_001, 1];
  const shown = times.map((time) => left(time, "long", "en"));

  expect(shown).toEqual([
    "7 days",
    "1 day",
    "1 day",
    "2 hours",
    "2 minutes",
    "1 minute",
    "1 second",
  ]);
});

it.each([7 * DAY - 1, DAY + HOUR, 90_000, 59_001, 500])("updates %i ms in time", (time) => {
  const wait = untilNextChange(time);
  const shown = (remaining: number) => left(remaining, "long", "en");

  expect(shown(time - wait + 1)).toBe(shown(time));
  expect(wait).toBeLessThanOrEqual(HOUR);
});
