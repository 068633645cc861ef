"""Chart of the ticker and the official rates, one panel per pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fxticker.analysis.compare import compare
from fxticker.analysis.scores import scores
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import Canvas, Look, Place, drawing
from fxticker.charts.captions import counted, left_out_rows, names_text, percent_of, write_caption
from fxticker.charts.causes import local_instants
from fxticker.charts.data import frame_of
from fxticker.charts.labels import LINE_IN, label_ends
from fxticker.charts.lines import DAY_US
from fxticker.charts.sides import upward
from fxticker.charts.steps import Steps, draw_band, draw_line, gap_starts, thinned
from fxticker.charts.style import Palette, Theme, date_axis
from fxticker.errors import NoData
from fxticker.model.formatting import short_text
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import MaxAge

_PANEL_IN = 1.6
_LABEL_LINES = 2
_ABOVE_AXIS_IN = 0.4
"""Part of a panel's height, in inches, that its title and the space between panels take."""


def plot_compare(
    compared: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone | None = None,
    max_age: MaxAge = None,
    per_usd: bool = False,
    ax: Place | None = None,
    figsize: tuple[float, float] | None = None,
    title: str | None = None,
    theme: Theme = "light",
) -> Figure:
    """Draw the ticker's band, tick by tick, and the official rates in force, a small panel per pair.

    Parameters
    ----------
    compared
        A store or a frame of ticks, with the arguments of `fxticker.compare`, or what that returns, without them; ticks
        that are not compared are left out, and the caption counts them.
    pairs, sources, start, end, as_of, tz, max_age, per_usd
        Arguments of `fxticker.compare`.
    ax
        Where to draw in a figure of your own: one axis, or one per pair. The figure needs ``layout="constrained"`` for
        the texts beside and below it; ``None`` for a new figure.
    figsize
        Width and height of a new figure in inches; ```None``` for 8 inches by what the chart needs.
    title
        In place of the title that states the finding; ``""`` for none.
    theme
        Colours for a light or a dark background.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per pair over a common time axis of days: shaded the band that the digits of each tick allow, and per
        official source a line of steps, labelled at the right edge with the share of ticks at which its rate was
        inside, the share that chance would give, and the width of the ticker's band (`fxticker.scores`). The band
        breaks as in `plot_history`, the lines where a day has no tick. A cross marks a day on which the official rate
        was outside at some tick.

    Raises
    ------
    NoData
        If no tick is compared.
    ValueError
        If there is no such theme, an argument of `fxticker.compare` is given for a frame that it returned, or `figsize`
        or `ax` do not fit.
    """
    spans = {"start": start, "end": end, "as_of": as_of, "tz": tz, "max_age": max_age}
    ticks = frame_of(compared, "official", compare, {**spans, "pairs": pairs, "sources": sources, "per_usd": per_usd})
    rows = ticks.dropna(subset=["official"]).sort_values("observed_at", kind="stable")
    if rows.empty:
        raise NoData("there is no comparison to draw")
    shown, banks = (sorted(rows[name].astype(str).unique()) for name in ("pair", "source"))
    height = max(_PANEL_IN, _ABOVE_AXIS_IN + 1.3 * _LABEL_LINES * LINE_IN * len(banks))
    with drawing(Look(theme, title, figsize, ax), 1.3 + height * len(shown), len(shown)) as canvas:
        palette = canvas.palette
        # the first colour is near that of the band
        series = palette.series[1:] + palette.series[:1]
        colors = dict(zip(banks, series * len(banks), strict=False))
        first, last = local_instants(rows["day"])[[0, -1]].view("M8[us]")
        for panel, pair in zip(canvas.axes, shown, strict=True):
            ends = _draw_panel(panel, rows[rows["pair"] == pair], colors, palette)
            label_ends(panel, ends, canvas.panel_in(height - _ABOVE_AXIS_IN))
            date_axis(panel, first, last + np.timedelta64(DAY_US, "us"))
            base, quote = pair.split("/")
            panel.set_ylabel(f"{quote} per {base}")
            if len(shown) > 1:
                panel.set_title(pair)
        canvas.figure.align_ylabels(canvas.axes)
        _write_caption(canvas, rows, shown, banks, left_out_rows(ticks))
    return canvas.figure


