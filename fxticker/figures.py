"""Charts: frames in, matplotlib figures out; nothing is shown or saved here, and no global state is touched.

What the printed digits do not support is not drawn: rates are steps inside their rounding band, and no line crosses a
stretch in which nobody looked.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.style import context as style_context
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator

from fxticker.coverage import GAP_CADENCES
from fxticker.drifting import band_decimals
from fxticker.errors import NoData
from fxticker.frames import settled

STYLE = Path(__file__).with_name("fxticker.mplstyle")
FORMATS = ("png", "svg", "pdf")
_INK, _BAND, _MUTED, _UP, _DOWN = "#1b3a57", "#9db8d2", "#8a8a8a", "#0072b2", "#d55e00"
_WIDTH_IN = 8.0
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
        figure = Figure(figsize=(_WIDTH_IN, 1.1 + _PANEL_IN * len(groups)), layout="constrained")
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
        _caption(
            figure,
            f"{shown}, {_span(first, last)} UTC, {len(ticks):,} value{'s' if len(ticks) > 1 else ''}. "
            "Band: what the printed digits allow. Lines break where nobody looked.",
        )
    return figure


def plot_drift(frame: pd.DataFrame) -> Figure:
    """Change of each rate between two dates, with its band.

    Parameters
    ----------
    frame
        Drifts as `fxticker.drift` gives them.

    Returns
    -------
    matplotlib.figure.Figure
        One row per source and pair, the largest rise on top, on a common symmetric log axis: bands differ by a factor
        of a thousand. A filled dot is a change that the printed digits prove; a hollow one could be rounding alone.

    Raises
    ------
    NoData
        If no row has a drift.
    """
    rows = frame.dropna(subset=["drift_pct"]).sort_values("drift_pct", ignore_index=True)
    if rows.empty:
        raise NoData("there is no drift to draw")
    several = len(rows["source"].unique()) > 1
    with style_context(STYLE):
        figure = Figure(figsize=(_WIDTH_IN, 1.5 + 0.42 * len(rows)), layout="constrained")
        axis = figure.subplots()
        axis.grid(visible=True, axis="x")
        axis.grid(visible=False, axis="y")
        axis.axvline(0, color=_MUTED, linewidth=0.8)
        _percent_axis(axis, rows)
        for place, row in rows.iterrows():
            _draw_drift(axis, float(str(place)), row)
        names = [f"{row.pair} ({row.source})" if several else str(row.pair) for row in rows.itertuples()]
        axis.set_yticks(range(len(rows)), names, fontsize=9, color="black")
        axis.set_ylim(-0.6, len(rows) - 0.4)
        axis.set_xlabel("change in percent, symmetric log scale")
        first, last = rows["start_at"].min(), rows["end_at"].max()
        axis.set_title(f"Change of the printed rates, {_span(first, last)}")
        _caption(
            figure,
            "Line: what the printed digits allow. Filled: the change is more than rounding. "
            "Hollow: rounding alone could explain it.",
        )
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, SVG or PDF, by the file's ending; the same data give the same bytes.

    Raises
    ------
    ValueError
        If the ending is another.
    """
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise ValueError(f"{target}: the ending must be one of .{', .'.join(FORMATS)}")
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with style_context(STYLE):
        figure.savefig(target, format=kind, metadata=metadata)


def _draw_steps(panel: Axes, rows: pd.DataFrame) -> None:
    at = rows["observed_at"].dt.tz_localize(None).to_numpy()
    run = _runs(at)
    for number in range(int(run[-1]) + 1):
        held = run == number
        x, rate = at[held], rows["rate"].to_numpy()[held]
        lo, hi = rows["rate_lo"].to_numpy()[held], rows["rate_hi"].to_numpy()[held]
        if len(x) == 1:
            panel.vlines(x, lo, hi, color=_BAND, linewidth=1.5)
        else:
            panel.fill_between(x, lo, hi, step="post", color=_BAND, linewidth=0)
            panel.step(x, rate, where="post", color=_INK)
    if len(at) <= _MARKED_ROWS or run[-1] > 0:
        alone = np.isin(run, np.flatnonzero(np.bincount(run) == 1)) | (len(at) <= _MARKED_ROWS)
        panel.plot(at[alone], rows["rate"].to_numpy()[alone], linestyle="none", marker="o", color=_INK)
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
        color=_INK,
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


def _draw_drift(axis: Axes, place: float, row: pd.Series) -> None:
    color = (_UP if row["drift_pct"] > 0 else _DOWN) if row["significant"] else _MUTED
    axis.hlines(place, row["drift_lo_pct"], row["drift_hi_pct"], color=color, linewidth=3.2, alpha=0.55)
    axis.plot(
        row["drift_pct"],
        place,
        marker="o",
        markersize=6,
        color=color,
        markerfacecolor=color if row["significant"] else "white",
    )
    decimals = band_decimals(row["drift_hi_pct"] - row["drift_lo_pct"])
    axis.annotate(
        f"{_signed(row['drift_pct'], decimals)} %  [{_signed(row['drift_lo_pct'], decimals)}, "
        f"{_signed(row['drift_hi_pct'], decimals)}]   {_verdict(row)}",
        (1.02, place),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
        color="black" if row["significant"] else _MUTED,
        annotation_clip=False,
    )


def _percent_axis(axis: Axes, rows: pd.DataFrame) -> None:
    reach = float(rows[["drift_lo_pct", "drift_hi_pct"]].abs().to_numpy().max())
    top = 10.0 ** np.ceil(np.log10(max(reach, 1e-9)))
    smallest = float((rows["drift_hi_pct"] - rows["drift_lo_pct"]).min())
    linear = min(max(10.0 ** np.floor(np.log10(max(smallest, 1e-9))), top / 1e4), top)
    axis.set_xscale("symlog", linthresh=linear, linscale=0.5)
    axis.set_xlim(-1.15 * reach, 1.15 * reach)
    powers = [linear * 10**step for step in range(round(np.log10(top / linear)) + 1)]
    shown = [power for power in powers if power <= 1.15 * reach]
    axis.xaxis.set_major_locator(FixedLocator([*(-power for power in reversed(shown)), 0.0, *shown]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:+g}" if value else "0"))
    axis.xaxis.set_minor_locator(FixedLocator([]))


def _verdict(row: pd.Series) -> str:
    if row["significant"]:
        return "significant"
    return "within rounding" if row["drift_pct"] else "no change printed"


def _signed(value: float, decimals: int) -> str:
    return f"{value:+.{decimals}f}" if value else f"{value:.{decimals}f}"


def _span(first: pd.Timestamp, last: pd.Timestamp) -> str:
    if first == last:
        return f"{first:%Y-%m-%d %H:%M}"
    if first.date() == last.date():
        return f"{first:%Y-%m-%d %H:%M} to {last:%H:%M}"
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _caption(figure: Figure, text: str) -> None:
    figure.supxlabel(text, x=0.01, ha="left", fontsize=7, color="#666666")
