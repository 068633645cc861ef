// The rates now: value, band, age, last change, and the official rates beside.
import { TICKER } from "./data.js";
import { ageSince, el, table, woven } from "./dom.js";
import { inverse, printedBand } from "./exact.js";
import { bandText, written } from "./format.js";
import { DAY, instantOf, minuteText } from "./time.js";
import { verdict } from "./verdict.js";

const STALE = 2 * DAY; // of the ticker, which moves several times a day

/** The band of a precomputed rate that is one printed number of the pair or of its inverse; undefined for others. */
export function bandOf(rate) {
  if (rate?.printed.length !== 1) return undefined;
  const [row] = rate.printed;
  const band = printedBand(row.rate_text, row.nominal, row.origin === "constant");
  if (row.pair === rate.pair) return band;
  return row.pair === rate.pair.split("/").reverse().join("/") ? inverse(band) : undefined;
}

/** The instant in µs from which the age of a rate counts. */
export const sinceOf = (rate) => instantOf(rate.at) - Math.round(rate.age_h * 3.6e9);
const ageOf = (rate, now) => now - sinceOf(rate);

/** Why a rate does not answer any more, as text; undefined if it does. */
export function expired(rate, { t, now, holds }) {
  const limit = Math.max(...rate.source.split("+").map((source) => holds(source)));
  const age = ageOf(rate, now);
  return age > limit ? t("now.expired", { value: rate.written.value, age: t.age(age), limit: t.age(limit) }) : undefined;
}

export function viewNow(context) {
  const { t, rates, now } = context;
  const columns = [
    [t("col.pair")], [t("col.value"), true], [t("col.band"), true], [t("col.age")], [t("col.change")], [t("col.beside")],
  ];
  const order = rates.rates.find((each) => each.rate)?.rate.order.map((name) => (t.has(`order.${name}`) ? t(`order.${name}`) : name)).join(", ");
  const caption = t("now.caption", { at: minuteText(instantOf(rates.at)) }) + (order ? t("now.order", { order }) : "");
  const rows = rates.rates.map((each) => rowOf(each, context));
  return el(
    "section", { id: "now", "aria-labelledby": "now-title" },
    el("h2", { id: "now-title" }, t("now")),
    rows.length ? table(caption, columns, rows, { class: "cards" }) : el("p", {}, t("now.empty")),
    el("p", { class: "muted" }, woven(t("published", { at: minuteText(instantOf(rates.at)) }), { age: ageSince(t, instantOf(rates.at), now) }), " ",
      rates.sources.map((source) => lookText(source, context))),
  );
}

function rowOf({ pair, rate, reason, beside, change, unchanged_since: since }, context) {
  const { t, link, directed } = context;
  const name = directed(pair);
  const heading = el("a", { href: link({ pair }), id: `now-${pair}` }, name);
  const why = rate ? expired(rate, context) : woven(t("now.none"), { reason: el("span", { lang: "en" }, reason) });
  if (why) return [heading, "—", "—", "—", why, ""];
  const texts = textsOf(rate, context);
  const old = isStale(rate, context) && el("strong", { class: "old" }, ` ${t("now.stale")}`);
  return [
    [heading, el("span", { class: "muted block" }, t("now.by", { kind: kindText(rate.kind, t), source: rate.source }))],
    el("strong", {}, texts.value),
    bandText(texts, t("to")),
    [ageSince(t, sinceOf(rate), context.now), old],
    change ? changeText(change, t) : since ? t("change.none", { at: minuteText(instantOf(since)) }) : "",
    besideText(rate, beside, context),
  ];
}

const isStale = (rate, { now }) => rate.source === TICKER && ageOf(rate, now) > STALE;

/** What of the rates changes with time alone: which are stale, which are beyond their limit, which looks are due. */
export function statesOf(context) {
  const { rates, now } = context;
  const all = rates.rates.flatMap(({ rate, beside }) => (rate ? [rate, ...beside] : []));
  const due = rates.sources.map(({ next_slot: next }) => next && instantOf(next) <= now);
  return JSON.stringify([all.map((rate) => [isStale(rate, context), Boolean(expired(rate, context))]), due]);
}

const kindText = (kind, t) => kind.split("+").map((each) => t(`kind.${each}`)).join(" + ");

/** Texts of a rate in the chosen direction: of one printed number from its digits, of others as published. */
function textsOf(rate, { perUsd }) {
  const band = bandOf(rate);
  if (band && perUsd) return written(inverse(band));
  if (!perUsd) return rate.written;
  return written(inverse({ value: decimal(rate.rate), lo: decimal(rate.rate_lo), hi: decimal(rate.rate_hi) }));
}

/** A published double as the fraction of its shortest decimal. */
function decimal(number) {
  const [digits, exponent = "0"] = number.toString().split("e");
  const [whole, decimals = ""] = digits.split(".");
  const places = decimals.length - Number(exponent);
  return places >= 0 ? [BigInt(whole + decimals), 10n ** BigInt(places)] : [BigInt(whole + decimals) * 10n ** BigInt(-places), 1n];
}

function changeText(change, t) {
  return [
    el("span", { class: "nowrap" }, t("change.what", { from: change.rate_text_start ?? t("values"), to: change.rate_text_end ?? t("values") })), " ",
    el("span", { class: "block nowrap" }, t("change.seen", { at: minuteText(instantOf(change.end_at)) })),
    el("span", { class: "block" }, verdict(change, t)),
  ];
}

function besideText(rate, beside, context) {
  const { t } = context;
  const official = beside.filter((rate) => rate.kind !== "market" && !expired(rate, context));
  if (!official.length) return t("beside.none");
  return official.map((other) => {
    const texts = textsOf(other, context);
    const what = t("beside.what", { date: other.value_date });
    const pct = signed(context.perUsd ? inverseDistance(rate, other) : other.distance_pct);
    return [
      el("span", { class: "block nowrap" }, `${other.source}: ${bandText(texts, t("to"))}`),
      el("span", { class: "block" }, woven(what, { age: ageSince(t, sinceOf(other), context.now) })),
      el("span", { class: "block" }, other.agrees ? t("beside.agrees") : t("beside.contradicts", { pct })),
    ];
  });
}

/** The distance of the nearest points of two bands that contradict, of the inverse pair, in percent of this rate. */
function inverseDistance(rate, other) {
  const [near, far] = other.rate_lo > rate.rate_hi ? [rate.rate_hi, other.rate_lo] : [rate.rate_lo, other.rate_hi];
  return 100 * rate.rate * (1 / far - 1 / near);
}

const signed = (number) => `${number > 0 ? "+" : ""}${Math.abs(number) < 100 ? number.toPrecision(2) : Math.round(number)}`;

function lookText({ source, last_slot: last, last_outcome: outcome, last_ok_slot: ok, next_slot: next }, { t, now }) {
  if (!last && !next) return null;
  const slot = (text) => minuteText(instantOf(text));
  const parts = [last ? t("look.last", { source, slot: slot(last), outcome }) : t("look.never", { source })];
  if (ok && ok !== last) parts.push(t("look.ok", { slot: slot(ok) }));
  if (!next) parts.push(t("look.unplanned"));
  else parts.push(t(instantOf(next) > now ? "look.next" : "look.due", { slot: slot(next) }));
  return el("span", { class: "block" }, parts.join(" "));
}
