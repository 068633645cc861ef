// Outcomes of polls: their causes, the stretches without a successful one, and how many succeeded.

import { DAY } from "./time.js";

/** Outcomes by their cause, as fxticker.charts.causes groups them. */
export const CAUSES = {
  notPolled: ["missed", "overrun", "stopped", "clock", "error"],
  noAnswer: ["unreachable", "timeout", "http_error", "too_large"],
  refused: ["blocked", "backoff", "disallowed"],
  noTicker: ["no_ticker", "damaged", "stale"],
};
const CAUSE_OF = new Map(Object.entries(CAUSES).flatMap(([cause, names]) => names.map((name) => [name, cause])));
export const POLL_COLUMNS = ["slot", "outcome"];

/** The polls of files in the order of their slots, each slot once: { slot (µs), outcome }. */
export function pollsOf(parts, upto = Infinity) {
  const rows = parts.flatMap((columns) => columns.slot.map((slot, row) => [slot, columns.outcome[row]]));
  const kept = rows.filter(([slot]) => slot <= upto).sort((a, b) => a[0] - b[0]);
  return { slot: kept.map((each) => each[0]), outcome: kept.map((each) => each[1]) };
}

/** Stretches of slots without a successful poll, of one cause each: [{ start, end, cause }], half open, in µs. */
export function stretchesOf({ slot, outcome }) {
  const found = [];
  for (let row = 0; row < slot.length; row += 1) {
    const cause = CAUSE_OF.get(outcome[row]);
    const open = found.at(-1);
    if (open && open.end === undefined && open.cause !== cause) open.end = slot[row];
    if (cause && (!open || open.cause !== cause || open.end !== undefined)) found.push({ start: slot[row], cause });
  }
  if (found.length && found.at(-1).end === undefined) found.at(-1).end = slot.at(-1);
  return found;
}

/**
 * The stretches of a span that are wide enough to be seen. Narrow ones that follow each other without a pause are taken
 * together, under the cause of the longest time; a narrow one alone is left out, as it would look longer than it was.
 */
export function visible(stretches, { from, to }, narrowest) {
  const groups = [];
  for (const each of stretches) {
    if (each.end < from || each.start > to) continue;
    const [open, isNarrow] = [groups.at(-1), each.end - each.start < narrowest];
    if (open?.isNarrow && isNarrow && open.end === each.start) {
      open.end = each.end;
      open.parts.push(each);
    } else groups.push({ start: each.start, end: each.end, isNarrow, parts: [each] });
  }
  const wide = groups.filter(({ start, end }) => end - start >= narrowest);
  return wide.map(({ start, end, parts }) => ({ start, end, cause: longestCause(parts) }));
}

function longestCause(parts) {
  const times = new Map();
  for (const { start, end, cause } of parts) times.set(cause, (times.get(cause) ?? 0) + end - start);
  return [...times].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

/** How many polls there are in a span, how many succeeded, how many had each other outcome, and on how many days they were. */
export function coverageOf({ slot, outcome }, from = -Infinity, to = Infinity) {
  const counts = { slots: 0, ok: 0, others: new Map() };
  const days = new Set();
  for (let row = 0; row < slot.length; row += 1) {
    if (slot[row] < from || slot[row] >= to) continue;
    counts.slots += 1;
    days.add(Math.floor(slot[row] / DAY));
    if (outcome[row] === "ok") counts.ok += 1;
    else counts.others.set(outcome[row], (counts.others.get(outcome[row]) ?? 0) + 1);
  }
  return { ...counts, days: days.size };
}

const CADENCES = 3;

/** Places after which a line breaks: the next value is too far away, or a poll without ticks lies between. */
export function breaksIn(at, { slot, outcome }) {
  const distances = at.slice(1).map((time, place) => time - at[place]);
  const limit = CADENCES * (median(distances.filter((each) => each > 0)) ?? Infinity);
  const breaks = new Set();
  distances.forEach((distance, place) => distance > limit && breaks.add(place));
  let place = 0;
  for (let row = 0; row < slot.length; row += 1) {
    if (outcome[row] === "ok" || outcome[row] === "stale") continue; // a stale page has ticks
    while (place < at.length && at[place] <= slot[row]) place += 1;
    if (place > 0 && place < at.length) breaks.add(place - 1);
  }
  return breaks;
}

function median(numbers) {
  if (!numbers.length) return undefined;
  const sorted = Float64Array.from(numbers).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
