"""Causes of missing ticks: groups the outcomes of polls, and finds and shades the stretches of slots they cover."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from fxticker.charts.style import Palette
from fxticker.model.records import Outcome

CAUSES = {
    "not polled": (Outcome.MISSED, Outcome.OVERRUN, Outcome.STOPPED, Outcome.CLOCK, Outcome.ERROR),
    "no answer": (Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.HTTP_ERROR, Outcome.TOO_LARGE),
    "refused": (Outcome.BLOCKED, Outcome.BACKOFF, Outcome.DISALLOWED),
    "no valid ticker": (Outcome.NO_TICKER, Outcome.DAMAGED, Outcome.STALE),
}
"""Outcomes other than ``ok`` by their cause: the collector, the network, a refusal by the site, the page."""
SUCCESSFUL = len(CAUSES)
"""Code of a successful poll, which has no cause."""
_CODE = {outcome: code for code, outcomes in enumerate(CAUSES.values()) for outcome in outcomes} | {
    Outcome.OK: SUCCESSFUL
}


@dataclass(frozen=True, slots=True)
class Stretches:
    """Disjoint stretches of slots of one cause each, in order.

    Attributes
    ----------
    start, end
        Half-open, int64 microseconds since 1970 UTC: the first slot, and the next slot of another cause (of the last
        stretch its own last slot).
    cause
        Index into `CAUSES`.
    """

    start: np.ndarray
    end: np.ndarray
    cause: np.ndarray


def cause_codes(polls: pd.DataFrame) -> np.ndarray:
    """Return for each poll the index of its cause in `CAUSES`, or `SUCCESSFUL`."""
    outcomes = polls["outcome"].astype("category")
    codes = np.array([_CODE[Outcome(name)] for name in outcomes.cat.categories], np.int8)
    return codes[outcomes.cat.codes.to_numpy()]


def stretches_of(polls: pd.DataFrame) -> Stretches:
    """Return the stretches without a successful poll, given the polls of one source in the order of their slots."""
    slots, codes = instants(polls["slot"]), cause_codes(polls)
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    end = np.append(slots[first[1:]], slots[-1:])
    is_failed = codes[first] != SUCCESSFUL
    return Stretches(slots[first][is_failed], end[is_failed], codes[first][is_failed])


def shared(first: Stretches, second: Stretches) -> Stretches:
    """Return the intersection of both, with the causes of the first, which the caption names."""
    i = j = 0
    overlaps: list[tuple[int, int, int]] = []
    while i < len(first.start) and j < len(second.start):
        start, end = max(first.start[i], second.start[j]), min(first.end[i], second.end[j])
        if start < end:
            overlaps.append((start, end, first.cause[i]))
        if first.end[i] <= second.end[j]:
            i += 1
        else:
            j += 1
    start, end, cause = np.array(overlaps, np.int64).reshape(-1, 3).T
    return Stretches(start, end, cause)


def instants(column: pd.Series) -> np.ndarray:
    """Return a column of instants as int64 microseconds since 1970 UTC, without a copy if it has that unit."""
    index = pd.DatetimeIndex(column)
    return (index if index.unit == "us" else index.as_unit("us")).asi8


def local_instants(column: pd.Series) -> np.ndarray:
    """Return instants as the clocks of their column's zone show them, as int64 microseconds since 1970."""
    return instants(column if column.dt.tz is UTC else column.dt.tz_localize(None))


def shade(axis: Axes, stretches: Stretches, palette: Palette, narrowest_us: float) -> set[int]:
    """Shade the stretches that are wide enough to be visible in the colours of their causes; return these causes."""
    shaded = set()
    width = stretches.end - stretches.start
    for cause in range(len(CAUSES)):
        seen = (stretches.cause == cause) & (width >= narrowest_us)
        if seen.any():
            shaded.add(cause)
            spans = list(zip(stretches.start[seen].view("M8[us]"), width[seen].view("m8[us]"), strict=True))
            axis.broken_barh(
                spans,
                (0, 1),
                transform=axis.get_xaxis_transform(),
                facecolors=palette.causes[cause],
                alpha=0.3,
                linewidth=0,
                zorder=0.5,
            )
    return shaded


def key(causes: set[int], palette: Palette, alpha: float) -> list[Patch]:
    """Return the legend entries of causes."""
    return [
        Patch(facecolor=palette.causes[cause], alpha=alpha, linewidth=0, label=name)
        for cause, name in enumerate(CAUSES)
        if cause in causes
    ]
