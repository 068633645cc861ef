// The verdict on a change that was computed before: a move, a peg hop, rounding, or one that cannot be told.
/** What a precomputed change means, in words. */
export function verdict(change, t) {
  if (change.peg_hop) return t("hop");
  if (change.significant) return t.moved(change.pair, change.drift_pct > 0);
  return t(change.several_values ? "several" : "rounding");
}
