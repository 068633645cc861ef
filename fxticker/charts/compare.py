"""Chart of the ticker and the official rates, one panel per pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fxticker.analysis.compare import compare, is_of_peg
from fxticker.analysis.scores import scores
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import Canvas, Look, Place, drawing
from fxticker.charts.caption_frame import left_out_rows, percent_of, span_text, write_caption
from fxticker.charts.causes import local_instants
from fxticker.charts.data import frame_of
from fxticker.charts.findings import subject_of
from fxticker.charts.hops import SEVERAL_VALUES, Levels, Past, draw_levels, hops_text, levels_at, levels_of
from fxticker.charts.labels import LINE_IN, label_ends
from fxticker.charts.line_looks import LineLook, line_look, styles_text, tint
from fxticker.charts.lines import DAY_US
from fxticker.charts.moves import hopping_text
from fxticker.charts.rate_axis import rate_axis
from fxticker.charts.sides import upward
from fxticker.charts.source_names import sources_text
from fxticker.charts.steps import Steps, draw_band, draw_dots, draw_line, gap_starts, pieces, thinned
from fxticker.charts.style import Theme, color_of, date_axis
from fxticker.errors import NoData
from fxticker.model.formatting import counted, short_text
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import TICKER, MaxAge
from fxticker.sources.rate_order import is_market

_PANEL_IN = 1.6
_LABEL_LINES = 2
_SHORT = 0.05
"""Piece of a line, as a share of the chart, of which a dotted one shows too few dots."""
_DAY = pd.Timedelta(days=1)
_MOST_CROSSES = 60
"""Of more in one line they would hide it and each other."""
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
        Width and height of a new figure in inches; ``None`` for 8 inches by what the chart needs.
    title
        In place of the title that states the finding; ``""`` for none.
    theme
        Colours for a light or a dark background.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per pair over a common time axis of days: the ticks in the bands that their digits allow, and per
        official source a line of steps, labelled at the right edge with the number of ticks at which its rate was
        inside, the share that chance would give, and the width of the ticker's band (`fxticker.scores`). The band
        breaks as in `plot_history`, the lines where a day has no tick. A cross marks a day on which the official rate
        was outside at some tick, unless there are more than 60 of them.

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
    return comparison_chart(ticks, Past(compared, as_of), Look(theme, title, figsize, ax))


def comparison_chart(compared: pd.DataFrame, past: Past, look: Look, ticker: str = TICKER) -> Figure:
    """Draw the rows of `fxticker.compare` with a ticker, whose levels before them are looked up: see `plot_compare`."""
    rows = compared.dropna(subset=["official"]).sort_values("observed_at", kind="stable")
    if rows.empty:
        raise NoData("there is no comparison to draw")
    pairs, banks = (sorted(rows[name].astype(str).unique()) for name in ("pair", "source"))
    tickers = {pair: _ticker_of(rows[rows["pair"] == pair], past, ticker) for pair in pairs}
    height = max(_PANEL_IN, _ABOVE_AXIS_IN + 1.3 * _LABEL_LINES * LINE_IN * len(banks))
    with drawing(look, 1.3 + height * len(pairs), len(pairs)) as canvas:
        first, last = local_instants(rows["day"])[[0, -1]].view("M8[us]")
        for panel, pair in zip(canvas.axes, pairs, strict=True):
            color = color_of(pair, canvas.palette)
            draw_levels(panel, *tickers[pair], LineLook(color, "solid", tint(color), 1.0))
            looks = {bank: line_look(pair, bank, [ticker, *banks], canvas.palette) for bank in banks}
            ends = _draw_official(panel, rows[rows["pair"] == pair], looks)
            label_ends(panel, ends, canvas.panel_in(height - _ABOVE_AXIS_IN))
            date_axis(panel, first, last + np.timedelta64(DAY_US, "us"))
            base, quote = pair.split("/")
            panel.set_ylabel(f"{quote} per {base}")
            if len(pairs) > 1:
                panel.set_title(pair)
        canvas.figure.align_ylabels(canvas.axes)
        notes = [
            hops_text([levels for _, levels in tickers.values()], is_past_known=past.is_known),
            SEVERAL_VALUES if _is_several(rows).any() else "",
            hopping_text((pair, ticker) for pair in pairs),
            past.unknown(pairs),
        ]
        _write_caption(canvas, rows, [ticker, *banks], left_out_rows(compared, "comparison"), notes)
    return canvas.figure


def _ticker_of(rows: pd.DataFrame, past: Past, ticker: str) -> tuple[Steps, Levels]:
    """Return the line of the ticker in the rows of a pair."""
    steps = _by_tick(rows.drop_duplicates("observed_at"))
    pair, at = str(rows["pair"].iloc[0]), rows["observed_at"]
    middles = local_instants(at)[_is_several(rows)]
    return steps, levels_of(steps, pair, past.levels(ticker, pair, at.iloc[0], at.iloc[-1]), levels_at(steps, middles))


def _is_several(rows: pd.DataFrame) -> np.ndarray:
    """Return where the ticker's rate is the middle of several values of one date."""
    return np.asarray(rows.get("ticker_values", pd.Series(1, rows.index)) > 1)


