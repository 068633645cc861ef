// The rest of the page: changes between month ends, where each figure comes from, the code for another page, notes.
import { el, table } from "./dom.js";
import { instantOf, minuteText } from "./time.js";
import { verdict } from "./verdict.js";

/** Changes between month ends, as published: those of the ticker's own direction. */
export function viewMonths({ t, drifts, rates }) {
  const pairs = rates.rates.map(({ pair }) => pair);
  const rows = [...drifts].reverse().map(({ start, end, rows: found, reason }) => {
    const name = (text) => (text.length > 7 ? minuteText(instantOf(text)) : text);
    const cells = pairs.map((pair) => {
      const row = found.find((each) => each.pair === pair);
      if (!row?.written) return el("span", { class: "muted" }, t("months.none"));
      const { value, lo, hi } = row.written;
      return [value, el("span", { class: "muted block" }, `${lo} ${t("to")} ${hi}`), el("span", { class: "block" }, verdict(row, t))];
    });
    return [[`${name(start)} – ${name(end)}`, reason && el("span", { class: "muted block wrapped" }, foreign(t, reason))], ...cells];
  });
  const columns = [[t("months.span")], ...pairs.map((pair) => [pair, true])];
  return el(
    "section", { id: "months", "aria-labelledby": "months-title" },
    el("h2", { id: "months-title" }, t("months")),
    rows.length
      ? el("details", { id: "month-table" }, el("summary", { id: "months-shown" }, t("months.show")),
          el("div", { id: "months-scrolled", class: "scrolled", tabindex: "0", role: "region", "aria-label": t("months.caption") }, table(t("months.caption"), columns, rows)))
      : el("p", {}, t("months.none")),
  );
}

/** The explanation of each present rate, down to the printed text. */
export function viewExplain({ t, rates, manifest }) {
  const all = rates.rates.flatMap(({ rate, beside }) => (rate ? [rate, ...beside] : []));
  if (!all.length) return el("section", { id: "explain" });
  return el(
    "section", { id: "explain", "aria-labelledby": "explain-title" },
    el("h2", { id: "explain-title" }, t("explain")),
    all.map((rate) =>
      el("details", { id: `explain-${rate.pair}-${rate.source}` }, el("summary", { id: `shown-${rate.pair}-${rate.source}` }, `${t("explain.of", { pair: rate.pair, value: rate.written.value })} (${rate.source})`),
        rate.printed.map((row, place) => printedFacts(row, `file-${rate.pair}-${rate.source}-${place}`, t, manifest)))),
  );
}

function printedFacts(row, id, t, manifest) {
  const file = manifest.objects.find((each) => each.stored_as === row.file)?.file;
  const instant = (text) => (text.length > 10 ? `${text.replace("T", " ").replace("Z", "")} UTC` : text);
  const facts = [
    ["explain.printed", `${row.source} ${row.pair} = ${row.rate_text}${row.nominal === 1 ? "" : t("chart.nominal", { n: row.nominal })}${row.change_text ? ` ${row.change_text}` : ""}`],
    ["explain.observed", `${instant(row.observed_at)} (${row.time_basis}, ${row.origin})`],
    ["explain.recorded", instant(row.recorded_at)],
    ["explain.file", file ? el("a", { id, href: file }, row.file) : row.file],
    ["explain.poll", row.poll && `${minuteText(instantOf(row.poll.slot))}, ${row.poll.outcome}${row.poll.http_status === null ? "" : `, HTTP ${row.poll.http_status}`}`],
    ["explain.page", row.poll?.body_sha256],
    ["explain.parser", row.poll?.parser_version == null ? null : `${row.poll.parser_version}`],
  ];
  const checks = row.checks.map(({ name, passed, detail }) =>
    el("li", {}, `${t(`check.${passed}`)}: `, foreign(t, name), detail && [" (", foreign(t, detail), ")"]));
  return [
    el("dl", {}, facts.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, t(name)), el("dd", {}, value)))),
    el("p", {}, t("explain.checks")), el("ul", {}, checks),
  ];
}

/** A text that fxticker writes in English: its translation, or itself, marked as English. */
const foreign = (t, text) => (t.has(text) ? t(text) : el("span", { lang: "en" }, text));

/** The code that puts the chart into another page, and the notes below. */
export function viewFoot({ t, link }) {
  const address = new URL(link({ embed: "1" }), location.href).href;
  const code = `<iframe src="${address.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}" title="${t("title")}" width="100%" height="660" loading="lazy"></iframe>`;
  const before = t("data", { manifest: "|" }).split("|");
  return el(
    "footer", { id: "foot" },
    el("h2", {}, t("embed")),
    el("label", {}, t("embed.code"), el("textarea", { id: "embed-code", readonly: true, rows: "3", value: code, spellcheck: "false" })),
    el("h2", {}, t("reading")),
    el("p", {}, t("reading.text")),
    el("p", {}, before[0], el("a", { id: "all-files", href: "manifest.json" }, "manifest.json"), before[1], " ", el("a", { id: "licences", href: "assets/licences.txt" }, "hyparquet, uPlot"), "."),
  );
}
