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
from fxticker.cli.columns import Column, LookedUp, Plain, Reference, Tick
from fxticker.cli.fitting import DAY, GAP, Fitted, broken, fitted
from fxticker.cli.zones import blocks_with_days, zone_text
from fxticker.errors import one_line
from fxticker.model.formatting import short_text
from fxticker.model.timestamps import rounded_up

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 80
"""Characters of a line of a terminal, as it opens."""
_NO_BREAK = "\N{NO-BREAK SPACE}"
_NUMBER = re.compile(r"-?[0-9.]+%?")
_DAYS = re.compile(r"day|start_at|official_at|\w+_date")
"""Headings of days, value dates included, and of periods, which begin at midnight."""
_MINUTE, _SECOND = 16, 19
"""Characters of ``2025-11-14 12:00:00`` up to the minute and the second."""
_STEPS = {_MINUTE: timedelta(minutes=1), _SECOND: timedelta(seconds=1)}
"""To what an instant is rounded up that is cut at these characters."""
_LAST_MINUTE, _LAST_SECOND = "23:59:00", "23:59:59"
"""Between these the minute has no room to be rounded up; the last second of a day stands for its end."""
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
    looked_up = {column.name for column in columns if isinstance(column, LookedUp)}
    ranges = {name: _range_of(rows, name, is_looked_up=name in looked_up) for name in needed}
    times = _times(ranges)
    blocks = (_texts(block, columns, times) for block in blocks_with_days(rows, needed))
    first: Texts = next(blocks, {name: [] for column in columns for name in column.needs})
    widest = {name: _widest(texts) for name, texts in first.items()}
    alone = {column.name for column in columns if isinstance(column, Plain | Reference)}
    constants = [name for name, each in ranges.items() if each.is_constant and name in alone]
    days_stand_first = {name for name, time in times.items() if not time.start}
    instants = {column.name for column in columns if isinstance(column, Tick)} & days_stand_first
    fit = fitted(widest, constants, instants, width, is_one=len(rows) == 1)
    head = {name: first[name][0] or "(none)" for name in fit.head}
    head |= {name: min(ranges[name].days) for name, time in times.items() if time.start and name in fit.widths}
    values = (
        value for block in islice(blocks_with_days(rows, needed), 1) for column in block.values() for value in column
    )
    if zone := zone_text(values):
        head["times"] = zone
    # joined by what is no space to `wrap`, so that no line ends within a part
    common = ", ".join(f"{name} {text}".replace(" ", _NO_BREAK) for name, text in head.items())
    for line in wrap(common, width or WIDTH, break_long_words=False, break_on_hyphens=False):
        print(line.replace(_NO_BREAK, " "))
    cut = (
        texts | {name: [text[:DAY] for text in texts[name]] for name in fit.days} for texts in chain([first], blocks)
    )
    for lines in _lines(cut, fit, is_coloured=is_coloured):
        sys.stdout.write(lines)
    return fit.left_out


@dataclass(frozen=True, slots=True)
class _Range:
    """What the values of a column have in common; of instants the days, and how many characters tell them apart.

    `only` is the instant that all are, and `needs_seconds` whether one is of a look-up within a minute.
    """

    is_constant: bool
    days: frozenset[str] = frozenset()
    finest: int = 0
    only: date | None = None
    needs_seconds: bool = False


def _range_of(rows: pd.DataFrame | Records, name: str, *, is_looked_up: bool) -> _Range:
    seen, days, finest, needs_seconds = set[Any](), set[str](), 0, False
    for block in blocks_with_days(rows, [name]):
        values = {*block[name]}
        times = {value for value in values if isinstance(value, date)}
        seen |= values if len(seen) < 2 else set()  # noqa: PLR2004  two are not the same
        if len(seen) > 1 and not times and not finest:
            break
        days |= {str(value)[:DAY] for value in times}
        finest = max(finest, _finest(times) if times else 0)
        needs_seconds = needs_seconds or (is_looked_up and any(map(_has_seconds, times)))
    only = next(iter(seen)) if finest and len(seen) == 1 else None
    return _Range(len(seen) == 1, frozenset(days if None not in seen else ()), finest, only, needs_seconds)


