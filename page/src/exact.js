// Interval arithmetic on printed digits, exact: a number is a fraction [n, d] of BigInts, d above 0.
// The formulas are those of fxticker.model.bands.

const NUMBER = /^[0-9]{1,12}(?:[.,][0-9]{1,12})?$/;

const times = ([a, b], [c, d]) => [a * c, b * d];
const over = ([a, b], [c, d]) => [a * d, b * c];
export const minus = ([a, b], [c, d]) => [a * d - c * b, b * d];
export const below = ([a, b], [c, d]) => a * d < c * b;
const HUNDRED = [100n, 1n];
const ONE = [1n, 1n];

/** A printed number as a fraction: "0.00191" is 191/100000. */
export function fraction(text) {
  if (!NUMBER.test(text)) throw new RangeError(`not a printed number: ${text}`);
  const [whole, decimals = ""] = text.split(/[.,]/);
  return [BigInt(whole + decimals), 10n ** BigInt(decimals.length)];
}

/** The band of a printed rate, per one unit of base; of a fixed rate both ends are the rate. */
export function printedBand(text, nominal = 1, isFixed = false) {
  const [n, d] = fraction(text);
  if (n === 0n) throw new RangeError("a rate is above zero");
  const units = BigInt(nominal);
  const value = [n, d * units];
  if (isFixed) return { value, lo: value, hi: value };
  return { value, lo: [2n * n - 1n, 2n * d * units], hi: [2n * n + 1n, 2n * d * units] };
}

/** The band of 1/rate. */
export function inverse({ value, lo, hi }) {
  return { value: over(ONE, value), lo: over(ONE, hi), hi: over(ONE, lo) };
}

/** The band of base/quote, from the two rates against one common currency. */
export function cross(base, quote) {
  return { value: over(base.value, quote.value), lo: over(base.lo, quote.hi), hi: over(base.hi, quote.lo) };
}

/** The band of the relative change from start to end, in percent. */
export function driftPct(start, end) {
  const ratio = cross(end, start);
  const pct = (bound) => times(HUNDRED, minus(bound, ONE));
  return { value: pct(ratio.value), lo: pct(ratio.lo), hi: pct(ratio.hi) };
}

/** The band of an amount, an exact decimal text, at a rate. */
export function convert(amount, { value, lo, hi }) {
  const quantity = fraction(amount);
  return { value: times(quantity, value), lo: times(quantity, lo), hi: times(quantity, hi) };
}

/** The smallest band that contains all of these, with its middle as value. */
export function hull(bands) {
  const lo = bands.map((band) => band.lo).reduce((a, b) => (below(b, a) ? b : a));
  const hi = bands.map((band) => band.hi).reduce((a, b) => (below(a, b) ? b : a));
  const [a, b] = lo;
  const [c, d] = hi;
  return { value: [a * d + c * b, 2n * b * d], lo, hi };
}

/** Whether a change is more than rounding: its band excludes 0. */
export const isSignificant = ({ lo, hi }) => lo[0] > 0n || hi[0] < 0n;

/** The double next to a fraction, for a picture only. */
export const double = ([n, d]) => Number(n) / Number(d);
