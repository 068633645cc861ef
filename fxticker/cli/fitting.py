"""Fitting: which columns of a table stand above it, how wide the others are, and which are left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

GAP = "  "
"""What stands between two columns."""
DAY = 10
"""Characters of the day of an instant."""
_IN_COMMON = re.compile(r"source|pair|time_basis|origin|change_text|at|day|slot|\w+_(at|date|after|before|from)")
"""Headings of what stands above a table if it is the same in all rows; numbers and verdicts only for want of room."""
_SPARE = (
    *("reason", "origin", "time_basis", "base_at", "to_at"),
    *("polls", "rate_band", "open_band", "high_band", "low_band", "close_band"),
    *(
        "ticker_band",
        "official_band",
        "official_at",
        "seen_from_at",
        "seen_pct",
        "base_run",
        "peg_rate",
        "start",
        "change_text",
    ),
    *("coverage", "count", "open", "high", "low"),  # rather than the close
    *("distance_band", "ticker"),  # rather than how far the ticker is
    *("gap_h", "width_pct", "end", "drift_band", "last_at"),  # rather than the verdict, and which source contradicts
    *("from_at", "end_at", "start_at"),  # rather than which ticks, or which period, a figure is of
)
"""Headings that are left out first where a table is too wide; after them its last ones."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Which columns stand above a table, which are in it and how wide, and which are left out.

    Attributes
    ----------
    head
        Headings of what stands above the table.
    widths
        Characters of each column of the table.
    left_out
        Headings without a place.
    has_long_headings
        Whether headings stand on one line.
    days
        Headings of instants of which only the day is shown.
    """

    head: list[str]
    widths: dict[str, int]
    left_out: list[str]
    has_long_headings: bool
    days: frozenset[str]


def fitted(
    widest: Mapping[str, int], constants: Sequence[str], instants: Collection[str], width: int | None, *, is_one: bool
) -> Fitted:
    """Fit columns into a width.

    The headings are broken, more columns put above the table, and instants cut to days, as far as needed.

    Parameters
    ----------
    widest
        Characters of the widest cell of each column.
    constants
        Headings of columns that are the same in all rows.
    instants
        Headings of instants that are cut to their days before a column is left out.
    width
        Characters of a line; ``None`` for no limit.
    is_one
        Whether the table has one row.
    """
    usual = [name for name in constants if _IN_COMMON.fullmatch(name)]
    for days in (frozenset[str](), frozenset(instants)):
        cells = {name: min(wide, DAY) if name in days else wide for name, wide in widest.items()}
        for head, is_long in (([], True), (usual, True), (usual, False), (constants, False)):
            widths = {
                name: max(wide, *(map(len, [name] if is_long else broken(name))))
                for name, wide in cells.items()
                if name not in head
            }
            if (is_one or head or not usual) and _fits(widths, width):
                return Fitted([*head], widths, [], is_long, days)
    left_out = _left_out(widths, width)
    kept = {name: wide for name, wide in widths.items() if name not in left_out}
    return Fitted([*constants], kept, left_out, has_long_headings=False, days=days)


def broken(name: str) -> tuple[str, str]:
    """Return a heading on two lines: ``distance_`` and ``pct``."""
    breaks = [place + 1 for place, mark in enumerate(name) if mark in "_ "]
    place = min(breaks, key=lambda place: max(place, len(name) - place), default=len(name))
    return name[:place], name[place:]


def _left_out(widths: Mapping[str, int], width: int | None) -> list[str]:
    """Return the columns that have no room, the least needed first."""
    order = [name for name in _SPARE if name in widths]
    order += [name for name in reversed([*widths]) if name not in order]
    kept, left_out = dict(widths), list[str]()
    for name in order:
        if _fits(kept, width):
            break
        left_out.append(name)
        del kept[name]
    for name in reversed([*left_out]):
        if _fits({**kept, name: widths[name]}, width):
            kept[name] = widths[name]
            left_out.remove(name)
    return left_out


def _fits(widths: Mapping[str, int], width: int | None) -> bool:
    return width is None or sum(widths.values()) + len(GAP) * (len(widths) - 1) <= width
