import { useEffect, useState } from "react";
import { ClockIcon } from "./icons.tsx";
import { ago, fullDate, left, untilNextChange } from "./time.ts";

const REFRESH_MS = 30_000;

/**
 * When something was written, relative to now, with the date and time as a tooltip.
 *
 * The tooltip is formatted when it is needed: the first use of a date format takes 20 ms.
 */
export function Ago({ time }: { time: string }) {
  const moment = Date.parse(time);
  const [now, setNow] = useState(Date.now);
  const [tooltip, setTooltip] = useState<string>();
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={time} title={tooltip} onPointerEnter={() => setTooltip(fullDate(moment))}>
      {ago(moment, now)}
    </time>
  );
}

/** Return the milliseconds until `expiresAt`, updated when the shown text changes. */
export function useRemaining(expiresAt: string | null): number {
  const end = expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
  const [now, setNow] = useState(Date.now);
  const remaining = Math.max(0, end - now);
  useEffect(() => {
    if (remaining === 0 || remaining === Number.POSITIVE_INFINITY) {
      return;
    }
    const timer = setTimeout(() => setNow(Date.now()), untilNextChange(remaining));
    return () => clearTimeout(timer);
  }, [remaining]);
  return remaining;
}

/** The time until a post expires. */
export function Remaining({ milliseconds }: { milliseconds: number }) {
  if (milliseconds === Number.POSITIVE_INFINITY) {
    return null;
  }
  const label = `Expires in ${left(milliseconds, "long")}`;
  return (
    <span className="remaining" title={label}>
      <ClockIcon />
      <span className="hidden">{label}</span>
      <span aria-hidden="true">{left(milliseconds, "narrow")}</span>
    </span>
  );
}
