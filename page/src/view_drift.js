// The change between two dates, in words: from which value to which, and whether it is more than rounding.
import { driftBetween } from "./drift.js";
import { el } from "./dom.js";
import { written } from "./format.js";
import { isHop } from "./pegs.js";
import { endOfDay, minuteText } from "./time.js";

/** The paragraphs about the change of the first line of a view between the ends of two days. */
export function driftText({ lines: [{ source, values }], pair, a, b, pegs, earlier }, { t, now, holds }) {
  const [start, end] = [endOfDay(a), Math.min(endOfDay(b), now)];
  if (a === b) return [el("p", {}, t("drift.one"))];
  if (!(start < end)) return [el("p", {}, t("drift.order"))];
  const found = driftBetween(values, start, end, holds(source));
  if (found.reason) return [el("p", {}, reasonText(found, t, holds(source)))];
  const of = ({ place }) => written(values.band[place]).value;
  const texts = written(found.band, true);
  const isSame = values.band[found.start.place] === values.band[found.end.place];
  const compared = ({ at, place }) => ({ at, value: values.band[place].value });
  const moved = () => t("drift.significant", { moved: t.moved(pair, found.band.lo[0] > 0n) });
  const hops = found.significant && isHop(pegs, earlier, compared(found.start), compared(found.end));
  const isSeveral = [found.start, found.end].some(({ place }) => values.text[place] === null);
  const says = hops ? t("drift.hop") : found.significant ? moved() : t(isSeveral ? "drift.several" : "drift.rounding");
  return [
    el("p", {},
      t("drift.text", {
        pair, start: minuteText(found.start.at), end: minuteText(found.end.at), from: of(found.start), to: of(found.end), ...texts,
        value: texts.value,
      }),
      " ", isSame && `${t("unchanged")} `, el("strong", {}, says)),
    el("p", { class: "muted" }, t("drift.ages", { a: t.age(found.start.ageUs), b: t.age(found.end.ageUs) })),
  ];
}

function reasonText(found, t, limit) {
  if (found.reason === "same") return t("drift.same", { at: minuteText(found.start.at) });
  if (found.reason === "none") return t(`drift.none.${found.side}`);
  const side = found[found.side];
  return t(`drift.old.${found.side}`, { at: minuteText(side.at), age: t.age(side.ageUs), limit: t.age(limit) });
}
