// The arithmetic of the page, by the vectors that the Python functions are tested with.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { breaksIn, coverageOf, pollsOf, stretchesOf, visible } from "../src/polls.js";
import { convert, cross, double, driftPct, inverse, isSignificant, printedBand } from "../src/exact.js";
import { written, writtenAmount } from "../src/format.js";
import { driftBetween } from "../src/drift.js";
import { stateOf } from "../src/state.js";
import { isHop } from "../src/pegs.js";
import { verdict } from "../src/verdict.js";
import { ageAt, retractedIn, valuesOf } from "../src/ticks.js";

const vectors = JSON.parse(readFileSync(new URL("../../tests/cases/page_vectors.json", import.meta.url)));

function reduced([n, d]) {
  let [a, b] = [n < 0n ? -n : n, d];
  while (b) [a, b] = [b, a % b];
  return d === a ? `${n / a}` : `${n / a}/${d / a}`;
}
const stated = (band, texts) => ({ lo: reduced(band.lo), hi: reduced(band.hi), written: [texts.value, texts.lo, texts.hi] });
const columnsOf = (rows) => Object.fromEntries(Object.keys(rows[0]).map((name) => [name, rows.map((row) => row[name])]));

const KINDS = {
  inverse({ rate }) {
    const band = inverse(printedBand(...rate));
    return stated(band, written(band));
  },
  cross({ base, quote }) {
    const band = cross(printedBand(...base), printedBand(...quote));
    return stated(band, written(band));
  },
  drift({ start, end }) {
    const band = driftPct(printedBand(...start), printedBand(...end));
    return { ...stated(band, written(band, true)), significant: isSignificant(band) };
  },
  convert({ amount, rates: [base, quote] }) {
    const band = convert(amount, cross(printedBand(base), printedBand(quote)));
    return stated(band, writtenAmount(band));
  },
  values({ rows }) {
    const found = valuesOf([columnsOf(rows)], rows[0].pair);
    const ends = (name) => found.band.map((band) => double(band[name]));
    return { at: found.at, lo: ends("lo"), hi: ends("hi"), text: found.text };
  },
};

for (const [kind, of] of Object.entries(KINDS)) {
  for (const [number, { expected, ...vector }] of vectors[kind].entries()) {
    test(`${kind} ${number}`, () => assert.deepEqual(of(vector), expected));
  }
}

test("address names what it knows, and days of the calendar alone", () => {
  assert.deepEqual(stateOf("#pair=KZT/USD&a=2025-02-30&b=2024-02-29&from=x&to=2025-13-01&foo=1"), { pair: "KZT/USD", b: "2024-02-29" });
});

test("text that is no printed number is refused", () => {
  for (const text of ["", "1e5", "-1", "0x1", "1.", "0.00000", "12 345"]) {
    assert.throws(() => printedBand(text), RangeError);
  }
});

const row = (observed_at, rate_text, changes = {}) => ({
  pair: "KZT/USD", observed_at, time_basis: "clock", rate_text, nominal: 1, origin: "live", recorded_at: observed_at,
  change_text: "-0%", ...changes,
});

test("retracted ticks, and those after the shown instant, do not count", () => {
  const ticks = [columnsOf([row(10, "0.00191"), row(20, "0.00192"), row(30, "0.00193")])];
  const retractions = [columnsOf([{ ...row(10, "0.00191"), retracted_at: 40, reason: "misread" }])];

  assert.deepEqual(valuesOf(ticks, "KZT/USD", { upto: 29, retracted: retractedIn(retractions) }).text, ["0.00192"]);
  assert.deepEqual(valuesOf(ticks, "KZT/USD").text, ["0.00191", "0.00192", "0.00193"]);
});

test("last retraction of a tick decides", () => {
  const at = (retracted_at, reason) => ({ ...row(10, "0.00191"), retracted_at, reason });
  assert.equal(retractedIn([columnsOf([at(40, "misread"), at(50, null)])]).size, 0);
  assert.equal(retractedIn([columnsOf([at(50, null), at(60, "misread")])]).size, 1);
});

