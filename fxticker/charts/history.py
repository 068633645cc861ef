"""Chart of rates over time, one panel per pair.

Nothing is drawn that the printed digits do not support: rates are steps inside their rounding band, and no line crosses
a stretch without values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fxticker.analysis.direction import are_both_ways, in_one_direction
from fxticker.analysis.quotes import quotes
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import Look, Place, drawing, place_key
from fxticker.charts.caption_frame import left_out_pairs
from fxticker.charts.causes import Stretches, key, shade, shared
from fxticker.charts.data import polls_beside, rates_of
from fxticker.charts.history_caption import Asked, Facts, write_history_caption
from fxticker.charts.hops import Levels, Past, draw_levels, levels_of
from fxticker.charts.labels import LINE_IN, label_ends
from fxticker.charts.last_values import dated
from fxticker.charts.line_looks import LineLook, line_look, main_source
from fxticker.charts.lines import Line, are_quotes, lines_of
from fxticker.charts.lookups import is_of_rate, span_of_lookups
from fxticker.charts.rate_axis import percent_axis, rate_axis
from fxticker.charts.steps import COLUMNS
from fxticker.charts.style import Palette, Theme, date_axis
from fxticker.errors import NoData
from fxticker.frames.now_and_zone import present
from fxticker.frames.one_per_instant import without_constants
from fxticker.model.days import span_of
from fxticker.model.pegs import pegs_of
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment

_PANEL_IN = 1.5
_BESIDE_IN = 2.3
"""Width beside the panels, in inches: two scales and the labels."""
_ABOVE_AXIS_IN = 0.4
"""Part of a panel's height, in inches, that its title and the space between panels take."""


@dataclass(frozen=True, slots=True)
class _Peg:
    """An official peg in the orientation of the pair, the instants from and to which it is drawn, and its label."""

    span: np.ndarray
    rate: float
    text: str


def plot_history(
    frame: Ticks,
    *,
    polls: pd.DataFrame | None = None,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone | None = None,
    per_usd: bool = False,
    order: Iterable[str] | None = None,
    ax: Place | None = None,
    figsize: tuple[float, float] | None = None,
    title: str | None = None,
    theme: Theme = "light",
) -> Figure:
    """Draw rates over time, a small panel per pair.

    Parameters
    ----------
    frame
        A store, or ticks as returned by `fxticker.load`, either with the arguments below; or quotes of
        `fxticker.quotes`, also of inverse and cross pairs, or rates of `fxticker.rate`, without them.
    polls
        Outcomes of the same span as returned by `fxticker.load_polls`: lines then also break where a poll gave no tick,
        and stretches without a successful poll are shaded by their cause; in a panel with several sources, those
        without a successful poll of any of them that was polled. ``None`` for those of the store, or, of a frame, none.
    pairs, sources, start, end, as_of, tz, per_usd, order
        Arguments of `fxticker.quotes`. Without `pairs` and `per_usd` all stored pairs are drawn as they were printed.
        With the source ``rate`` each pair is drawn by one source, all but the ticker at value dates.
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
        One panel per pair over a common time axis (of the frame's zone; from `start` to `end`), in it a line per
        source; where sources print a pair in opposite directions, both are drawn in that of the ticker. Each value
        holds until the next one (a step); the shaded band is what its printed digits allow. The line breaks where the
        next value is farther away than three times the median distance of that line's values (of fewer than four
        values, than a day). Rates of `fxticker.rate` stand at the instants of their look-ups, of days at their ends;
        where no tick follows the one behind them for so long (of banks for 4 days at least), those that repeat it are
        not drawn. The scale at the right is that at the left in percent from the first value. The right edge states the
        last value as printed, or the range that several values of its day, or the rates it is derived from, allow, and
        its date if the chart goes on for more than a day after it. An official peg is a dashed line, and a fixed rate
        that was stored as such has no line of its own. Where a pegged pair comes back to a level that its source showed
        before, a diamond stands in place of a vertical line. The title states what the bands of each first and last
        value prove. Up to 6,400 values of a line are drawn unchanged; of more, only those without which a picture 1,600
        pixels wide would look different, all extremes among them.

    Raises
    ------
    NoData
        If the frame is empty.
    ValueError
        If there is no such theme, a pair is neither stored nor derivable, an argument of `fxticker.quotes` is given for
        a frame that it returned, or `figsize` or `ax` do not fit.
    """
    spans = {"start": start, "end": end, "as_of": as_of, "tz": tz}
    filters = {**spans, "pairs": pairs, "sources": sources, "per_usd": per_usd, "order": order}
    rates = rates_of(frame, filters)
    polls = polls_beside(frame, filters) if polls is None else polls
    asked, left_out = span_of(start, end, present(), rates["observed_at"].dt.tz), None
    if isinstance(frame, pd.DataFrame) and is_of_rate(frame):
        asked, left_out = span_of_lookups(frame), left_out_pairs(frame[frame["rate"].isna()])
    return rates_chart(rates, polls, Past(frame, as_of), Look(theme, title, figsize, ax), asked, left_out)