def _draw_official(panel: Axes, rows: pd.DataFrame, looks: Mapping[str, LineLook]) -> list[tuple[float, str, str]]:
    """Draw the official rates of a pair; return the last value, the label and the colour of each line."""
    ends = []
    for score in scores(rows).to_dict("records"):
        source_rows, look = rows[rows["source"] == score["source"]], looks[score["source"]]
        steps = _by_day(source_rows.drop_duplicates("day"), "official", "official_lo", "official_hi")
        draw_band(panel, steps, color=look.band, alpha=look.band_alpha)
        draw_line(panel, steps, color=look.color, linestyle=look.linestyle)
        if len(rows["source"].unique()) > 1:
            _mark_short(panel, steps, look, _SHORT * (_DAY + rows["day"].max() - rows["day"].min()))
        out = _days_outside(source_rows)
        if len(out) <= _MOST_CROSSES:
            marks = local_instants(out["observed_at"]).view("M8[us]")
            panel.plot(marks, out["official"].to_numpy(), "x", color=look.color, markersize=4, markeredgewidth=0.9)
        ends.append((float(source_rows["official"].iloc[-1]), f"{score['source']} {_score_text(score)}", look.color))
    lo = rows[["ticker_lo", "official_lo"]].to_numpy(np.float64).min()
    hi = rows[["ticker_hi", "official_hi"]].to_numpy(np.float64).max()
    rate_axis(panel, lo, hi, [])
    return ends


def _mark_short(panel: Axes, steps: Steps, look: LineLook, short: pd.Timedelta) -> None:
    """Mark the pieces of a line that are too short for its style to be seen."""
    begins, lasts = pieces(steps)
    is_short = steps.when[lasts] - steps.when[begins] < short / pd.Timedelta(1, "us")
    lone = Steps(*(column[begins[is_short]] for column in (steps.when, steps.value, steps.lo, steps.hi)))
    draw_dots(panel, lone, color=look.color, mark=look.mark)


