// Ticks of a pair: which row counts at an instant, and what its printed digits allow. As fxticker.frames does:
// retracted rows do not count; an exact row goes before date-only ones, then the last recorded; date-only rows of an
// instant are taken together.
import { double, hull, inverse, printedBand } from "./exact.js";
import { DAY } from "./time.js";

export const TICK_COLUMNS = ["pair", "observed_at", "time_basis", "rate_text", "nominal", "origin", "recorded_at"];
export const RETRACTION_COLUMNS = ["pair", "observed_at", "rate_text", "change_text", "retracted_at", "reason"];

const identity = (columns, row) =>
  [columns.pair[row], columns.observed_at[row], columns.rate_text[row], columns.change_text[row] ?? ""].join("|");

/** The identities of the ticks that are retracted: the last retraction of each decides. */
export function retractedIn(parts) {
  const last = new Map();
  for (const columns of parts) {
    columns.pair.forEach((_, row) => {
      const key = identity(columns, row);
      const at = columns.retracted_at[row];
      if (!(last.get(key)?.at > at)) last.set(key, { at, reason: columns.reason[row] });
    });
  }
  return new Set([...last].filter(([, { reason }]) => reason != null).map(([key]) => key));
}

/**
 * The values of a pair of one source, by instant.
 *
 * parts: columns of files; pair: as stored; upto: instant in microseconds up to which rows count; retracted: identities that do not count. Returns { at (µs), band, text, nominal, isDate } as arrays of one length;
 * text is null where several values of a date were taken together; isDate tells that only the date is known.
 */
export function valuesOf(parts, pair, { upto = Infinity, retracted = new Set() } = {}) {
  const rows = countingRows(parts, pair, upto, retracted);
  const bandOf = remembered();
  const found = { at: [], band: [], text: [], nominal: [], isDate: [] };
  for (let first = 0, next; first < rows.at.length; first = next) {
    for (next = first + 1; next < rows.at.length && rows.at[next] === rows.at[first]; ) next += 1;
    let [columns, row] = [rows.columns[first], rows.row[first]];
    let band = bandOf(columns, row);
    let text = columns.rate_text[row];
    if (next > first + 1) {
      const chosen = counting(rows, first, next);
      [columns, row] = chosen.at(-1);
      band = chosen.length > 1 ? hull(chosen.map((each) => bandOf(...each))) : bandOf(columns, row);
      text = chosen.every(([other, place]) => other.rate_text[place] === columns.rate_text[row]) ? columns.rate_text[row] : null;
    }
    found.at.push(rows.at[first]);
    found.band.push(band);
    found.text.push(text);
    found.nominal.push(columns.nominal[row]);
    found.isDate.push(columns.time_basis[row] === "date");
  }
  return found;
}

/** The rows of a pair that may count, by instant: { at, columns, row }, arrays of one length. */
function countingRows(parts, pair, upto, retracted) {
  const rows = { at: [], columns: [], row: [] };
  let isSorted = true;
  for (const columns of parts) {
    const { pair: pairs, observed_at: observed } = columns;
    for (let row = 0; row < pairs.length; row += 1) {
      if (pairs[row] !== pair || observed[row] > upto) continue;
      if (retracted.size && retracted.has(identity(columns, row))) continue;
      isSorted &&= !(observed[row] < rows.at.at(-1));
      rows.at.push(observed[row]);
      rows.columns.push(columns);
      rows.row.push(row);
    }
  }
  if (isSorted) return rows;
  const order = rows.at.map((_, place) => place).sort((a, b) => rows.at[a] - rows.at[b]);
  return Object.fromEntries(Object.entries(rows).map(([name, column]) => [name, order.map((place) => column[place])]));
}

/** The same values, of the inverse pair; they have no printed text. */
export function turned(values) {
  const known = new Map();
  const turn = (band) => known.get(band) ?? known.set(band, inverse(band)).get(band);
  return { ...values, band: values.band.map(turn), text: values.text.map(() => null) };
}

/** Doubles of the bands, for a picture: { value, lo, hi }. */
export function doubles(bands) {
  const known = new Map();
  const of = (band) =>
    known.get(band) ??
    known.set(band, [double(band.value), double(band.lo), double(band.hi)]).get(band);
  return { value: bands.map((b) => of(b)[0]), lo: bands.map((b) => of(b)[1]), hi: bands.map((b) => of(b)[2]) };
}

/** The age of a value at an instant: of one that has a date only from the end of its day. */
export function ageAt(values, place, at) {
  return Math.max(at - values.at[place] - (values.isDate[place] ? DAY : 0), 0);
}

/** The place of the last value at or before an instant; -1 if there is none. */
export function lastBy(values, at) {
  let [low, high] = [0, values.at.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values.at[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Those of the rows of one instant that count, as [columns, row]. */
function counting(rows, first, next) {
  const all = rows.row.slice(first, next).map((row, place) => [rows.columns[first + place], row]);
  const exact = all.filter(([columns, row]) => columns.time_basis[row] !== "date");
  if (!exact.length) return all;
  const key = ([columns, row]) => [columns.recorded_at[row], columns.rate_text[row]];
  return [
    exact.reduce((a, b) => {
      const [[timeA, textA], [timeB, textB]] = [key(a), key(b)];
      return timeB > timeA || (timeB === timeA && textB >= textA) ? b : a;
    }),
  ];
}

/** A function that gives the band of a row, and reads each printed text once. */
function remembered() {
  const known = new Map();
  return (columns, row) => {
    const [text, nominal, isFixed] = [columns.rate_text[row], columns.nominal[row], columns.origin[row] === "constant"];
    const key = nominal === 1 && !isFixed ? text : `${text}|${nominal}|${isFixed}`;
    return known.get(key) ?? known.set(key, printedBand(text, nominal, isFixed)).get(key);
  };
}
