"""Chart of the change of rates between two dates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fxticker.analysis.drift import drift
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import Canvas, Look, Place, drawing
from fxticker.charts.caption_frame import ends_text, left_out_pairs, span_text, with_verdicts, write_caption
from fxticker.charts.data import frame_of
from fxticker.charts.findings import main_rows
from fxticker.charts.hops import NEWER_LEVEL, PEG_HOP, unknown_past
from fxticker.charts.last_values import own_dates
from fxticker.charts.moves import band_text, change_text, hopping_text, keys_of, moves_text, told, unproven_text
from fxticker.charts.resolved import Reach, reach_of
from fxticker.charts.sides import sides_of
from fxticker.charts.source_names import sources_text
from fxticker.charts.style import Palette, Theme, color_of, signed_ticks
from fxticker.errors import NoData
from fxticker.model.formatting import counted
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment, minute_text
from fxticker.model.verdicts import NEWER, verdict
from fxticker.sources.age_limits import MaxAge

_ROOM = 0.06
"""Room beyond the bands, as a share of the axis."""
_CHARACTER_IN = 0.07
"""Width of a character of a row's texts, in inches."""
_BESIDE_PT = 6.0
"""Distance of a number from its mark or band."""
_OTHER = pd.Timedelta(days=1)
"""Distance of a row's ends from those of the chart from which on it has its own dates."""
_BESIDE_AXIS, _INSIDE_AXIS = 1.02, 0.02
"""Where the texts of a row begin, as shares of the axis."""


def plot_drift(
    frame: Ticks,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    base: Moment | None = None,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
    tz: Zone | None = None,
    max_age: MaxAge = None,
    per_usd: bool = False,
    order: Iterable[str] | None = None,
    ax: Place | None = None,
    figsize: tuple[float, float] | None = None,
    title: str | None = None,
    theme: Theme = "light",
) -> Figure:
    """Draw the change of each rate between two dates, with its band.

    Parameters
    ----------
    frame
        A store or a frame of ticks, with the arguments of `fxticker.drift` (`start` is required), or what that returns,
        without them.
    start, end, base, pairs, sources, as_of, tz, max_age, per_usd, order
        Arguments of `fxticker.drift`.
    ax
        Where to draw in a figure of your own: one axis. The figure needs ``layout="constrained"`` for the
        texts beside and below it; ``None`` for a new figure.
    figsize
        Width and height of a new figure in inches; ``None`` for 8 inches by what the chart needs.
    title
        In place of the title that states the finding; ``""`` for none.
    theme
        Colours for a light or a dark background.

    Returns
    -------
    matplotlib.figure.Figure
        One row per source and pair, the largest rise on top, on a common linear axis whose sides are named: ``tenge
        weaker`` and ``tenge stronger``. It reaches 1 % to either side at least. A band that is wider than the axis of
        all others, and does not prove a change, is stated in words and not drawn. A filled dot is a change that the
        printed digits prove; a hollow one could be rounding alone, or depends on which of several values of one date
        was the last, which the row states; a change from or to several values of one date has no number. A change of a
        pegged currency back to a level that its source showed before is named a peg hop and not counted. The title
        states the proven changes.

    Raises
    ------
    NoData
        If no row has a drift.
    ValueError
        If there is no such theme, the pairs go in different directions, `start` is missing, an argument of
        `fxticker.drift` is given for a frame that it returned, or `figsize` or `ax` do not fit.
    """
    spans = {"start": start, "end": end, "base": base, "as_of": as_of, "tz": tz, "max_age": max_age}
    filters = {**spans, "pairs": pairs, "sources": sources, "per_usd": per_usd, "order": order}
    if start is None and "drift_pct" not in getattr(frame, "columns", ()):
        raise InvalidArgument("a drift has a start: give start=, as for fxticker.drift")
    drifts = frame_of(frame, "drift_pct", drift, filters)
    rows = with_verdicts(drifts).dropna(subset=["drift_pct"])
    if rows.empty:
        raise NoData("there is no drift to draw")
    unknown = unknown_past(frame, rows["pair"].astype(str).unique())
    return _drawn(rows, Look(theme, title, figsize, ax), left_out_pairs(drifts), unknown)


