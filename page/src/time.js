// Instants: microseconds since 1970 UTC and texts of them, all in UTC.

export const SECOND = 1e6;
export const HOUR = 3600 * SECOND;
export const DAY = 24 * HOUR;

/** The instant of an ISO 8601 text, to the microsecond. */
export function instantOf(text) {
  const fraction = /\.(\d{1,6})/.exec(text)?.[1] ?? "";
  return Math.floor(Date.parse(text.replace(/\.\d+/, "")) / 1000) * SECOND + Number(fraction.padEnd(6, "0"));
}

const iso = (us) => new Date(us / 1000).toISOString();
export const dayText = (us) => iso(us).slice(0, 10);
export const minuteText = (us) => `${iso(us).slice(0, 16).replace("T", " ")} UTC`;
export const monthText = (us) => iso(us).slice(0, 7);

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** The first instant of a day; undefined if the text is none: browsers read 30 February as 2 March. */
export function startOfDay(text) {
  const ms = DATE.test(text ?? "") ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return Number.isNaN(ms) || dayText(ms * 1000) !== text ? undefined : ms * 1000;
}

/** The last instant of a day. */
export function endOfDay(text) {
  const start = startOfDay(text);
  return start === undefined ? undefined : start + DAY - 1;
}
