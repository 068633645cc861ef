"""Tables for people: laid out for 80 columns, and written block by block."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, islice
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from fxticker.cli.blocks import Block, Records
from fxticker.cli.colours import colour_of, painted
from fxticker.cli.columns import Column, Plain, Reference
from fxticker.cli.zones import blocks_with_days, zone_text
from fxticker.errors import one_line
from fxticker.model.formatting import short_text
from fxticker.model.timestamps import rounded_up

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 80
"""Characters of a line of a terminal, as it opens."""
_GAP, _NO_BREAK = "  ", "\N{NO-BREAK SPACE}"
_NUMBER = re.compile(r"-?[0-9.]+%?")
_IN_COMMON = re.compile(r"source|pair|time_basis|origin|change_text|at|day|slot|\w+_(at|date|after|before|from)")
"""Headings of what stands above a table if it is the same in all rows; numbers and verdicts only for want of room."""
_DAYS = re.compile(r"day|start_at|official_at|\w+_date")
"""Headings of days, value dates included, and of periods, which begin at midnight."""
_DAY, _MINUTE, _SECOND = 10, 16, 19
"""Characters of ``2025-11-14 12:00:00`` up to the day, the minute and the second."""
_STEPS = {_MINUTE: timedelta(minutes=1), _SECOND: timedelta(seconds=1)}
"""To what an instant is rounded up that is cut at these characters."""
_LAST_MINUTE, _LAST_SECOND = "23:59:00", "23:59:59"
"""Between these the minute has no room to be rounded up; the last second of a day stands for its end."""
_SPARE = (
    *("reason", "origin", "time_basis", "base_at", "to_at", "from_at", "end_at"),
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
    *("coverage", "count", "open", "high", "low", "start_at"),  # rather than the close, and which period it is of
    *("distance_band", "ticker"),  # rather than how far the ticker is
    *("gap_h", "width_pct", "drift_band", "last_at"),  # rather than the verdict, and which source contradicts
)
"""Headings that are left out first where a table is too wide; after them its last ones."""
_WHOLE_DAY = "day"
"""In place of the time, where the day stands above the table and only the date is known."""
Texts = dict[str, list[str]]


def write_table(
    rows: pd.DataFrame | Records, columns: Sequence[Column], *, width: int | None, is_coloured: bool
) -> list[str]:
    """Write rows on standard output, and above them what all of them have in common.

    The first block of rows sets the width of each column; it grows with a later block that needs more.

    Parameters
    ----------
    rows
        The rows, of which no more than a block is held as texts.
    columns
        What is shown of a row, in this order.
    width
        Characters of a line; columns that do not fit are left out. ``None`` for no limit.
    is_coloured
        Whether verdicts and signs are coloured.

    Returns
    -------
    list of str
        Headings of the columns that were left out.
    """
    needed = _needed(rows, columns)
    ranges = {name: _range_of(rows, name) for name in needed}
    times = _times(ranges)
    blocks = (_texts(block, columns, times) for block in blocks_with_days(rows, needed))
    first: Texts = next(blocks, {name: [] for column in columns for name in column.needs})
    widest = {name: _widest(texts) for name, texts in first.items()}
    alone = {column.name for column in columns if isinstance(column, Plain | Reference)}
    constants = [name for name, each in ranges.items() if each.is_constant and name in alone]
    fitted = _fitted(widest, constants, width, is_one=len(rows) == 1)
    head = {name: first[name][0] or "(none)" for name in fitted.head}
    head |= {name: min(ranges[name].days) for name, time in times.items() if time.start and name in fitted.widths}
    values = (
        value for block in islice(blocks_with_days(rows, needed), 1) for column in block.values() for value in column
    )
    if zone := zone_text(values):
        head["times"] = zone
    # joined by what is no space to `wrap`, so that no line ends within a part
    common = ", ".join(f"{name} {text}".replace(" ", _NO_BREAK) for name, text in head.items())
    for line in wrap(common, width or WIDTH, break_long_words=False, break_on_hyphens=False):
        print(line.replace(_NO_BREAK, " "))
    for lines in _lines(chain([first], blocks), fitted, is_coloured=is_coloured):
        sys.stdout.write(lines)
    return fitted.left_out


@dataclass(frozen=True, slots=True)
class _Range:
    """What the values of a column have in common; of instants the days, and how many characters tell them apart."""

    is_constant: bool
    days: frozenset[str] = frozenset()
    finest: int = 0


def _range_of(rows: pd.DataFrame | Records, name: str) -> _Range:
    seen, days, finest = set[Any](), set[str](), 0
    for block in blocks_with_days(rows, [name]):
        values = {*block[name]}
        times = {value for value in values if isinstance(value, date)}
        seen |= values if len(seen) < 2 else set()  # noqa: PLR2004  two are not the same
        if len(seen) > 1 and not times and not finest:
            break
        days |= {str(value)[:_DAY] for value in times}
        finest = max(finest, _finest(times) if times else 0)
    return _Range(len(seen) == 1, frozenset(days if None not in seen else ()), finest)


def _finest(values: Collection[date]) -> int:
    """Return how many characters tell these instants apart: those of the day only if all are days or midnights."""
    texts, minutes = ({_rounded_up(value, size) for value in values} for size in (_SECOND, _MINUTE))
    if len(minutes) < len(texts) or any(_LAST_MINUTE < text[_DAY + 1 :] < _LAST_SECOND for text in texts):
        return _SECOND
    return _DAY if all(text[_DAY:] in ("", " 00:00:00") for text in texts) else _MINUTE


def _rounded_up(value: date, size: int) -> str:
    """Return so many characters of an instant, rounded up: what is shown there had not been there any earlier.

    One whose next minute or second is of another day is not rounded.
    """
    if isinstance(value, datetime) and size in _STEPS and (value.microsecond or value.second):  # else it is whole
        value = rounded_up(value, _STEPS[size])
    return str(value)[:size]


def _times(ranges: Mapping[str, _Range]) -> dict[str, slice]:
    """Return what is shown of each column's instants: as little as tells those of a table apart, no day they share."""
    is_day = {name: each.finest == _DAY and _DAYS.fullmatch(name) for name, each in ranges.items()}
    instants = {name: each for name, each in ranges.items() if each.finest and not is_day[name]}
    finest = max((each.finest for each in instants.values()), default=_DAY)
    times = {name: slice(_DAY) for name, each in ranges.items() if each.finest}
    for name, each in instants.items():
        is_one_day = finest > _DAY and len(each.days) == 1 and not each.is_constant
        times[name] = slice(_DAY + 1 if is_one_day else 0, finest)
    return times


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Which columns stand above a table, which are in it and how wide, and which are left out."""

    head: list[str]
    widths: dict[str, int]
    left_out: list[str]
    has_long_headings: bool


def _fitted(widest: Mapping[str, int], constants: Sequence[str], width: int | None, *, is_one: bool) -> _Fitted:
    """Fit columns into a width; the headings are broken, and more columns put above the table, as far as needed."""
    usual = [name for name in constants if _IN_COMMON.fullmatch(name)]
    for head, is_long in (([], True), (usual, True), (usual, False), (constants, False)):
        widths = {
            name: max(wide, *(map(len, [name] if is_long else _broken(name))))
            for name, wide in widest.items()
            if name not in head
        }
        if (is_one or head or not usual) and _fits(widths, width):
            return _Fitted([*head], widths, [], is_long)
    order = [name for name in _SPARE if name in widths]
    order += [name for name in reversed(widths) if name not in order]
    kept = dict(widths)
    left_out = []
    for name in order:
        if _fits(kept, width):
            break
        left_out.append(name)
        del kept[name]
    for name in reversed([*left_out]):
        if _fits({**kept, name: widths[name]}, width):
            kept[name] = widths[name]
            left_out.remove(name)
    return _Fitted([*constants], {name: wide for name, wide in widths.items() if name in kept}, left_out, False)


def _broken(name: str) -> tuple[str, str]:
    """Return a heading on two lines: ``distance_`` and ``pct``."""
    breaks = [place + 1 for place, mark in enumerate(name) if mark in "_ "]
    place = min(breaks, key=lambda place: max(place, len(name) - place), default=len(name))
    return name[:place], name[place:]


def _fits(widths: Mapping[str, int], width: int | None) -> bool:
    return width is None or sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= width


def _needed(rows: pd.DataFrame | Records, columns: Sequence[Column]) -> list[str]:
    there = {} if not len(rows) else rows[0] if isinstance(rows, Sequence) else rows
    return [name for name in dict.fromkeys(name for column in columns for name in column.needs) if name in there]


def _texts(block: Block, columns: Sequence[Column], times: Mapping[str, slice]) -> Texts:
    """Return the cells of a block by heading; those of equal values are written once."""
    result: Texts = {}
    for column in columns:
        names = [name for name in column.needs if name in block]
        rows = list(zip(*(block[name] for name in names), strict=True))
        written = {
            row: {
                heading: _text(value, times.get(heading))
                for heading, value in column.cells(dict(zip(names, row, strict=True))).items()
            }
            for row in {*rows}
        }
        for heading in next(iter(written.values())):
            texts = {row: cells[heading] for row, cells in written.items()}
            result[heading] = [texts[row] for row in rows]
    return result


def _text(value: Any, time: slice | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return short_text(value)
    if isinstance(value, date):
        time = time or slice(_SECOND)
        return _rounded_up(value, time.stop)[time.start :] or _WHOLE_DAY
    return one_line(value)  # a text of the store may hold what a terminal obeys


def _lines(blocks: Iterator[Texts], fitted: _Fitted, *, is_coloured: bool) -> Iterator[str]:
    """Yield the lines of the headings and of each block."""
    numbers: set[str] = set()
    widths = fitted.widths
    for number, block in enumerate(blocks):
        distinct = {name: {*block[name]} for name in widths}
        widths = {name: max(wide, _widest(distinct[name])) for name, wide in widths.items()}
        if number == 0:
            numbers = {
                name for name, texts in distinct.items() if all(_NUMBER.fullmatch(text or "0") for text in texts)
            }
            yield _headings(widths, numbers, is_long=fitted.has_long_headings)
        cells = []
        for name, wide in widths.items():
            texts = {text: _set(text, wide, to_right=name in numbers) for text in distinct[name]}
            if is_coloured:
                texts = {text: painted(cell, colour_of(name, text)) for text, cell in texts.items()}
            cells.append([texts[text] for text in block[name]])
        yield "".join(f"{_GAP.join(row).rstrip()}\n" for row in zip(*cells, strict=True))


def _headings(widths: Mapping[str, int], numbers: Collection[str], *, is_long: bool) -> str:
    parts = [("", name) if is_long or len(name) <= wide else _broken(name) for name, wide in widths.items()]
    lines = [line for line in zip(*parts, strict=True) if any(line)]
    texts = [
        _GAP.join(
            _set(text, wide, to_right=name in numbers) for text, (name, wide) in zip(line, widths.items(), strict=True)
        )
        for line in lines
    ]
    return "".join(f"{text.rstrip()}\n" for text in [*texts, _GAP.join("-" * wide for wide in widths.values())])


def _set(text: str, width: int, *, to_right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if to_right else text + space


def _widest(texts: Iterable[str]) -> int:
    return max(map(_width, {*texts}), default=0)


def _width(text: str) -> int:
    """Return how many characters of a terminal a text takes: two for a wide one, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF") for mark in text)