def _drawn(rows: pd.DataFrame, look: Look, left_out: str, unknown: str) -> Figure:
    reach, spans = _reach(rows), _own_spans(rows)
    # what is drawn stands above what is not, the largest rise on top
    rows = rows.assign(is_drawn=reach.is_drawn, own_span=spans)
    rows = rows.sort_values(["is_drawn", "drift_pct"], ignore_index=True)
    with drawing(look, 1.7 + 0.42 * len(rows), grid="x") as canvas:
        [axis], palette = canvas.axes, canvas.palette
        axis.axvline(0, color=palette.muted, linewidth=0.8)
        _percent_axis(axis, reach)
        several = len(rows["source"].unique()) > 1
        names = [f"{row.pair} ({row.source})" if several else str(row.pair) for row in rows.itertuples()]
        beside = max(max(map(len, _told(row).split("\n"))) for _, row in rows.iterrows()) + max(map(len, names))
        axis_in = max(canvas.width_in - beside * _CHARACTER_IN, 1.0)
        for place, row in rows.iterrows():
            if row["is_drawn"]:
                _draw_drift(axis, float(str(place)), row, palette, axis_in)
            else:
                _write_drift(axis, float(str(place)), row, palette)
        axis.set_yticks(range(len(rows)), names, fontsize=9, color=palette.text)
        axis.set_ylim(-0.6, len(rows) - 0.4)
        sides = sides_of(rows["pair"])
        axis.set_xlabel(f"\u2190 {sides.fall}     change in percent     {sides.rise} \u2192")
        _write_caption(canvas, rows, left_out, unknown)
    return canvas.figure


def _reach(rows: pd.DataFrame) -> Reach:
    lo, hi = (rows[name].to_numpy(np.float64) for name in ("drift_lo_pct", "drift_hi_pct"))
    return reach_of(lo, hi, hi - lo, rows["significant"].to_numpy(bool))


def _write_caption(canvas: Canvas, rows: pd.DataFrame, left_out: str, unknown: str) -> None:
    ends = f"{_span_text(rows)} {rows['end_at'].dt.tz}"
    own_base = (rows["base_at"] != rows["start_at"]).any()
    base = f" Percent of the values as of {_ends_text(rows['base_at'])} {rows['base_at'].dt.tz}." if own_base else ""
    sources = sources_text(sorted(rows["source"].astype(str).unique()))
    drawn = rows[rows["is_drawn"]]
    reading = [
        "Line: what the printed digits allow.",
        "Filled: the change is more than rounding." if drawn["significant"].any() else "",
        "" if drawn["significant"].all() else f"Hollow: {unproven_text(drawn, 'it')}.",
        "" if rows["is_drawn"].all() else "Not drawn: what would fill the axis.",
        PEG_HOP if rows["peg_hop"].any() else "",
        NEWER_LEVEL if any(verdict(row) == NEWER for _, row in rows.iterrows()) else "",
        hopping_text(keys_of(rows)),
        unknown,
    ]
    write_caption(
        canvas,
        _finding(rows) + (f", in percent of the values of {rows['base_at'].max():%Y-%m-%d}" if own_base else ""),
        f"{sources} Last values as of each end: {ends}, {counted(len(rows), 'rate')}.{base}{left_out}",
        " ".join(filter(None, reading)),
    )


def _span_text(rows: pd.DataFrame) -> str:
    """Return the instants of both ends as text; with seconds where they are of one minute."""
    start, end = (_ends_text(rows[name]) for name in ("start_at", "end_at"))
    return span_text(rows["start_at"].min(), rows["end_at"].max()) if start == end else f"{start} to {end}"


def _ends_text(instants: pd.Series) -> str:
    """Return the instant of one end as text; the first and the last if there are several."""
    first, last = (minute_text(end) for end in (instants.min(), instants.max()))
    return first if first == last else f"({first} … {last})"


def _finding(rows: pd.DataFrame) -> str:
    """Return the title: the proven moves of all rows, of several sources of a pair those of one, with their dates."""
    own, by = main_rows(rows)
    first, last, are_one = _title_span(rows)
    return f"{moves_text(own)}{by}, {ends_text(first, last) if are_one else own_dates(first, last)}"


