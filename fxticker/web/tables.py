"""Tables: rows as a JSON array, as lines of JSON, or as CSV, piece by piece."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fxticker.web.answers import JSON, Answer, dumps, pieces_answer
from fxticker.web.errors import not_found

NDJSON = "application/x-ndjson"
CSV = "text/csv; charset=utf-8"


Rows = Iterable[Sequence[Mapping[str, Any]]]
"""Rows, some at once."""


def table_answer(
    rows: Rows,
    *,
    media_type: str,
    version: Callable[[], str],
    is_long: bool,
    columns: Sequence[str] = (),
    modified: Callable[[], datetime | None] = lambda: None,
    is_empty_good: bool = False,
    why_empty: Callable[[], str] = lambda: "nothing is stored for these days and currencies",
    **facts: Any,
) -> Answer:
    """Return an answer with rows: whole if it is short, else streamed.

    Parameters
    ----------
    rows
        The rows, some at once.
    media_type
        `JSON`, `NDJSON` or `CSV`.
    version
        Returns what changes with the rows.
    is_long
        Stream it, instead of sending it whole.
    columns
        Those of CSV.
    modified
        Returns when the newest of the rows so far was recorded.
    is_empty_good
        Whether no row is an answer too.
    why_empty
        Returns why there is no row, when there is none.
    facts
        Further attributes of the answer.

    Raises
    ------
    Refused
        404, if there is no row; of a long answer when its first piece is computed.
    """
    pieces = _pieces(rows if is_empty_good else _checked(rows, why_empty), media_type, columns)
    return pieces_answer(pieces, version, modified, is_long=is_long, media_type=media_type, **facts)


def _checked(rows: Rows, why_empty: Callable[[], str]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Yield rows; raise what means that there are none when the first are asked for."""
    is_empty = True
    for part in rows:
        if part:
            is_empty = False
            yield part
    if is_empty:
        raise not_found(why_empty())


def _pieces(rows: Rows, media_type: str, columns: Sequence[str]) -> Iterator[bytes]:
    if media_type == CSV:
        head = _csv([dict(zip(columns, columns, strict=True))], columns)
        for part in rows:
            yield head + _csv(part, columns)
            head = b""
        if head:
            yield head
    elif media_type == NDJSON:
        for part in rows:
            yield b"".join(dumps(row) + b"\n" for row in part)
    else:
        assert media_type == JSON
        mark = b"["
        for part in rows:
            if part:
                yield mark + dumps(list(part))[1:-1]
                mark = b","
        yield b"[]" if mark == b"[" else b"]"


def _csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(["" if row.get(name) is None else row[name] for name in columns] for row in rows)
    return text.getvalue().encode()
