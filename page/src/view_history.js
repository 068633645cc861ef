// The history of one pair: chart with a cursor for keyboard and pointer, the compared dates, looks, tables and files.
import { drawChart, shaded } from "./chart.js";
import { inversePair } from "./data.js";
import { dateField, el, table } from "./dom.js";
import { bandText, written } from "./format.js";
import { CAUSES, coverageOf } from "./polls.js";
import { ageAt, lastBy } from "./ticks.js";
import { DAY, dayText, endOfDay, minuteText, monthText, startOfDay } from "./time.js";
import { driftText } from "./view_drift.js";

const LISTED_RUNS = 200;
const LISTED_DAYS = 62;

/** The section, of lines that were read: { lines, pair, span: { from, to }, a, b } in `view`. */
export function viewHistory(context, view) {
  const { t } = context;
  const { pair, lines } = view;
  const section = el(
    "section", { id: "history", "aria-labelledby": "history-title" },
    el("h2", { id: "history-title" }, t("history", { pair }), el("span", { class: "muted" }, ` ${t.per(pair)}`)),
    pickers(context, view),
    view.isCut && el("p", { class: "banner" }, t("history.cut", { at: dayText(view.span.from) })),
    lines.length ? [chartOf(context, view), key(context, view)] : el("p", {}, emptyText(context, view)),
    lines.length ? driftOf(context, view) : null,
    coverage(context, view),
    lines.length ? valueTable(context, view) : null,
    files(context, view),
  );
  return section;
}

function emptyText({ t }, { extent }) {
  return extent ? t("chart.none", { first: minuteText(extent.first), last: minuteText(extent.last) }) : t("chart.none.at.all");
}

function pickers({ t, pairs, link, directed, go, now }, { pair, span, extent }) {
  const choice = (id, text, changes, isHere) => el("a", { id: `pick-${id}`, href: link(changes), "aria-current": isHere && "true" }, text);
  const back = (days) => ({ from: dayText(now - (days - 1) * DAY), to: "" });
  const spans = [7, 30, 365].map((days) => choice(days, t(`span.${days}`), back(days)));
  if (extent) spans.push(choice("all", t("span.all"), { from: dayText(extent.first), to: "" }));
  const date = (name, label, value) =>
    dateField(label, { id: `date-${name}`, value, max: dayText(now) }, (day) => go({ [name]: day }));
  return el(
    "div", { class: "controls" },
    el("nav", { "aria-label": t("history.pick"), class: "choices" },
      pairs.map((each) => choice(each, directed(each), { pair: each, a: "", b: "" }, directed(each) === pair))),
    el("nav", { "aria-label": t("history.span"), class: "choices" }, spans),
    el("div", { class: "choices" }, date("from", t("from"), dayText(span.from)), date("to", t("until"), dayText(span.to))),
  );
}

function chartOf(context, view) {
  const { t, go } = context;
  const { pair, lines, span } = view;
  const main = lines[0];
  const inSpan = placesIn(main.values, span);
  const label = t("chart.label", { pair, from: dayText(span.from), until: dayText(span.to), n: inSpan.last - inSpan.first + 1 });
  const readout = el("p", { id: "readout", class: "readout" }, t("chart.hint"));
  const canvas = el("div", { id: "chart", class: "chart", tabindex: "0", role: "application", "aria-label": label });
  let place = inSpan.last;
  const look = (at, isAnnounced) => {
    place = Math.min(Math.max(lastBy(main.values, at), inSpan.first), inSpan.last);
    if (place < 0) return;
    readout.textContent = [valueText(t, main, place), ...besideTexts(context, view, main.values.at[place])].join("; ");
    if (isAnnounced) announce(readout.textContent);
  };
  const pick = (at) => go(picked(context.state, dayText(at)));
  view.draw = () => {
    const marks = [["A", view.a], ["B", view.b]].map(([name, day]) => [name, Math.min(endOfDay(day), span.to)]);
    const decimals = decimalsOf(main.values, inSpan);
    const chart = drawChart(canvas, { lines, span, decimals, marks, onPick: pick, onLook: (at) => look(at, false) });
    const move = (at) => {
      look(at, true);
      chart.look(main.values.at[place]);
    };
    const keys = keysOf(main.values, inSpan, () => place, move, (name) => go({ [name]: dayText(main.values.at[place]) }));
    canvas.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    };
    return chart;
  };
  return [canvas, readout];
}