def _title_span(rows: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp, bool]:
    """Return start and end of the changes in the title, and whether all of them share both."""
    of_title = told(main_rows(rows)[0])
    first, last = of_title["start_at"].min(), of_title["end_at"].max()
    return first, last, all(_is_of(row, first, last) for _, row in of_title.iterrows())


def _own_spans(rows: pd.DataFrame) -> list[str]:
    """Return the dates of each row; empty where they are the two in the title."""
    first, last, are_one = _title_span(rows)
    return [
        "" if are_one and _is_of(row, first, last) else f"{row['start_at']:%Y-%m-%d} to {row['end_at']:%Y-%m-%d}"
        for _, row in rows.iterrows()
    ]


def _is_of(row: pd.Series, first: pd.Timestamp, last: pd.Timestamp) -> bool:
    """Return whether the ends of a row lie within a day from those of a span."""
    return bool(abs(row["start_at"] - first) <= _OTHER and abs(row["end_at"] - last) <= _OTHER)


def _draw_drift(axis: Axes, place: float, row: pd.Series, palette: Palette, axis_in: float) -> None:
    """Draw a mark in its band with its number beside it, and state at the right what it proves."""
    value, lo, hi = row["drift_pct"], row["drift_lo_pct"], row["drift_hi_pct"]
    moved = row["significant"] and not row["peg_hop"]
    color = color_of(str(row["pair"]), palette) if moved else palette.muted
    axis.hlines(place, lo, hi, color=color, linewidth=3.2, alpha=0.55)
    face = color if row["significant"] else axis.get_facecolor()
    axis.plot(value, place, marker="o", markersize=6, color=color, markerfacecolor=face)
    if max(row.get("values_start", 1), row.get("values_end", 1)) == 1:  # else no two printed values are that far apart
        _write_number(axis, place, (value, lo, hi), color, axis_in)
    _annotate(axis, _BESIDE_AXIS, place, _told(row), palette.text if moved else palette.muted)


def _write_number(axis: Axes, place: float, drift: tuple[float, float, float], color: str, axis_in: float) -> None:
    """Write a change beside its band, at the right of it if there is room, else at the left, else above."""
    value, lo, hi = drift
    low, high = axis.get_xlim()
    text = change_text(value, lo, hi)
    room = (high - low) * (1 - (len(text) * _CHARACTER_IN + _BESIDE_PT / 72) / axis_in)
    if hi <= low + room:
        at, offset, side = max(hi, value), (_BESIDE_PT, 0.0), "left"
    elif lo >= high - room:
        at, offset, side = min(lo, value), (-_BESIDE_PT, 0.0), "right"
    else:
        at, offset, side = value, (0.0, 1.5 * _BESIDE_PT), "center"
    axis.annotate(
        text,
        (at, place),
        xytext=offset,
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=8,
        fontweight="bold",
        color=color,
        bbox={"facecolor": axis.get_facecolor(), "linewidth": 0, "pad": 0.5},
    )


def _write_drift(axis: Axes, place: float, row: pd.Series, palette: Palette) -> None:
    """Write in words what is too wide for the axis."""
    allowed = band_text(row["drift_lo_pct"], row["drift_hi_pct"])
    text = "\n".join(filter(None, [f"cannot be told: the printed digits allow {allowed}", row["own_span"]]))
    _annotate(axis, _INSIDE_AXIS, place, text, palette.muted)


def _told(row: pd.Series) -> str:
    """Return what a row proves, and its dates if they are not those of the chart."""
    lo, hi = row["drift_lo_pct"], row["drift_hi_pct"]
    text = f"{band_text(lo, hi)}   {verdict(row)}" if lo < hi else verdict(row)
    return f"{text}\n{row['own_span']}" if row["own_span"] else text


def _annotate(axis: Axes, left: float, place: float, text: str, color: str) -> None:
    axis.annotate(
        text,
        (left, place),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
        color=color,
        bbox={"facecolor": axis.get_facecolor(), "linewidth": 0, "pad": 1},
        annotation_clip=False,
    )


def _percent_axis(axis: Axes, reach: Reach) -> None:
    room = _ROOM * (reach.high - reach.low)
    axis.set_xlim(reach.low - room, reach.high + room)
    axis.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(signed_ticks())
