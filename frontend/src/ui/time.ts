const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS = [
  ["day", DAY],
  ["hour", HOUR],
  ["minute", MINUTE],
  ["second", SECOND],
] as const;

/** Return how long ago `time` was, such as "5 min", or its date after a week. */
export function ago(time: number, now: number, language?: string): string {
  const elapsed = now - time;
  if (elapsed < MINUTE) {
    return "now";
  }
  if (elapsed >= 7 * DAY) {
    const isThisYear = new Date(time).getFullYear() === new Date(now).getFullYear();
    const year = isThisYear ? {} : { year: "numeric" as const };
    return new Intl.DateTimeFormat(language, { day: "numeric", month: "short", ...year }).format(
      time,
    );
  }
  return inLargestUnit(elapsed, Math.floor, "short", language);
}

/** Return a time that is left, rounded up, such as "7 days" until the seventh day has passed. */
export function left(
  milliseconds: number,
  unitDisplay: "long" | "narrow",
  language?: string,
): string {
  // Round before choosing the unit: 59.5 minutes are shown as an hour, not as 60 minutes.
  const smaller = UNITS.find(([, length]) => milliseconds > length)?.[1] ?? SECOND;
  const rounded = Math.ceil(milliseconds / smaller) * smaller;
  return inLargestUnit(rounded, Math.ceil, unitDisplay, language);
}

function inLargestUnit(
  milliseconds: number,
  round: (value: number) => number,
  unitDisplay: "short" | "long" | "narrow",
  language?: string,
): string {
  const [unit, length] = UNITS.find(([, unitLength]) => milliseconds >= unitLength) ?? UNITS[3];
  const count = round(milliseconds / length);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay }).format(count);
}

/** Return the date and the time of day in the zone of the reader. */
export function fullDate(time: number, language?: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" }).format(time);
}

/** Return after how many milliseconds the text of `left` changes next. */
export function untilNextChange(milliseconds: number): number {
  const [, length] = UNITS.find(([, unitLength]) => milliseconds > unitLength) ?? UNITS[3];
  return Math.max(1, Math.min(milliseconds % length || length, HOUR));
}