test("value of which only the date is known ages from the end of its day", () => {
  const day = 86_400_000_000;
  const values = valuesOf([columnsOf([row(0, "0.00191", { time_basis: "date" }), row(2 * day, "0.00193")])], "KZT/USD");
  assert.deepEqual([ageAt(values, 0, day - 1), ageAt(values, 0, 3 * day), ageAt(values, 1, 3 * day)], [0, 2 * day, day]);
});

test("drift names the end that has no value or an old one", () => {
  const values = valuesOf([columnsOf([row(10, "0.00191"), row(20, "0.00193"), row(90, "0.00193")])], "KZT/USD");
  assert.equal(driftBetween(values, 10, 25).significant, true);
  assert.deepEqual([driftBetween(values, 5, 25).reason, driftBetween(values, 5, 25).side], ["none", "start"]);
  assert.deepEqual([driftBetween(values, 10, 80, 30).reason, driftBetween(values, 10, 80, 30).side], ["old", "end"]);
  assert.equal(driftBetween(values, 20, 25).reason, "same");
});

test("hop comes back to a level before a different one, under one peg, in a year", () => {
  const day = 86_400_000_000;
  const values = valuesOf([columnsOf([
    row(day, "0.28571"), row(2 * day, "0.28490"), row(3 * day, "0.28571"), row(4 * day, "0.28575"), row(400 * day, "0.28490"),
  ])], "KZT/USD");
  const end = (place) => ({ at: values.at[place], value: values.band[place].value });
  const hops = (first, last, pegs = [{ since: "1970-01-01", until: null }]) => isHop(pegs, values, end(first), end(last));
  assert.equal(hops(1, 2), true);
  assert.deepEqual([hops(0, 1), hops(2, 3), hops(0, 2), hops(3, 4)], [false, false, false, false]); // new, new, none, long ago
  assert.deepEqual([hops(1, 2, []), hops(1, 2, [{ since: "1970-01-01", until: "1970-01-04" }, { since: "1970-01-04", until: null }])], [false, false]);
});

test("stretches without a successful poll have their cause, and the last ends at its own slot", () => {
  const polls = pollsOf([columnsOf([
    { slot: 10, outcome: "ok" }, { slot: 20, outcome: "missed" }, { slot: 30, outcome: "clock" },
    { slot: 40, outcome: "timeout" }, { slot: 50, outcome: "ok" }, { slot: 60, outcome: "no_ticker" },
  ])]);
  assert.deepEqual(stretchesOf(polls), [
    { start: 20, end: 40, cause: "notPolled" }, { start: 40, end: 50, cause: "noAnswer" }, { start: 60, end: 60, cause: "noTicker" },
  ]);
  assert.equal(coverageOf(polls).days, 1);
  const { slots, ok, others } = coverageOf(polls, 20, 60);
  assert.deepEqual([slots, ok, [...others]], [4, 1, [["missed", 1], ["clock", 1], ["timeout", 1]]]);
});

test("narrow stretches are shaded only together, under the cause of the longest time", () => {
  const stretch = (start, end, cause) => ({ start, end, cause });
  const found = [stretch(0, 4, "noAnswer"), stretch(4, 7, "refused"), stretch(7, 12, "noAnswer"), stretch(20, 24, "refused"), stretch(30, 60, "notPolled")];
  assert.deepEqual(visible(found, { from: 0, to: 50 }, 10), [stretch(0, 12, "noAnswer"), stretch(30, 60, "notPolled")]);
  assert.deepEqual(visible(found, { from: 25, to: 29 }, 1), []);
});

test("line breaks at a long distance and at a poll without ticks, not at a stale page", () => {
  const at = [10, 20, 30, 40, 90, 100];
  assert.deepEqual([...breaksIn(at, { slot: [], outcome: [] })], [3]);
  assert.deepEqual([...breaksIn(at, { slot: [15, 25], outcome: ["timeout", "stale"] })].sort(), [0, 3]);
});

test("a change between values of a date in no known order is called neither a move nor rounding", () => {
  const change = { pair: "TJS/USD", peg_hop: false, significant: false, drift_pct: 0.17 };
  const said = (more) => verdict({ ...change, ...more }, (key) => key);
  assert.deepEqual([said({}), said({ several_values: true })], ["rounding", "several"]);
});
