"""What an axis of changes can resolve: which bands are drawn on it, and how far it reaches.

Bands differ by a factor of a thousand: 0.008 % for the manat and 26 % for the sum. On a linear axis one of the sum's
width makes all others points, so a band that would fill the axis of the narrower ones is stated in words. An axis that
reaches only as far as its bands would show a step of rounding as a crash; so it has at least 1 % to either side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_LEAST_PCT = 1.0
"""Reach to either side: some three daily moves of the tenge."""


_WIDEST = 0.6
"""Share of the axis up to which a band is drawn: two steps of the tenge, 1.05 %, on the shortest axis."""


class Reach(NamedTuple):
    """What is drawn, and the limits of the axis in percent, with 0 between them."""

    is_drawn: np.ndarray
    low: float
    high: float


def reach_of(lo: np.ndarray, hi: np.ndarray, width: np.ndarray, is_proven: np.ndarray) -> Reach:
    """Return which changes can be drawn on one linear axis.

    Parameters
    ----------
    lo, hi
        Ends of what each change covers, in percent: its band, or the bands of all its values.
    width
        Width of its band, in percent; of several the widest one.
    is_proven
        Whether the band excludes 0: then it is always drawn.

    Returns
    -------
    Reach
        All proven changes, and of the others, from the narrowest one on, those whose bands are not wider than 60 % of
        the axis as far as it reaches by then; if there is none, the narrowest one.
    """
    low = min(-_LEAST_PCT, float(lo[is_proven].min(initial=0.0)))
    high = max(_LEAST_PCT, float(hi[is_proven].max(initial=0.0)))
    is_drawn = is_proven.copy()
    for place in np.argsort(width, kind="stable"):
        if not is_drawn[place] and (width[place] <= _WIDEST * (high - low) or not is_drawn.any()):
            is_drawn[place] = True
            low, high = min(low, float(lo[place])), max(high, float(hi[place]))
    return Reach(is_drawn, low, high)
