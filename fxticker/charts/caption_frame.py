"""Frame of captions: where title, facts, reading guide and version stand; `_write_caption` of each chart words them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import pandas as pd

from fxticker.charts.canvas import Canvas
from fxticker.model.formatting import counted
from fxticker.model.timestamps import minute_text
from fxticker.sources.rate_order import RATE

_CAPTION_MARKS, _TITLE_MARKS = 17.25, 10.5
"""Characters of the caption and of the title that fit an inch."""
_BELOW_TICKS_PT, _BELOW_LABEL_PT = 34, 36
"""Distance of a caption from an axis of the caller, without and with a label."""
_TIMED = pd.Timedelta(days=2)
"""Span below which its ends have their times."""
_SHORT = pd.Timedelta(minutes=10)
"""Below this a span's minutes, which are rounded up, would lie visibly beside the ends of its axis."""
_LONGEST = 300
"""Characters of reasons beyond which only what stands before their first semicolon is stated: two lines."""
_MOST_LEFT_OUT = 4
"""Number of reasons that a caption has room for."""


def write_caption(canvas: Canvas, title: str, facts: str, reading: str) -> None:
    """Write the title above the chart, and the caption below it: facts, reading guide and version.

    The text is composed by each chart: the wording of a caption stands where the chart calls this. In a figure of the
    caller both belong to the chart's own axes.

    Parameters
    ----------
    canvas
        The chart, without a title.
    title
        What is drawn; a title that the caller gave takes its place.
    facts
        Sentences on the data: source, span, number of ticks, what was left out.
    reading
        Sentences on how the chart is read: what bands, colours and gaps mean.
    """
    title = _wrapped(title if canvas.title is None else canvas.title, canvas.width_in * _TITLE_MARKS)
    text = " ".join(filter(None, [facts, reading, f"fxticker {version('fxticker')}."]))
    caption = _wrapped(text, canvas.width_in * _CAPTION_MARKS)
    style: dict[str, Any] = {"fontsize": 7, "color": canvas.palette.muted, "linespacing": 1.4}
    if canvas.is_own:
        canvas.figure.suptitle(title, x=0.01, ha="left")
        canvas.figure.supxlabel(caption, x=0.01, ha="left", **style)
        return
    first, last = canvas.axes[0], canvas.axes[-1]
    titles = "\n".join(filter(None, [title, first.get_title(loc="left")]))
    first.set_title(titles, color=canvas.palette.text, pad=canvas.title_pad_pt)
    below = -(_BELOW_LABEL_PT if last.get_xlabel() else _BELOW_TICKS_PT)
    last.annotate(
        caption, (0, 0), (0, below), "axes fraction", "offset points", va="top", annotation_clip=False, **style
    )


def _wrapped(text: str, marks: float) -> str:
    together = text.replace(" %", "\N{NO-BREAK SPACE}%")  # no line begins with a unit
    return "\n".join(textwrap.wrap(together, max(int(marks), 1))).replace("\N{NO-BREAK SPACE}%", " %")


def with_verdicts(changes: pd.DataFrame) -> pd.DataFrame:
    """Return changes with ``peg_hop`` and ``several_values``, if need be of none: a frame of a caller may lack them."""
    return changes.assign(**{name: False for name in ("peg_hop", "several_values") if name not in changes.columns})


def span_text(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return a span as text for captions, and for titles that do not depend on its hours."""
    begin, end = minute_text(first), minute_text(last)
    if begin == end or has_seconds(first, last):
        if first.floor("s") == last.floor("s"):  # a change takes time: its ends are never shown as one
            return begin
        return f"{first.ceil('s'):%Y-%m-%d %H:%M:%S} to {last.ceil('s'):%H:%M:%S}"
    if first.date() != last.date():
        return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    day = f"{first:%Y-%m-%d} "
    return f"{begin} to {end.removeprefix(day)}"


def has_seconds(first: pd.Timestamp, last: pd.Timestamp) -> bool:
    """Return whether a span is so short that its text has the seconds."""
    are_minutes = first == first.floor("min") and last == last.floor("min")
    return last - first < _SHORT and first.date() == last.date() and not are_minutes


def ends_text(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return the span of a change as text for titles.

    A day has several rates: from the first one of a day to the last one of the next the somoni lost 0.2 %, and from
    day's end to day's end 0.4 %. So a span under two days has its times, unless both ends are dates.
    """
    are_dates = first == first.normalize() and last == last.normalize()
    if first.date() == last.date() or last - first >= _TIMED or are_dates:
        return span_text(first, last)
    return f"{minute_text(first)} to {minute_text(last)}"


def percent_of(part: float, whole: int) -> str:
    """Return a share in percent; ``100 %`` and ``0 %`` only where they are exact."""
    if 0 < part < whole:
        return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"
    return f"{100 * part / whole:.0f} %"


def left_out_rows(frame: pd.DataFrame, thing: str) -> str:
    """Return how many rows of a frame, each of a thing, have no figures, and why, as a sentence; empty if all have."""
    counts = _reasons(frame).dropna().astype(str).value_counts().sort_index(kind="stable")
    return _left_out([f"{counted(number, thing)} ({reason})" for reason, number in counts.items()])


def left_out_pairs(frame: pd.DataFrame) -> str:
    """Return which pairs of a frame have no figures, and why, as a sentence; empty if all have."""
    rows = frame[_reasons(frame).notna()].drop_duplicates(["source", "pair"])
    pairs, sources = rows["pair"].astype(str), rows["source"].astype(str)
    # the same pair of another source may be in the chart; where an order chooses, none has it
    are_several = len(frame["source"].unique()) > 1
    names = pairs + (" of " + sources).where(are_several & (sources != RATE), "")
    reasons = [
        reason.replace(f" of {pair} ", " ") for reason, pair in zip(_reasons(rows).astype(str), pairs, strict=True)
    ]
    texts = _joined(names, reasons)
    if sum(map(len, texts)) > _LONGEST:
        texts = _joined(names, [reason.partition(";")[0] for reason in reasons])
    return _left_out(texts)


def _joined(names: Iterable[str], reasons: Iterable[str]) -> list[str]:
    """Return each reason behind all the names that have it."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in zip(names, reasons, strict=True):
        by_reason.setdefault(reason, []).append(name)
    return [f"{', '.join(of_reason)} ({reason})" for reason, of_reason in by_reason.items()]


def _reasons(frame: pd.DataFrame) -> pd.Series:
    """Return the column of reasons; a frame that a caller made may have none."""
    return frame["reason"] if "reason" in frame.columns else pd.Series(None, index=frame.index, dtype="object")


def _left_out(texts: list[str]) -> str:
    more = f", and {len(texts) - _MOST_LEFT_OUT:,} more" if len(texts) > _MOST_LEFT_OUT else ""
    return f" Left out: {', '.join(texts[:_MOST_LEFT_OUT])}{more}." if texts else ""
