// The page: reads the manifest again and again, and shows what the fragment of its address names.
import { Data, inversePair } from "./data.js";
import { el, put, tick } from "./dom.js";
import { LOOK_BACK } from "./pegs.js";
import { pollsOf } from "./polls.js";
import { SiteError, objectsOf, readJson, readManifest } from "./site.js";
import { ageAt, lastBy } from "./ticks.js";
import { fragmentOf, stateOf } from "./state.js";
import { LANGUAGES, languageOf, textsOf } from "./texts.js";
import { DAY, dayText, endOfDay, instantOf, minuteText, startOfDay } from "./time.js";
import { viewConvert } from "./view_convert.js";
import { announce, viewHistory } from "./view_history.js";
import { viewExplain, viewFoot, viewMonths } from "./view_more.js";
import { statesOf, viewNow } from "./view_now.js";

const EVERY_MS = 30_000;
const SPAN_DAYS = 30;
const WARM_HOLDS = 7 * DAY; // as the ticker's

const data = new Data();
const shown = { state: {}, manifest: undefined, rates: undefined, drifts: undefined, chart: undefined, failed: undefined, states: "" };

/** The present: that of the files if it is frozen, else of the reader's clock, which may not be before the files. */
function present(manifest) {
  const published = instantOf(manifest.published_at);
  return manifest.frozen ? published : Math.max(Date.now() * 1000, published);
}

/** The pair and the span of a state: the chosen ones, or the tenge and the last 30 days. */
function viewOf(state, pairs, now) {
  const pair = [state.pair, "KZT/USD"].find((each) => pairs.includes(each)) ?? pairs[0];
  const to = Math.min(endOfDay(state.to) ?? now, now);
  const recent = Math.max(to - (SPAN_DAYS - 1) * DAY, data.extent(pair)?.first ?? -Infinity);
  const asked = Math.min(startOfDay(state.from) ?? startOfDay(dayText(Math.min(recent, to))), to);
  const from = Math.max(asked, data.readableFrom(pair, to));
  return { isCut: from > asked, pair, from, to, first: from > asked ? from : Math.min(from, startOfDay(state.a) ?? from), last: Math.max(to, endOfDay(state.b) ?? to) };
}

/** What all views need. */
function context() {
  const { state, manifest, rates, drifts } = shown;
  const perUsd = state.per === "usd";
  const holds = new Map(rates.sources.map((each) => [each.source, each.holds_s == null ? Infinity : each.holds_s * 1e6]));
  return {
    t: textsOf(languageOf(state.lang)), state, manifest, rates, drifts, perUsd,
    now: present(manifest),
    pairs: rates.rates.map(({ pair }) => pair),
    holds: (source) => holds.get(source) ?? Infinity,
    directed: (pair) => (perUsd ? inversePair(pair) : pair),
    link: (changes) => fragmentOf({ ...state, ...changes }),
    go: (changes) => { location.hash = fragmentOf({ ...shown.state, ...changes }); },
    replaceState(changes) {
      Object.assign(shown.state, changes);
      history.replaceState(null, "", fragmentOf(shown.state));
    },
  };
}

async function showAll() {
  const all = context();
  const { t, state } = all;
  document.documentElement.lang = t.language;
  document.documentElement.dataset.theme = state.theme ?? "";
  document.documentElement.classList.toggle("embedded", Boolean(state.embed));
  document.title = t("title");
  shown.states = statesOf(all);
  put(header(all));
  put(viewNow(all));
  for (const view of [viewConvert, viewMonths, viewExplain, viewFoot]) put(view(all));
  await showHistory(all);
}

async function showHistory(all) {
  const { state, now, pairs, directed, rates } = all;
  if (!pairs.length) return put(el("section", { id: "history" }));
  const { from, to, first, last, isCut, ...stored } = viewOf(state, pairs, now);
  const pair = directed(stored.pair);
  const read = await data.lines(pair, first, last, all.holds);
  if (state !== shown.state) return; // another view was asked for meanwhile
  const lines = read.filter(({ values }) => values.at.some((at) => at <= to));
  const view = {
    pair, lines, isCut, span: { from, to }, extent: data.extent(pair),
    polls: lines[0]?.polls ?? pollsOf([]),
    a: state.a ?? firstDay(lines, from, to, all.holds), b: state.b ?? (state.a && state.a >= dayText(to) ? dayText(now) : dayText(to)),
  };
  view.pegs = (rates.pegs ?? []).filter((each) => each.pair === stored.pair);
  view.earlier = await earlierValues(view);
  if (state !== shown.state) return;
  put(viewHistory(all, view));
  shown.draw = view.draw;
  drawAgain();
  performance.mark("history-shown"); // for measurements
  const compared = `${pair} ${view.a} ${view.b}`;
  if (shown.compared && shown.compared !== compared) announce([...(document.getElementById("drift-text")?.children ?? [])].map((each) => each.textContent).join(" "));
  shown.compared = compared;
}

