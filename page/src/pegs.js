// Pegged currencies: whether a change is a hop between levels around the peg, as fxticker.analysis.peg_hops has it.
import { DAY, dayText } from "./time.js";

/** How far before a change its level may have been shown. */
export const LOOK_BACK = 366 * DAY;

const isSame = ([a, b], [c, d]) => a * d === c * b;
const pegOn = (pegs, day) => pegs.find(({ since, until }) => since <= day && (until === null || day < until));

/**
 * Whether a change is between levels that are shown in turn, under one peg: its last level before its first one.
 *
 * pegs: those of the pair, { since, until } as days; values: of its source, from LOOK_BACK before the end at least;
 * start, end: { at (µs), value } of the compared values.
 */
export function isHop(pegs, values, start, end) {
  const peg = pegOn(pegs, dayText(start.at));
  if (!peg || peg !== pegOn(pegs, dayText(end.at)) || isSame(start.value, end.value)) return false;
  let isBeyond = false;
  for (let place = values.at.length - 1; place >= 0 && values.at[place] >= end.at - LOOK_BACK; place -= 1) {
    if (values.at[place] >= end.at) continue;
    if (isBeyond && isSame(values.band[place].value, end.value)) return true;
    isBeyond ||= isSame(values.band[place].value, start.value);
  }
  return false;
}