/** Says a text to those who hear the page. */
export const announce = (text) => document.getElementById("announced").replaceChildren(text);

function keysOf(values, { first, last }, place, move, mark) {
  const step = (by) => () => move(values.at[Math.min(Math.max(place() + by, first), last)]);
  return {
    ArrowLeft: step(-1),
    ArrowRight: step(1),
    PageUp: () => move(values.at[place()] - DAY),
    PageDown: () => move(Math.max(values.at[place()] + DAY, values.at[Math.min(place() + 1, last)])), // over a gap too
    Home: () => move(values.at[first]),
    End: () => move(values.at[last]),
    a: () => mark("a"),
    b: () => mark("b"),
  };
}

/** A click sets A first, then B; then it begins anew. A date before A becomes A. */
function picked({ a, b }, day) {
  if (a && !b && day > a) return { b: day };
  return { a: day, b: "" };
}

function placesIn(values, { from, to }) {
  return { first: Math.min(lastBy(values, from - 1) + 1, values.at.length - 1), last: lastBy(values, to) };
}

/** The decimals of the printed values in a span; undefined if they are derived. */
function decimalsOf(values, { first, last }) {
  const texts = values.text.slice(first, last + 1);
  if (texts.some((text) => text === null) || values.nominal.some((nominal) => nominal !== 1)) return undefined;
  return Math.max(...texts.map((text) => text.split(/[.,]/)[1]?.length ?? 0));
}

function valueText(t, { source, values }, place) {
  const texts = written(values.band[place]);
  const text = values.text[place];
  const nominal = values.nominal[place];
  const printed = text !== null && text !== texts.value
    ? t("chart.printed", { text: nominal === 1 ? text : text + t("chart.nominal", { n: nominal }) })
    : "";
  return t("chart.value", { at: minuteText(values.at[place]), source, ...texts }) + printed;
}

/** What the other sources have at an instant, within their limits of age. */
function besideTexts({ t, holds }, { lines }, at) {
  return lines.slice(1).flatMap((line) => {
    const place = lastBy(line.values, at);
    return place >= 0 && ageAt(line.values, place, at) <= holds(line.source) ? [valueText(t, line, place)] : [];
  });
}

function key({ t }, { lines, span }) {
  const causes = new Set(shaded(lines[0].polls, span).map((each) => each.cause));
  const shown = Object.keys(CAUSES).filter((cause) => causes.has(cause));
  return el(
    "ul", { class: "key" },
    lines.map(({ source }, place) => el("li", {}, el("span", { class: `swatch line-${place + 1}` }), t("key.line", { source }))),
    shown.length ? el("li", {}, t("key.gap"), shown.map((cause) => [" ", el("span", { class: `swatch cause-${cause}` }), t(`cause.${cause}`)])) : null,
    el("li", {}, t("key.ab")),
  );
}

function driftOf(context, view) {
  const { a, b } = view;
  const { t, go, now } = context;
  const date = (name, value) =>
    dateField(t(`drift.${name}`), { id: `date-${name}`, value, max: dayText(now) }, (day) => go({ a, b, [name]: day }));
  return el(
    "section", { "aria-labelledby": "drift-title", id: "drift" },
    el("h3", { id: "drift-title" }, t("drift")),
    el("div", { class: "choices" }, date("a", a), date("b", b)),
    el("div", { id: "drift-text" }, driftText(view, context)),
  );
}

