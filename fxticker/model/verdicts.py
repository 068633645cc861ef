"""Verdicts: what the printed digits say of a change, in the same words everywhere."""

from __future__ import annotations

MORE, WITHIN, HOP, NONE = "more than rounding", "within rounding", "peg hop", "no change printed"


def verdict(drift_pct: float, *, significant: bool, peg_hop: bool) -> str:
    """Return the verdict on a change.

    Parameters
    ----------
    drift_pct
        The change of the printed rates, in percent.
    significant
        Whether its band excludes 0.
    peg_hop
        Whether a pegged pair came back to a level that its source showed before.
    """
    if significant:
        return HOP if peg_hop else MORE
    return WITHIN if drift_pct else NONE