def _finest(values: Collection[date]) -> int:
    """Return how many characters tell these instants apart: those of the day only if all are days or midnights."""
    minutes = {_rounded_up(value, _MINUTE) for value in values}
    if len(minutes) < len(values) and len(minutes) < len({_rounded_up(value, _SECOND) for value in values}):
        return _SECOND
    last = (_rounded_up(value, _SECOND)[DAY + 1 :] for value in values if _is_last_minute(value))
    if any(_LAST_MINUTE < text < _LAST_SECOND for text in last):
        return _SECOND
    return DAY if all(text[DAY:] in ("", " 00:00") for text in minutes) else _MINUTE


def _is_last_minute(value: date) -> bool:
    return isinstance(value, datetime) and (value.hour, value.minute) == (23, 59)


def _has_seconds(value: date) -> bool:
    text = str(value)[:_SECOND]
    return not text.endswith(":00") and text[DAY + 1 :] not in ("", _LAST_SECOND)


def _rounded_up(value: date, size: int) -> str:
    """Return so many characters of an instant, rounded up: what is shown there had not been there any earlier.

    One whose next minute or second is of another day is not rounded.
    """
    if isinstance(value, datetime) and size in _STEPS and (value.microsecond or value.second):  # else it is whole
        value = rounded_up(value, _STEPS[size])
    return str(value)[:size]


def _times(ranges: Mapping[str, _Range]) -> dict[str, slice]:
    """Return what is shown of each column's instants: as little as tells those of a table apart, no day they share."""
    is_day = {name: each.finest == DAY and _DAYS.fullmatch(name) for name, each in ranges.items()}
    instants = {name: each for name, each in ranges.items() if each.finest and not is_day[name]}
    finest = max((each.finest for each in instants.values()), default=DAY)
    only = {each.only for each in instants.values() if isinstance(each.only, datetime)}
    if any(each.needs_seconds for each in instants.values()):
        finest = _SECOND
    elif only:
        finest = max(finest, _finest(only))
    times = {name: slice(DAY) for name, each in ranges.items() if each.finest}
    for name, each in instants.items():
        is_one_day = finest > DAY and len(each.days) == 1 and not each.is_constant
        times[name] = slice(DAY + 1 if is_one_day else 0, finest)
    return times


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


def _lines(blocks: Iterator[Texts], fit: Fitted, *, is_coloured: bool) -> Iterator[str]:
    """Yield the lines of the headings and of each block."""
    numbers: set[str] = set()
    widths = fit.widths
    for number, block in enumerate(blocks):
        distinct = {name: {*block[name]} for name in widths}
        widths = {name: max(wide, _widest(distinct[name])) for name, wide in widths.items()}
        if number == 0:
            numbers = {
                name for name, texts in distinct.items() if all(_NUMBER.fullmatch(text or "0") for text in texts)
            }
            yield _headings(widths, numbers, is_long=fit.has_long_headings)
        cells = []
        for name, wide in widths.items():
            texts = {text: _set(text, wide, to_right=name in numbers) for text in distinct[name]}
            if is_coloured:
                texts = {text: painted(cell, colour_of(name, text)) for text, cell in texts.items()}
            cells.append([texts[text] for text in block[name]])
        yield "".join(f"{GAP.join(row).rstrip()}\n" for row in zip(*cells, strict=True))


def _headings(widths: Mapping[str, int], numbers: Collection[str], *, is_long: bool) -> str:
    parts = [("", name) if is_long or len(name) <= wide else broken(name) for name, wide in widths.items()]
    lines = [line for line in zip(*parts, strict=True) if any(line)]
    texts = [
        GAP.join(
            _set(text, wide, to_right=name in numbers) for text, (name, wide) in zip(line, widths.items(), strict=True)
        )
        for line in lines
    ]
    return "".join(f"{text.rstrip()}\n" for text in [*texts, GAP.join("-" * wide for wide in widths.values())])


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
