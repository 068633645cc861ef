"""Text tables: read the ticks that `fxticker export`, `history` and `latest` write as CSV or JSON, losslessly.

What counts is the printed text. Numbers beside it are not taken from the file: they follow from the text, and where
one that is given does not, digits were changed since (a spreadsheet makes 0.1084 of 0.10840), and the file is refused.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO, TextIO

import pyarrow as pa

from fxticker.backfill.parquet_files import require_plausible
from fxticker.errors import SchemaMismatch
from fxticker.model.bands import rate_band
from fxticker.model.printed import read_change, read_rate
from fxticker.model.records import Origin
from fxticker.store.arrow import table_of
from fxticker.store.validate import GIVEN, fitting

REQUIRED = (
    "source",
    "pair",
    "observed_at",
    "time_basis",
    "rate_text",
    "nominal",
    "change_text",
    "source_date",
    "origin",
)
"""Columns that a table must have; from these everything else follows."""
_MARKS = frozenset(["observed_at", "pair", "rate_text"])
"""Columns by which a table of ticks is recognised."""
_BATCH_ROWS = 100_000
"""Rows per append, some 200 MB of memory."""
_MAX_LINE_CHARS = 100_000
"""Longest line of CSV, and longest object of JSON, in characters; a tick has some 400."""
_CHUNK_CHARS = 65_536
_BEGIN, _NEXT, _END = (re.compile(rf"\s*+{mark}\s*+") for mark in (r"\[", ",", r"\]"))
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{8,15}(?:Z|[+-][0-9]{2}:[0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNT = re.compile(r"[0-9]{1,9}")
_TOLERANCE = {"rel_tol": 1e-9, "abs_tol": 1e-14}
"""Differences of numbers that come from writing them: JSON exports have 15 decimals."""

_Row = Mapping[str, Any]


def form_of(head: bytes) -> str | None:
    """Return ``csv`` or ``json`` if a file begins as a table of ticks; `None` for other files.

    Raises
    ------
    SchemaMismatch
        If it is such a table with semicolons or tabs, as spreadsheets and `fxticker export --decimal-comma` write.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").decode(errors="replace").lstrip()
    if text.startswith(("[", "{")):
        end = text.find("}")
        return "json" if all(f'"{name}"' in text[: end + 1] for name in _MARKS) and text.startswith("[") else None
    line = text.partition("\n")[0]
    for mark in (",", ";", "\t"):
        if {name.strip().strip('"') for name in line.split(mark)} >= _MARKS:
            if mark != ",":
                raise SchemaMismatch(
                    "a table of ticks with semicolons or tabs, of --decimal-comma or a spreadsheet, which changes "
                    "digits: import an export with commas between fields, or one of .parquet or .json"
                )
            return "csv"
    return None


def text_batches(file: BinaryIO, form: str, latest: datetime, *, batch_rows: int = _BATCH_ROWS) -> Iterator[pa.Table]:
    """Yield the ticks of a table as text, with the columns and types of `Store.append_table`.

    Parameters
    ----------
    file
        At its beginning.
    form
        As from `form_of`.
    latest
        Latest accepted `observed_at`.
    batch_rows
        Rows per table at most.

    Raises
    ------
    SchemaMismatch
        If the file is no such table, is damaged or cut short, if a number does not follow from its text, or if ticks
        are before 1970 or in the future. Tables yielded before are valid.
    """
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    try:
        rows = _csv_rows(text) if form == "csv" else _json_rows(text)
        numbered = enumerate(rows, 1)
        has_rows = False
        while part := [_tick(number, row) for number, row in islice(numbered, batch_rows)]:
            has_rows = True
            table = table_of(part, GIVEN, lambda row, name: row.get(name))
            yield require_plausible(fitting(table), latest)
        if not has_rows:
            raise SchemaMismatch("a table of ticks without rows")
    except (csv.Error, UnicodeError) as error:
        raise SchemaMismatch(f"a table of ticks that cannot be read: {error}") from error
    finally:
        text.detach()


def _csv_rows(text: TextIO) -> Iterator[_Row]:
    reader = csv.reader(iter(lambda: text.readline(_MAX_LINE_CHARS), ""), strict=True)
    names = next(reader)
    if len(set(names)) < len(names):
        raise SchemaMismatch("a table of ticks with two columns of one name")
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(names):
            raise SchemaMismatch(f"line {reader.line_num}: {len(cells)} cells where there are {len(names)} columns")
        yield {name: cell or None for name, cell in zip(names, cells, strict=True)}