def rates_chart(
    rates: pd.DataFrame,
    polls: pd.DataFrame | None,
    past: Past,
    look: Look,
    asked: Asked = (None, None),
    left_out: str | None = None,
) -> Figure:
    """Draw ticks, quotes or, with a text on those left out, looked-up rates of a span: see `plot_history`."""
    if rates.empty:
        raise NoData("there is no tick to draw")
    rows = _in_one_direction(rates)
    lines = lines_of(without_constants(rows) if left_out is None else rows, polls)
    levels = [
        levels_of(line.steps, line.pair, past.levels(line.source, line.pair, line.ends(UTC)[0]), line.levels)
        for line in lines
    ]
    pairs = {line.pair for line in lines}
    facts = Facts(lines, levels, polls, rates["observed_at"].dt.tz, asked, past.is_known, past.unknown(pairs), left_out)
    return _drawn(facts, look)


def _drawn(facts: Facts, look: Look) -> Figure:
    lines, zone = facts.lines, facts.zone
    pairs, sources = sorted({line.pair for line in lines}), sorted({line.source for line in lines})
    first, last = facts.ends
    labels = _labels(facts)
    rows = max(label.count("\n") + 1 for label in labels)  # each label has the room of the highest one
    most = max(sum(line.pair == pair for line in lines) for pair in pairs)
    height = max(_PANEL_IN, _ABOVE_AXIS_IN + 1.3 * LINE_IN * rows * most)
    with drawing(look, 1.3 + height * len(pairs), len(pairs)) as canvas:
        seen, scales = set[int](), list[float]()
        for panel, pair in zip(canvas.axes, pairs, strict=True):
            own = [(line, of_line) for line, of_line in zip(lines, facts.levels, strict=True) if line.pair == pair]
            pegs = _pegs(pair, first, last)
            _draw_panel(panel, own, pegs, sources, canvas.palette)
            scales.append(percent_axis(panel, _reference(own, sources), canvas.palette))
            date_axis(panel, first, last, zone)
            # the title of the figure names a single pair
            panel.set_title("   ".join([*([pair] if len(pairs) > 1 else []), *_peg_texts(pegs)]))
            if failed := _failed(own, facts.polled):
                narrowest = float((last - first) / np.timedelta64(1, "us")) / COLUMNS / 4
                seen |= shade(panel, reduce(shared, failed), canvas.palette, narrowest)
        for panel, pair in zip(canvas.axes, pairs, strict=True):
            of_pair = [line for line in lines if line.pair == pair]
            ends = [
                (line.last_value, label, _look(line, of_pair, sources, canvas.palette).color)
                for line, label in zip(lines, labels, strict=True)
                if line.pair == pair
            ]
            label_ends(panel, ends, canvas.panel_in(height - _ABOVE_AXIS_IN), beyond_in=max(scales))
        canvas.figure.align_ylabels(canvas.axes)
        keyed = place_key(canvas, key(seen, canvas.palette, 0.3), _BESIDE_IN) if seen else canvas
        write_history_caption(keyed, facts, is_shaded=bool(seen))
    return canvas.figure


