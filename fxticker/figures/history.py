"""Rates over time.

What the printed digits do not support is not drawn: rates are steps inside their rounding band, and no line crosses a
stretch in which nobody looked.
"""

from __future__ import annotations

import math

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.style import context as style_context
from matplotlib.ticker import FuncFormatter, MultipleLocator

from fxticker.analysis.covering import GAP_CADENCES
from fxticker.errors import NoData
from fxticker.figures.style import BAND, INK, STYLE, WIDTH_IN, caption, span_text
from fxticker.frames import settled

_PANEL_IN = 1.35
_LONE_MARGIN = pd.Timedelta(hours=12)
"""Time around a single instant."""
_MARKED_ROWS = 400
"""Up to so many values each gets a dot: farther apart than dots are wide."""


def plot_history(frame: pd.DataFrame) -> Figure:
    """Rates over time, a small panel per pair.

    Parameters
    ----------
    frame
        Ticks as `fxticker.load` gives them.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per source and pair over a common time axis (UTC). Each value holds until the next one (a step);
        the shaded band is what its printed digits allow. The line is broken where the next value is farther away than
        three times the median distance of that panel's values. The last value stands at the right edge as
        printed, or the range that several values of its day allow.

    Raises
    ------
    NoData
        If the frame is empty.
    """
    if frame.empty:
        raise NoData("there is no tick to draw")
    ticks = settled(frame)
    groups = sorted(ticks.groupby(["source", "pair"], observed=True), key=lambda group: str(group[0]))
    several = len(ticks["source"].unique()) > 1
    with style_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, 1.1 + _PANEL_IN * len(groups)), layout="constrained")
        axes = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
        for panel, ((source, pair), rows) in zip(axes, groups, strict=True):
            _draw_steps(panel, rows)
            base, quote = str(pair).split("/")
            panel.set_title(f"{pair}  ({source})" if several else str(pair))
            panel.set_ylabel(f"{quote} per {base}")
            _rate_axis(panel, rows)
        figure.align_ylabels(axes)
        locator = mdates.AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
        axes[-1].xaxis.set_major_locator(locator)
        axes[-1].xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        first, last = ticks["observed_at"].min(), ticks["observed_at"].max()
        if first == last:
            axes[-1].set_xlim(first - _LONE_MARGIN, last + _LONE_MARGIN)
        shown = ", ".join(sorted(ticks["source"].astype(str).unique()))
        caption(
            figure,
            f"{shown}, {span_text(first, last)} UTC, {len(ticks):,} value{'s' if len(ticks) > 1 else ''}. "
            "Band: what the printed digits allow. Lines break where nobody looked.",
        )
    return figure


def _draw_steps(panel: Axes, rows: pd.DataFrame) -> None:
    at = rows["observed_at"].dt.tz_localize(None).to_numpy()
    run = _runs(at)
    for number in range(int(run[-1]) + 1):
        held = run == number
        x, rate = at[held], rows["rate"].to_numpy()[held]
        lo, hi = rows["rate_lo"].to_numpy()[held], rows["rate_hi"].to_numpy()[held]
        if len(x) == 1:
            panel.vlines(x, lo, hi, color=BAND, linewidth=1.5)
        else:
            panel.fill_between(x, lo, hi, step="post", color=BAND, linewidth=0)
            panel.step(x, rate, where="post", color=INK)
    if len(at) <= _MARKED_ROWS or run[-1] > 0:
        alone = np.isin(run, np.flatnonzero(np.bincount(run) == 1)) | (len(at) <= _MARKED_ROWS)
        panel.plot(at[alone], rows["rate"].to_numpy()[alone], linestyle="none", marker="o", color=INK)
    last = rows.iloc[-1]
    decimals = _decimals(rows) + 1
    whole = pd.notna(last["rate_text"])
    panel.annotate(
        str(last["rate_text"]) if whole else f"{last['rate_lo']:.{decimals}f} to\n{last['rate_hi']:.{decimals}f}",
        (at[-1], last["rate"]),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontweight="bold",
        color=INK,
        annotation_clip=False,
    )


def _rate_axis(panel: Axes, rows: pd.DataFrame) -> None:
    """Ticks at printable values only, with the printed decimals: at most five, at least two."""
    quantum = _quantum(rows)
    lo, hi = float(rows["rate_lo"].min()), float(rows["rate_hi"].max())
    margin = max(0.6 * quantum, 0.08 * (hi - lo))
    panel.set_ylim(lo - margin, hi + margin)
    steps = (hi - lo) / quantum / 4
    scale = 10.0 ** np.floor(np.log10(max(steps, 1)))
    step = next(nice * scale for nice in (1, 2, 5, 10) if nice * scale >= steps)
    panel.yaxis.set_major_locator(MultipleLocator(step * quantum))
    decimals = _decimals(rows)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:.{decimals}f}"))


def _quantum(rows: pd.DataFrame) -> float:
    """One step of the printed decimals: the width of the narrowest band."""
    return float((rows["rate_hi"] - rows["rate_lo"]).min())


def _decimals(rows: pd.DataFrame) -> int:
    """The printed decimals."""
    return max(0, round(-math.log10(_quantum(rows))))


def _runs(at: np.ndarray) -> np.ndarray:
    """A number per instant that grows by one behind every stretch without values."""
    distance = np.diff(at).astype("timedelta64[us]").astype(np.int64)
    if not len(distance):
        return np.zeros(len(at), np.int64)
    breaks = distance > GAP_CADENCES * np.median(distance)
    return np.concatenate([[0], np.cumsum(breaks)])