def _json_rows(text: TextIO) -> Iterator[_Row]:
    """Yield the objects of an array; only one of them is in memory."""
    decoder = json.JSONDecoder(object_pairs_hook=_distinct)
    buffer, offset, is_first = text.read(_CHUNK_CHARS), 0, True
    while True:
        if match := _BEGIN.match(buffer, offset) if is_first else _NEXT.match(buffer, offset):
            try:
                row, end = decoder.raw_decode(buffer, match.end())
            except (ValueError, RecursionError):
                row = end = None  # perhaps the rest is yet to be read
            if end is not None:
                if not isinstance(row, dict):
                    raise SchemaMismatch("a table of ticks with something else than objects")
                yield row
                offset, is_first = end, False
                continue
        elif not is_first and (match := _END.match(buffer, offset)):
            if buffer[match.end() :].strip() or text.read(_CHUNK_CHARS).strip():
                raise SchemaMismatch("a table of ticks with something behind its end")
            return
        more = text.read(_CHUNK_CHARS)
        if not more or len(buffer) - offset > _MAX_LINE_CHARS:
            raise SchemaMismatch("a table of ticks that is damaged or cut short")
        buffer, offset = buffer[offset:] + more, 0


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(values := dict(pairs)) < len(pairs):
        raise ValueError("a name is given twice")
    return values


def _tick(number: int, row: _Row) -> dict[str, Any]:
    """Return the values of a row by column of the store.

    Raises
    ------
    SchemaMismatch
        If one is missing or invalid; gives the row's number, from 1.
    """
    if missing := [name for name in REQUIRED if name not in row]:
        raise SchemaMismatch(
            f"a table of ticks without {', '.join(missing)}: `fxticker export` writes all that an import needs"
        )
    try:
        return _values(row)
    except (ValueError, OverflowError) as error:
        raise SchemaMismatch(f"row {number} of a table of ticks: {error}") from error


def _values(row: _Row) -> dict[str, Any]:
    texts = {name: _text(row[name]) for name in REQUIRED}
    nominal = texts["nominal"] or ""
    if not _COUNT.fullmatch(nominal):
        raise ValueError(f"nominal {nominal!r}")
    is_constant = texts["origin"] == Origin.CONSTANT
    rate, change_pct, lo, hi = _numbers(texts["rate_text"] or "", int(nominal), texts["change_text"], is_constant)
    for name, value in (("rate", rate), ("change_pct", change_pct), ("rate_lo", lo), ("rate_hi", hi)):
        _require_close(name, row.get(name), value)
    return {
        **texts,
        "observed_at": _instant(texts["observed_at"] or ""),
        "source_date": _day(texts["source_date"]),
        "nominal": int(nominal),
        "rate": rate,
        "change_pct": change_pct,
    }


@lru_cache(10_000)
def _numbers(rate_text: str, nominal: int, change_text: str | None, is_constant: bool) -> tuple[float | None, ...]:  # noqa: FBT001
    """Return rate, change in percent, and the band's bounds."""
    if not nominal:
        raise ValueError("nominal 0")
    rate = float(Fraction(read_rate(rate_text).value) / nominal)
    change_pct = None if change_text is None else float(read_change(change_text).value)
    band = rate_band(rate_text, nominal)
    return (rate, change_pct, rate, rate) if is_constant else (rate, change_pct, float(band.lo), float(band.hi))


def _require_close(name: str, given: object, value: float | None) -> None:
    """Check that a number that a table gives is the one that follows from the printed text."""
    if given is None:
        return
    if value is None or not math.isclose(float(str(given)), value, **_TOLERANCE):
        raise ValueError(f"{name} {str(given)[:40]!r} does not follow from the text: were digits changed?")


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # the nominal
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{str(value)[:40]!r} where a text is expected")


def _instant(text: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"observed_at {text[:40]!r} is no instant with its zone")
    return datetime.fromisoformat(text).astimezone(UTC)


def _day(text: str | None) -> date | None:
    if text is not None and not _DAY.fullmatch(text):
        raise ValueError(f"source_date {text[:40]!r} is no day")
    return None if text is None else date.fromisoformat(text)