def _days_outside(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the first row of each day at which a source's rate was outside."""
    return rows[~rows["inside"].astype(bool)].drop_duplicates("day")


def _score_text(score: Mapping[Any, Any]) -> str:
    """Return at how many ticks it was inside, and what that must be read beside, in two lines."""
    inside, chance = (
        round(score["inside"] * score["ticks"]),
        percent_of(score["chance"] * score["ticks"], score["ticks"]),
    )
    return (
        f"inside at {inside:,} of {counted(score['ticks'], 'tick')}\n"
        f"by chance {chance}, band {short_text(score['width_pct'])} % wide"
    )


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


def _title(rows: pd.DataFrame, pairs: list[str], sources: list[str], span: str) -> str:
    """Return for which pairs the official rate was inside; no total, for pairs whose bands are wide cannot fail."""
    if len(pairs) == len(sources) == 1:
        inside = int(rows["inside"].sum())
        return (
            f"{pairs[0]}: {sources[0]} inside the ticker's band at {inside:,} of {counted(len(rows), 'tick')}, {span}"
        )
    shares = rows["inside"].astype(float).groupby(rows["pair"].astype(str)).mean()
    always, never = ([pair for pair in pairs if shares[pair] == share] for share in (1, 0))
    partly = [
        f"{subject_of(pair)} at {percent_of(shares[pair] * len(rows), len(rows))}"
        for pair in pairs
        if pair not in [*always, *never]
    ]
    parts = [f"{', '.join(map(subject_of, always))} always"] if always else []
    several = rows.groupby(rows["pair"].astype(str))["source"].nunique().gt(1).any()  # a tick is compared with each
    parts += [f"{', '.join(partly)} of {'comparisons' if several else 'ticks'}"] if partly else []
    parts += [f"{', '.join(map(subject_of, never))} never"] if never else []
    return f"{_what(sources)[0].capitalize()} inside the ticker's band: {'; '.join(parts)}, {span}"


def _value_dates(rows: pd.DataFrame) -> str:
    """Return the value dates of the official rates, and by how much the oldest one is older than its day.

    A peg is in force until the next one: its age says nothing.
    """
    is_fixed = is_of_peg(rows)
    if is_fixed.all():
        return "a fixed one"
    fixed = f"; {', '.join(sorted(rows['source'][is_fixed].astype(str).unique()))} has a fixed one"
    rows = rows[~is_fixed]
    dates = rows["official_at"].drop_duplicates().sort_values()
    first, last = f"{dates.iloc[0]:%Y-%m-%d}", f"{dates.iloc[-1]:%Y-%m-%d}"
    of_dates = f"of {first}" if first == last else f"of {len(dates):,} value dates from {first} to {last}"
    oldest = round((rows["day"] - rows["official_at"]).max() / pd.Timedelta(days=1))
    ages = f"up to {counted(oldest, 'day')} older than the day" if oldest else "each of its day"
    return f"{of_dates}, {ages}{fixed if is_fixed.any() else ''}"


def _write_caption(canvas: Canvas, rows: pd.DataFrame, sources: list[str], left_out: str, notes: Sequence[str]) -> None:
    """Write title and caption; the ticker is the first one of the sources."""
    days, pairs = rows["day"].drop_duplicates(), sorted(rows["pair"].astype(str).unique())
    lines = rows[["pair", "source"]].astype(str).drop_duplicates().itertuples(index=False, name=None)
    styles = styles_text([*lines, (pairs[0], sources[0])])
    first, last = days.iloc[0], days.iloc[-1]
    whole, (rate, rates) = (last - first).days + 1, _what(sources[1:])
    write_caption(
        canvas,
        _title(rows, pairs, sources[1:], f"{first:%Y-%m-%d}" if first == last else span_text(first, last)),
        f"Ticker and {rates}. {sources_text(sources)} {len(days):,} of {counted(whole, 'day')}, "
        f"{days.dt.tz}.{left_out}",
        f"{upward(pairs)} In colour: the ticker, in the band that its digits allow. In ink: the last {rate} "
        f"stored by that day, {_value_dates(rows)}. {styles}{_crosses_text(rows)}"
        f"{''.join(f'{note} ' for note in notes if note)}"
        "Inside: both bands meet; chance: the share if the rates of all days were compared.",
    )


def _what(sources: Sequence[str]) -> tuple[str, str]:
    """Return what a rate of the sources beside the ticker is, and several: of a market none is official."""
    if any(map(is_market, sources)):
        return "rate of another source", "rates of other sources"
    return "official rate", "official rates"


def _crosses_text(rows: pd.DataFrame) -> str:
    outside = [len(_days_outside(of_line)) for _, of_line in rows.groupby(["pair", "source"], observed=True)]
    if not any(outside):
        return ""
    few = " (where these are few)" if max(outside) > _MOST_CROSSES else ""
    return f"Cross: a day on which it lay outside at some tick{few}. "
