"""Why there is no tick: the outcomes of polls in a few words, and the stretches they cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from fxticker.charts.style import Palette
from fxticker.model.records import Outcome

CAUSES = {
    "did not look": (Outcome.MISSED, Outcome.OVERRUN, Outcome.STOPPED, Outcome.ERROR),
    "no answer": (Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.HTTP_ERROR, Outcome.TOO_LARGE),
    "turned away": (Outcome.BLOCKED, Outcome.BACKOFF, Outcome.DISALLOWED),
    "no sound ticker": (Outcome.NO_TICKER, Outcome.DAMAGED, Outcome.STALE),
}
"""Whose doing it was that a poll was not sound: ours, the net's, the site's refusal, the page's."""
SOUND = len(CAUSES)
"""The code of a poll without a cause: it was sound."""
_CODE = {outcome: code for code, outcomes in enumerate(CAUSES.values()) for outcome in outcomes} | {Outcome.OK: SOUND}


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of slots of one cause, apart and in order.

    Attributes
    ----------
    start, end
        Half-open, int64 microseconds since 1970 UTC: the first slot, and the next one of another cause (of the last
        stretch, its last slot).
    cause
        Index into `CAUSES`.
    """

    start: np.ndarray
    end: np.ndarray
    cause: np.ndarray


def cause_codes(polls: pd.DataFrame) -> np.ndarray:
    """Of each poll the index of its cause in `CAUSES`, or `SOUND`."""
    outcomes = polls["outcome"].astype("category")
    codes = np.array([_CODE[Outcome(name)] for name in outcomes.cat.categories], np.int8)
    return codes[outcomes.cat.codes.to_numpy()]


def stretches_of(polls: pd.DataFrame) -> Stretches:
    """The stretches without a sound poll, of one source's polls in the order of their slots."""
    slots, codes = instants(polls["slot"]), cause_codes(polls)
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    end = np.append(slots[first[1:]], slots[-1:])
    held = codes[first] != SOUND
    return Stretches(slots[first][held], end[held], codes[first][held])


def shared(one: Stretches, other: Stretches) -> Stretches:
    """Where both are; the cause is the first's."""
    i = j = 0
    found: list[tuple[int, int, int]] = []
    while i < len(one.start) and j < len(other.start):
        start, end = max(one.start[i], other.start[j]), min(one.end[i], other.end[j])
        if start < end:
            found.append((start, end, one.cause[i]))
        if one.end[i] <= other.end[j]:
            i += 1
        else:
            j += 1
    start, end, cause = np.array(found, np.int64).reshape(-1, 3).T
    return Stretches(start, end, cause)


def instants(column: pd.Series) -> np.ndarray:
    """A column of instants as int64 microseconds since 1970 UTC, not copied where it need not be."""
    at = pd.DatetimeIndex(column)
    return (at if at.unit == "us" else at.as_unit("us")).asi8


def shade(axis: Axes, stretches: Stretches, palette: Palette, narrowest_us: float) -> set[int]:
    """Shade the stretches that are wide enough to be seen, each in the colour of its cause; which causes they have."""
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
    """A legend's entries for causes."""
    return [
        Patch(facecolor=palette.causes[cause], alpha=alpha, linewidth=0, label=name)
        for cause, name in enumerate(CAUSES)
        if cause in causes
    ]
