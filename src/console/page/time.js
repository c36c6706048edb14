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

const two = (number) => String(number).padStart(2, "0");

// Of the visitor's day. Written out, because a browser takes longer to make its first `Intl` formatter than to draw the
// page.
export function clock(milliseconds) {
  const at = new Date(milliseconds);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}
export const clockSeconds = (milliseconds) => `${clock(milliseconds)}:${two(new Date(milliseconds).getSeconds())}`;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// For an axis of days, which have no zone.
export function day(milliseconds) {
  const at = new Date(milliseconds);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${two(at.getUTCFullYear() % 100)}`;
}

// An instant of an answer: the day and the minute, in UTC as it came.
export const instant = (text) => (text ? `${text.slice(0, 10)} ${text.slice(11, 16)} UTC` : "");

export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds < 1000) return `${milliseconds} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}