/** The values that tell a hop around a peg from a move; those of the view where its pair has no peg. */
async function earlierValues({ pair, lines, pegs, b }) {
  if (!lines.length || !pegs.length) return lines[0]?.values;
  const end = endOfDay(b) ?? -Infinity;
  const found = await data.lines(pair, end - LOOK_BACK, end, () => 0);
  return (found.find(({ source }) => source === lines[0].source) ?? lines[0]).values;
}

/** Draws the chart, or draws it again in the colours of now. */
function drawAgain() {
  shown.chart?.destroy();
  shown.chart = shown.draw?.();
}

/** Makes a printed page light, its chart too, and what follows as it was. */
function printing(isBegun) {
  document.documentElement.dataset.theme = isBegun ? "light" : (shown.state.theme ?? "");
  drawAgain();
}

/** The first day of a span if its end has a value that counts, else that of the first value, unless it is the last. */
function firstDay([line], from, to, holds) {
  if (!line) return dayText(from);
  const end = endOfDay(dayText(from));
  const known = lastBy(line.values, end);
  if (known >= 0 && ageAt(line.values, known, end) <= holds(line.source)) return dayText(from);
  const first = dayText(line.values.at.find((at) => at >= from) ?? from);
  return first < dayText(to) ? first : dayText(from);
}

function header({ t, state, manifest, link, perUsd }) {
  const languages = Object.entries(LANGUAGES).map(([code, name]) =>
    el("a", { id: `lang-${code}`, href: link({ lang: code }), lang: code, hreflang: code, "aria-current": code === t.language && "true" }, name));
  return el(
    "header", { id: "head" },
    el("h1", {}, t("title")),
    el("p", { class: "about" }, t("about")),
    manifest.frozen && el("p", { class: "banner" }, t("frozen", { at: minuteText(instantOf(manifest.published_at)) })),
    el("div", { class: "choices" },
      el("nav", { "aria-label": t("language"), class: "choices" }, languages),
      el("a", { href: link({ per: perUsd ? "" : "usd" }), id: "direction" }, t(perUsd ? "direction.unit" : "direction.usd")),
      state.embed && el("a", { id: "whole", href: link({ embed: "" }), target: "_blank", rel: "noopener" }, t("embed.whole"))),
  );
}

/** Reads the manifest, and what has changed with it; what is shown stays where that fails. */
async function refresh() {
  try {
    const manifest = await readManifest();
    const isNew = JSON.stringify(manifest) !== JSON.stringify(shown.manifest);
    if (isNew) {
      data.follow(manifest);
      warm(manifest);
      const [rates, drifts] = await Promise.all(["rates", "drifts"].map((kind) => readJson(objectsOf(manifest, kind)[0].file)));
      Object.assign(shown, { manifest, rates, drifts: drifts.drifts });
    }
    const isMended = shown.failed !== undefined;
    shown.failed = undefined;
    showProblem();
    const all = context();
    if (isNew || isMended || statesOf(all) !== shown.states) await showAll();
    else tick(all.t, all.now);
  } catch (error) {
    failed(error);
  }
  setTimeout(refresh, EVERY_MS);
}

/** Begins to read what the view will need, before the rates have come; whoever needs it meets the errors. */
function warm(manifest) {
  const pairs = objectsOf(manifest, "rates")[0].pairs;
  if (!pairs.length) return;
  const { pair, first, last } = viewOf(shown.state, pairs, present(manifest));
  data.read(pair, first, last, () => WARM_HOLDS).catch(() => {});
}

function failed(error) {
  if (!(error instanceof SiteError)) console.error(error);
  shown.failed ??= { since: Date.now() * 1000 };
  shown.failed.kind = error.kind ?? "damaged";
  showProblem();
}

function showProblem() {
  const problem = document.getElementById("problem");
  const { failed: now, manifest } = shown;
  if (!now) return problem.replaceChildren();
  const t = textsOf(languageOf(shown.state.lang));
  const name = location.protocol === "file:" ? "error.file" : `error.${manifest ? "" : "first."}${now.kind}`;
  const at = manifest && minuteText(instantOf(manifest.published_at));
  return problem.replaceChildren(el("p", { class: "banner" }, t(name, { since: minuteText(now.since), at })));
}

function begin() {
  shown.state = stateOf(location.hash);
  const t = textsOf(languageOf(shown.state.lang));
  const places = ["now", "history", "convert", "months", "explain"].map((id) => el("section", { id, "aria-busy": "true" }));
  document.getElementById("page").replaceChildren(
    el("header", { id: "head" }, el("h1", {}, t("title"))),
    el("div", { id: "problem", role: "status" }, el("p", {}, t("loading"))),
    el("main", {}, places),
    el("p", { id: "announced", class: "hidden", "aria-live": "polite" }),
    el("footer", { id: "foot" }),
  );
  addEventListener("hashchange", () => {
    shown.state = stateOf(location.hash);
    if (shown.manifest) showAll().catch(failed);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);
  addEventListener("beforeprint", () => printing(true));
  addEventListener("afterprint", () => printing(false));
  refresh();
}

begin();
