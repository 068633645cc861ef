// Numbers with the digits that their band supports, the band rounded outward: as fxticker.model.formatting.
import { double, minus } from "./exact.js";

const MOST_DECIMALS = 20;
const MORE_DECIMALS = 3;
const EXACT_DIGITS = 12;
const ENDLESS_DIGITS = 6;

const firstDecimal = (size) => -Math.floor(Math.log10(size));
const size = ([n, d]) => Math.abs(double([n, d]));

/** Texts { value, lo, hi } of a band of fractions; `signed` puts a plus before numbers above 0. */
export function written({ value, lo, hi }, signed = false) {
  const plus = (text) => (signed && !text.startsWith("-") && /[1-9]/.test(text) ? `+${text}` : text);
  const width = minus(hi, lo);
  if (width[0] === 0n) {
    const exact = plus(plain(lo));
    return { value: exact, lo: exact, hi: exact };
  }
  const decimals = decimalsOf(lo, hi, double(width));
  const printed = printedDecimals(value, lo, hi, width);
  return {
    value: plus(rounded(value, printed ?? decimals, "even")),
    lo: plus(rounded(lo, decimals, "floor")),
    hi: plus(rounded(hi, decimals, "ceil")),
  };
}

/** Both ends in words, or the number alone if it is exact. */
export const bandText = ({ lo, hi }, to) => (lo === hi ? lo : `${lo} ${to} ${hi}`);

/** A fraction with so many decimals, rounded to `even`, `floor` or `ceil`. */
export function rounded([n, d], decimals, way) {
  const scaled = n * 10n ** BigInt(decimals);
  let steps = scaled / d;
  if (scaled < 0n && steps * d !== scaled) steps -= 1n; // towards minus infinity
  const rest = scaled - steps * d;
  const isUp = way === "ceil" ? rest > 0n : way === "even" && (2n * rest > d || (2n * rest === d && steps % 2n !== 0n));
  if (isUp) steps += 1n;
  const digits = (steps < 0n ? -steps : steps).toString().padStart(decimals + 1, "0");
  const text = decimals ? `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}` : digits;
  return steps < 0n ? `-${text}` : text;
}

function decimalsOf(lo, hi, width) {
  const decimals = Math.min(Math.max(1 - Math.floor(Math.log10(width * (1 + 1e-9))), 0), MOST_DECIMALS);
  const firsts = [lo, hi].filter(([n]) => n !== 0n).map((end) => firstDecimal(size(end)));
  return Math.max(decimals, ...firsts.filter((first) => first <= decimals + MORE_DECIMALS));
}

/** The decimals of a number whose band is half a step of its last decimal to each side; undefined for others. */
function printedDecimals(value, lo, hi, [n, d]) {
  const decimals = -Math.round(Math.log10(double([n, d])));
  if (decimals < 0 || decimals > MOST_DECIMALS) return undefined;
  const scale = 10n ** BigInt(decimals);
  const isStep = n * scale === d && (value[0] * scale) % value[1] === 0n;
  const isMiddle = minus(minus(hi, value), minus(value, lo))[0] === 0n;
  return isStep && isMiddle ? decimals : undefined;
}

function plain(value) {
  if (value[0] === 0n) return "0";
  const digits = (count) => rounded(value, Math.max(count - 1 + firstDecimal(size(value)), 0), "even");
  const exact = digits(EXACT_DIGITS);
  const significant = exact.replace("-", "").replace(".", "").replace(/^0+/, "");
  const isEndless = significant.length >= EXACT_DIGITS && !significant.endsWith("0");
  const text = isEndless ? digits(ENDLESS_DIGITS) : exact;
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** An amount of money and its band, as fxticker.convert has them: two digits of the band's width. */
export function writtenAmount({ value, lo, hi }) {
  const width = minus(hi, lo);
  if (width[0] === 0n) return written({ value, lo, hi });
  const decimals = Math.max(1 - Math.floor(Math.log10(double(width))), 0);
  return { value: rounded(value, decimals, "even"), lo: rounded(lo, decimals, "floor"), hi: rounded(hi, decimals, "ceil") };
}