function coverage({ t }, { polls, span }) {
  const whole = coverageOf(polls, span.from, span.to + 1);
  const percent = ({ ok, slots }) => (Math.floor((1000 * ok) / slots) / 10).toFixed(1);
  const all = Math.round((startOfDay(dayText(span.to)) - startOfDay(dayText(span.from))) / DAY) + 1;
  const text = whole.slots ? t("coverage.text", { ok: whole.ok, n: whole.slots, pct: percent(whole), days: whole.days, all }) : t("coverage.none");
  const rows = [];
  for (let start = startOfDay(dayText(span.to)); start >= span.from - DAY && rows.length < LISTED_DAYS; start -= DAY) {
    const day = coverageOf(polls, start, start + DAY);
    if (day.slots) rows.push([dayText(start), `${day.slots}`, `${day.ok}`, [...day.others].map(([name, n]) => `${name} × ${n}`).join(", ")]);
  }
  const columns = [[t("coverage.day")], [t("coverage.looks"), true], [t("coverage.ok"), true], [t("coverage.others")]];
  return el(
    "section", { "aria-labelledby": "coverage-title" },
    el("h3", { id: "coverage-title" }, t("coverage")),
    el("p", {}, text),
    rows.length ? el("details", { id: "looks" }, el("summary", { id: "looks-shown" }, t("coverage.caption")), scrolled("looks-table", table(t("coverage.caption"), columns, rows), t("coverage.caption"))) : null,
  );
}

/** The table behind the chart: runs of equal values, made when it is opened. */
function valueTable({ t }, { pair, lines, span }) {
  const [{ source, values }] = lines;
  const caption = t("table.caption", { pair, source });
  const fill = (event) => {
    if (!event.target.open || event.target.childElementCount > 1) return;
    const runs = runsOf(values, placesIn(values, span));
    const rows = runs.slice(-LISTED_RUNS).reverse().map(({ first, last }) => {
      const texts = written(values.band[first]);
      return [minuteText(values.at[first]), minuteText(values.at[last]), texts.value, bandText(texts, t("to")), `${last - first + 1}`];
    });
    const columns = [
      [t("table.from")], [t("table.until")], [t("col.value"), true], [t("col.band"), true], [t("table.looks"), true],
    ];
    const cut = runs.length > LISTED_RUNS && el("p", { class: "muted" }, t("table.cut", { n: runs.length - LISTED_RUNS }));
    event.target.append(scrolled("values-table", table(caption, columns, rows), caption), ...(cut ? [cut] : []));
  };
  return el("details", { id: "values", ontoggle: fill }, el("summary", { id: "values-shown" }, t("table.show")));
}

function runsOf({ band }, { first, last }) {
  const runs = [];
  for (let place = first; place <= last; place += 1) {
    if (runs.length && band[place] === band[runs.at(-1).last]) runs.at(-1).last = place;
    else runs.push({ first: place, last: place });
  }
  return runs;
}

function files({ t, manifest }, { pair, span }) {
  const names = [pair, inversePair(pair)];
  const twins = manifest.twins.filter((each) => names.includes(each.pair) && each.month >= monthText(span.from) && each.month <= monthText(span.to));
  if (!twins.length) return null;
  const rows = twins.reverse().map((each) => [
    [each.month, each.pair === pair ? "" : ` ${each.pair}`], `${each.rows}`,
    each.files.map((file) => [el("a", { id: `file-${file}`, href: file, "aria-label": `${each.pair} ${each.month} .${file.split(".").pop()}` }, `.${file.split(".").pop()}`), " "]),
  ]);
  const columns = [[t("files.month")], [t("files.rows"), true], [t("files.files")]];
  return el(
    "details", { id: "files" }, el("summary", { id: "files-shown" }, t("files")),
    scrolled("files-table", table(t("files.caption", { pair }), columns, rows), t("files")),
  );
}

/** A table that scrolls sideways where the page is narrow; it takes the focus so that keys can scroll it. */
const scrolled = (id, content, label) => el("div", { id, class: "scrolled", tabindex: "0", role: "region", "aria-label": label }, content);