def _draw_panel(
    panel: Axes, rows: pd.DataFrame, colors: dict[str, str], palette: Palette
) -> list[tuple[float, str, str]]:
    """Draw a pair; return the last value, the label and the colour of each line."""
    draw_band(panel, _by_tick(rows.drop_duplicates("observed_at")), color=palette.band)
    ends = []
    for score in scores(rows).to_dict("records"):
        source_rows, color = rows[rows["source"] == score["source"]], colors[score["source"]]
        steps = _by_day(source_rows.drop_duplicates("day"), "official", "official_lo", "official_hi")
        draw_band(panel, steps, color=color, alpha=0.25)
        draw_line(panel, steps, color=color, marked=False)
        out = source_rows[~source_rows["inside"].astype(bool)].drop_duplicates("day")
        marks = local_instants(out["observed_at"]).view("M8[us]")
        panel.plot(marks, out["official"].to_numpy(), "x", color=color, markersize=4, markeredgewidth=0.9)
        ends.append((float(source_rows["official"].iloc[-1]), f"{score['source']}  {_score_text(score)}", color))
    lo = rows[["ticker_lo", "official_lo"]].to_numpy(np.float64).min()
    hi = rows[["ticker_hi", "official_hi"]].to_numpy(np.float64).max()
    room = 0.08 * (hi - lo) or 1e-3 * hi
    panel.set_ylim(lo - room, hi + room)
    panel.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    panel.ticklabel_format(axis="y", style="plain", useOffset=False)
    return ends


def _score_text(score: Mapping[Any, Any]) -> str:
    """Return the share of ticks inside, and what it must be read beside, in two lines."""
    inside, chance = (percent_of(score[name] * score["ticks"], score["ticks"]) for name in ("inside", "chance"))
    return f"{inside} inside\nby chance {chance}, band {short_text(score['width_pct'])} % wide"


def _by_tick(rows: pd.DataFrame) -> Steps:
    """Return the ticker's rates with their bands."""
    times = local_instants(rows["observed_at"])
    value, lo, hi = (rows[name].to_numpy(np.float64) for name in ("ticker", "ticker_lo", "ticker_hi"))
    return thinned(Steps(times, value, lo, hi, times[gap_starts(times)]))


def _by_day(rows: pd.DataFrame, value: str, lo: str, hi: str) -> Steps:
    """Return values that hold for a day each; the line breaks where the next day is missing."""
    day = local_instants(rows["day"])
    is_last = np.append(day[1:] != day[:-1] + DAY_US, True)
    order = np.sort(np.concatenate([np.arange(len(day)), np.flatnonzero(is_last)]), kind="stable")
    is_end = np.append(order[1:] == order[:-1], False)
    is_end = np.append(False, is_end[:-1])
    when = day[order] + DAY_US * is_end
    values, lows, highs = (rows[name].to_numpy(np.float64)[order] for name in (value, lo, hi))
    return Steps(when, values, lows, highs, when[is_end])


def _write_caption(canvas: Canvas, rows: pd.DataFrame, pairs: list[str], sources: list[str], left_out: str) -> None:
    if len(pairs) == len(sources) == 1:
        inside = int(rows["inside"].sum())
        title = f"{pairs[0]}: {sources[0]} inside the ticker's band at {inside:,} of {counted(len(rows), 'tick')}"
    else:  # no total: pairs whose bands are wide cannot fail, and others can
        title = f"{pairs[0] if len(pairs) == 1 else f'{len(pairs)} pairs'}: the ticker beside official rates"
    days = rows["day"].drop_duplicates()
    first, last = days.iloc[0], days.iloc[-1]
    whole = (last - first).days + 1
    write_caption(
        canvas,
        title,
        f"Ticker and {names_text(sources)}, {first:%Y-%m-%d} to {last:%Y-%m-%d} {days.dt.tz}, "
        f"{len(days):,} of {counted(whole, 'day')}.{left_out}",
        f"{upward(pairs)} Shaded: what the digits of each tick allow. Line: the official rate in force. Cross: a day "
        "on which it lay outside at some tick. Chance: the share inside if the rates of all days were compared.",
    )
