// The converter: an amount at the present rates, with its band, from printed digits alone.
import { convert, cross } from "./exact.js";
import { ageSince, el, woven } from "./dom.js";
import { writtenAmount } from "./format.js";
import { instantOf, minuteText } from "./time.js";
import { bandOf, expired, sinceOf } from "./view_now.js";

const USD = "USD";
const AMOUNT = /^\d{1,12}(?:[.,]\d{1,12})?$/;
const AMBIGUOUS = /^[1-9]\d{0,2},\d{3}$/; // thousands in English, decimals in Russian

export function viewConvert(context) {
  const { t, state, rates, replaceState } = context;
  const codes = [USD, ...rates.rates.map(({ pair }) => pair.split("/")[0])];
  const chosen = { amount: state.amount ?? "1000", sell: pick(codes, state.sell, USD), buy: pick(codes, state.buy, codes[2] ?? codes[1]) };
  const result = el("div", { "aria-live": "polite", id: "converted" }, resultOf(chosen, context));
  const change = (name) => (event) => {
    chosen[name] = event.target.value;
    replaceState({ [name]: event.target.value });
    result.replaceChildren(...resultOf(chosen, context));
  };
  const select = (name) =>
    el("label", {}, t(`convert.${name}`), " ", el("select", { id: `convert-${name}`, onchange: change(name) },
      codes.map((code) => el("option", { value: code, selected: code === chosen[name] }, code))));
  return el(
    "section", { id: "convert", "aria-labelledby": "convert-title" },
    el("h2", { id: "convert-title" }, t("convert")),
    el("div", { class: "choices" },
      el("label", {}, t("convert.amount"), " ", el("input", {
        id: "convert-amount", inputmode: "decimal", size: "12", autocomplete: "off", value: chosen.amount, oninput: change("amount"),
      })),
      select("sell"), select("buy")),
    result,
  );
}

const pick = (codes, code, other) => (codes.includes(code) ? code : other);

function resultOf({ amount, sell, buy }, context) {
  const { t, rates } = context;
  const text = amount.trim().replace(/[\s\u00a0]/g, "");
  if (!AMOUNT.test(text) || !/[1-9]/.test(text)) return [el("p", {}, t("convert.bad"))];
  if (AMBIGUOUS.test(text)) return [el("p", {}, t("convert.comma", { whole: text.replace(",", ""), point: text.replace(",", ".") }))];
  if (sell === buy) return [el("p", {}, t("convert.same"))];
  const legs = [sell, buy].filter((code) => code !== USD).map((code) => rates.rates.find(({ pair }) => pair === `${code}/${USD}`)?.rate);
  const why = whyNot(legs, context);
  if (why) return [el("p", {}, why)];
  const one = { value: [1n, 1n], lo: [1n, 1n], hi: [1n, 1n] };
  const bands = new Map(legs.map((rate) => [rate.pair, bandOf(rate)]));
  const of = (code) => bands.get(`${code}/${USD}`) ?? one;
  const amounts = writtenAmount(convert(text, cross(of(sell), of(buy))));
  const names = legs.map(({ printed: [row] }) => `${row.pair} ${row.rate_text}${row.nominal === 1 ? "" : t("chart.nominal", { n: row.nominal })} (${row.source})`);
  const age = ageSince(t, Math.min(...legs.map(sinceOf)), context.now);
  return [
    el("p", {}, el("strong", {}, t("convert.result", { amount: text.replace(",", "."), sell, buy, ...amounts }))),
    el("p", { class: "muted" }, woven(t("convert.by", { legs: names.join(", ") }), { age })),
  ];
}

/** Why legs give no conversion: a rate is absent, too old or not of one printed number, or two ticks are of two instants. */
function whyNot(legs, context) {
  const { t } = context;
  if (legs.some((rate) => !bandOf(rate))) return t("convert.none");
  const old = legs.map((rate) => expired(rate, context)).find(Boolean);
  if (old) return old;
  const [a, b] = legs.map(({ printed: [row] }) => row);
  if (!b || a.source !== b.source || a.observed_at === b.observed_at) return undefined;
  return t("convert.apart", { a: minuteText(instantOf(a.observed_at)), b: minuteText(instantOf(b.observed_at)) });
}