def _labels(facts: Facts) -> list[str]:
    """Return the label of each line: its last value, its source if there are several, its date if that is old."""
    lines, sources, zone, (_, latest) = facts.lines, facts.sources, facts.zone, facts.local_ends
    names = [f"{line.last}  {line.source}" if len(sources) > 1 else line.last for line in lines]
    return [dated(name, "\nof ", line.last_at(zone), latest) for line, name in zip(lines, names, strict=True)]


def _look(line: Line, of_pair: Sequence[Line], sources: list[str], palette: Palette) -> LineLook:
    """Return the look of a line, which is that of its currency where a panel has no other source."""
    is_alone = len({each.source for each in of_pair}) == 1
    return line_look(line.pair, line.source, [line.source] if is_alone else sources, palette)


def _reference(own: Sequence[tuple[Line, Levels]], sources: list[str]) -> float:
    """Return the value from which a panel counts percent: the first one of the line in the currency's colour."""
    first = next((line for line, _ in own if line.source == main_source(sources)), own[0][0])
    return float(first.steps.value[0])


def _peg_texts(pegs: list[_Peg]) -> list[str]:
    """Return what the title of a panel states on pegs."""
    return [f"dashed: official peg, {', then '.join(peg.text for peg in pegs)}"] if pegs else []


def _failed(own: Sequence[tuple[Line, Levels]], polled: Sequence[str]) -> list[Stretches]:
    """Return the stretches without a successful poll of each source of a panel that was polled, in their order."""
    return [line.failed for source in polled for line, _ in own if line.source == source]


def _in_one_direction(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which no pair is in both directions: all sources of a currency share a panel."""
    if not are_both_ways(frame["pair"].astype("category").cat.categories):
        return frame
    zone = frame["observed_at"].dt.tz
    return in_one_direction(frame, per_usd=False) if are_quotes(frame) else quotes(frame, tz=zone)


def _pegs(pair: str, first: np.datetime64, last: np.datetime64) -> list[_Peg]:
    """Return the official pegs of a pair in a span."""
    pegs = []
    for peg, rate in pegs_of(pair):
        since = np.datetime64(peg.since, "us")
        until = last if peg.until is None else np.datetime64(peg.until, "us")
        if since <= last and (until > first or peg.until is None):
            span = np.array([max(since, first), min(until, last)], "M8[us]")
            pegs.append(_Peg(span, float(rate), f"{peg.units_text} {peg.currency} per {peg.anchor}"))
    return pegs


def _draw_panel(
    panel: Axes, own: Sequence[tuple[Line, Levels]], pegs: list[_Peg], sources: list[str], palette: Palette
) -> None:
    lines, main = [line for line, _ in own], main_source(sources)
    for line, levels in sorted(own, key=lambda each: each[0].source == main):  # its line stands above the others
        draw_levels(panel, line.steps, levels, _look(line, lines, sources, palette))
    panel.set_ylabel(" per ".join(reversed(lines[0].pair.split("/"))))
    for peg in pegs:
        style: dict[str, Any] = {"color": palette.muted, "linestyle": (0, (5, 3)), "linewidth": 1}
        if peg.span[0] == peg.span[1]:  # a chart of one instant
            panel.axhline(peg.rate, **style)
        else:
            panel.plot(peg.span, [peg.rate] * 2, **style)
    rates = [peg.rate for peg in pegs]
    rate_axis(
        panel,
        min([*rates, *(line.steps.lo.min() for line in lines)]),
        max([*rates, *(line.steps.hi.max() for line in lines)]),
        [line.quantum for line in lines if line.quantum is not None],
    )
