"""Caption of a chart of rates over time: what is drawn, from which polls, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TypeAlias

import numpy as np
import pandas as pd

from fxticker.charts.canvas import Canvas
from fxticker.charts.caption_frame import write_caption
from fxticker.charts.causes import SUCCESSFUL, cause_codes, instants
from fxticker.charts.findings import finding
from fxticker.charts.hops import NEWER_LEVEL, SEVERAL_VALUES, Levels, hops_text
from fxticker.charts.line_looks import main_source, styles_text
from fxticker.charts.lines import Line
from fxticker.charts.moves import hopping_text
from fxticker.charts.sides import upward
from fxticker.charts.source_names import sources_text
from fxticker.charts.steps import LINES_BREAK
from fxticker.model.formatting import counted
from fxticker.model.timestamps import MICROSECOND
from fxticker.model.verdicts import NEWER

Asked: TypeAlias = tuple[datetime | None, datetime | None]
"""First instant and end, excluded, of the span that was asked for, both aware; ``None`` where it is open."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a chart of rates shows.

    Attributes
    ----------
    lines, levels
        All lines, and the levels of each.
    polls
        Outcomes of the same span, or ``None``.
    zone
        Whose clock the chart shows.
    asked
        The span that was asked for.
    is_past_known
        Whether levels that were shown before the chart are known.
    unknown_past
        That levels of a peg are known of the chart alone, or nothing.
    left_out
        Of looked-up rates a sentence on the pairs without one, or an empty text; ``None`` of ticks and quotes.
    """

    lines: list[Line]
    levels: list[Levels]
    polls: pd.DataFrame | None
    zone: tzinfo
    asked: Asked
    is_past_known: bool
    unknown_past: str = ""
    left_out: str | None = None

    @property
    def sources(self) -> list[str]:
        """Their names."""
        return sorted({line.source for line in self.lines})

    @property
    def polled(self) -> list[str]:
        """Sources with a poll: first the one whose causes a panel of several has."""
        if self.polls is None:
            return []
        polled = {*self.polls["source"].unique()}
        names = [name for name in self.sources if name in polled]
        return sorted(names, key=lambda name: name != main_source(names))

    @property
    def ends(self) -> tuple[np.datetime64, np.datetime64]:
        """First and last instant in UTC of the span that was asked for, the values and the polls.

        One tick and its poll are one.
        """
        ends = [line.steps.when[[0, -1]] for line in self.lines]
        if self.polls is not None:
            slots = instants(self.polls["slot"])[self.polls["source"].isin(self.sources).to_numpy()]
            ends.extend([slots[[0, -1]]] if len(slots) else [])
        begin, until = self.asked
        ends.extend([np.array([begin.astimezone(UTC).replace(tzinfo=None)], "M8[us]").view(np.int64)] if begin else [])
        if until is not None:
            last = (until - MICROSECOND).astimezone(UTC).replace(tzinfo=None)
            ends.append(np.array([last], "M8[us]").view(np.int64))
        times = np.concatenate(ends).view("M8[us]")
        is_one = all(len(line.steps.when) == 1 for line in self.lines) and np.ptp(times) < np.timedelta64(1, "m")
        return times.max() if is_one else times.min(), times.max()

    @property
    def local_ends(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The same in the zone of the chart."""
        first, last = (pd.Timestamp(end).tz_localize(UTC).tz_convert(self.zone) for end in self.ends)
        return first, last

    @property
    def are_shared(self) -> bool:
        """Whether a panel has several sources."""
        return len(self.lines) > len({line.pair for line in self.lines})


def write_history_caption(canvas: Canvas, facts: Facts, *, is_shaded: bool) -> None:
    """Write title and caption of a chart of rates.

    Parameters
    ----------
    canvas
        The chart.
    facts
        What it shows.
    is_shaded
        Whether stretches without a successful poll are shaded.
    """
    title = finding(facts.lines, facts.levels, facts.zone)
    styles = styles_text((line.pair, line.source) for line in facts.lines)
    of_panel = " of any source of the panel" if facts.are_shared else ""
    by_cause = f"by the cause of {facts.polled[0]}" if facts.are_shared and len(facts.polled) > 1 else "by cause"
    reading = [
        "Band: what the printed digits allow.",
        _several(facts),
        "" if facts.left_out is None else "Dot: the last rate as of that instant, of a day as of its end.",
        f"Right: percent from the first value{_of_main(facts)}.",
        upward({line.pair for line in facts.lines}),
        styles.rstrip(),
        hops_text(facts.levels, is_past_known=facts.is_past_known),
        NEWER_LEVEL if NEWER in title else "",
        hopping_text((line.pair, line.source) for line in facts.lines),
        facts.unknown_past,
        _repetitions(facts),
        f"{LINES_BREAK}, and at polls without a tick." if any(len(line.steps.ends) for line in facts.lines) else "",
        f"Shaded: no successful poll{of_panel}, {by_cause}." if is_shaded else "",
    ]
    write_caption(canvas, title, f"{_counts(facts)}.{facts.left_out or ''}", " ".join(filter(None, reading)))


def _counts(facts: Facts) -> str:
    lines, sources, polls = facts.lines, facts.sources, facts.polls
    first, last = facts.local_ends
    days = len(np.unique(np.concatenate([line.days for line in lines])))
    whole = (last.tz_localize(None).normalize() - first.tz_localize(None).normalize()).days + 1
    many = sum(line.rows for line in lines)
    ticks = sum(line.lookups.ticks for line in lines if line.lookups is not None)
    what = (
        counted(many, "value") if facts.left_out is None else f"{counted(many, 'look-up')} of {counted(ticks, 'tick')}"
    )
    text = f"{sources_text(sources)} {what}"
    text += f" on {days:,} of {counted(whole, 'day')}, {facts.zone}"
    outcomes = np.array([]) if polls is None else cause_codes(polls)[polls["source"].isin(sources).to_numpy()]
    if len(outcomes):  # imported pages have no polls, and none of none reads as a failure
        text += f"; {int((outcomes == SUCCESSFUL).sum()):,} of {counted(len(outcomes), 'poll')} successful"
    return text


def _several(facts: Facts) -> str:
    """Return what stands where several values of one date are stored."""
    return SEVERAL_VALUES if any(line.single_values.is_several.any() for line in facts.lines) else ""


def _repetitions(facts: Facts) -> str:
    """Return how many look-ups are not drawn."""
    hidden = sum(line.lookups.hidden for line in facts.lines if line.lookups is not None)
    return f"Not drawn: {counted(hidden, 'look-up')} that repeat a tick across a gap." if hidden else ""


def _of_main(facts: Facts) -> str:
    """Return whose first value percent are counted from, where panels have several sources."""
    if not facts.are_shared:
        return ""
    main = main_source(facts.sources)
    is_everywhere = all(
        any(line.pair == pair and line.source == main for line in facts.lines)
        for pair in {line.pair for line in facts.lines}
    )
    return f" of {main}" if is_everywhere else f", of {main} where it is drawn"
