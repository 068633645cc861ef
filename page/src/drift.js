// Drift between two instants: which values are compared, how old they are, and why there is no figure.
import { driftPct, isSignificant } from "./exact.js";
import { ageAt, lastBy } from "./ticks.js";

/**
 * The change of a pair between two instants in µs, as fxticker.drift has it.
 *
 * holdsUs: the greatest age of a value. Returns { start, end, band, significant } with start and end as { at, ageUs,
 * place }, or { reason }: "none" and "old" with the side it concerns, or "same".
 */
export function driftBetween(values, startAt, endAt, holdsUs = Infinity) {
  const ends = {};
  for (const [name, at] of [["start", startAt], ["end", endAt]]) {
    const place = lastBy(values, at);
    if (place < 0) return { reason: "none", side: name };
    const ageUs = ageAt(values, place, at);
    ends[name] = { at: values.at[place], ageUs, place };
    if (ageUs > holdsUs) return { reason: "old", side: name, ...ends };
  }
  if (ends.start.place === ends.end.place) return { reason: "same", ...ends };
  const band = driftPct(values.band[ends.start.place], values.band[ends.end.place]);
  return { ...ends, band, significant: isSignificant(band) };
}
