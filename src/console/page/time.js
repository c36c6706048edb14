// Times as people say them. Dates of loans are days without a zone, and are shown as they came.

export function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 2) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  return `${Math.round(hours / 24)} days ago`;
}

export const since = (instant, now = Date.now()) => (instant ? ago(now - Date.parse(instant)) : "never");

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const CLOCK_SECONDS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const clock = (milliseconds) => CLOCK.format(milliseconds);
export const clockSeconds = (milliseconds) => CLOCK_SECONDS.format(milliseconds);

// For an axis of days, which have no zone.
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "2-digit", timeZone: "UTC" });
export const day = (milliseconds) => DAY.format(milliseconds);

// An instant of an answer: the day and the minute, in UTC as it came.
export const instant = (text) => (text ? `${text.slice(0, 10)} ${text.slice(11, 16)} UTC` : "");

export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds < 1000) return `${milliseconds} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}
