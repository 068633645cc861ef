"""Excel: a table as an .xlsx file, with instants as Excel's dates, numbers as numbers and texts as texts.

Excel's dates have no zone, so the heading names it. A text is written as a text whatever it begins with: a cell that a
page could turn into a formula would run in the spreadsheet of whoever opens the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import IO, Any

import pandas as pd

from fxticker.errors import MissingExtra
from fxticker.export.columns import kind_of, rows_of, values_of, with_index
from fxticker.model.invalid import InvalidArgument

_MAX_ROWS = 1_048_575
"""Rows of a sheet below its heading: Excel's limit."""
_MAX_NAME_CHARS = 31
_NOT_IN_A_NAME = str.maketrans("/\\?*[]:", "-------")
"""Characters that a sheet's name may not have."""
_FORMATS = {"instant": "yyyy-mm-dd hh:mm:ss", "day": "yyyy-mm-dd", "small": "0.0#########"}
"""Excel's formats by kind of column; others have its default one, which shows 0.00008 as 8E-05 in a narrow column."""
_SMALL = 0.001
"""A column with a number below this has the format for small ones."""
_WIDTHS = {"instant": 24, "day": 12, "number": 18}
_DEFAULT_WIDTH = 12
"""Characters."""
_EPOCH, _DAY = pd.Timestamp("1899-12-30"), pd.Timedelta(days=1)
"""Excel counts days from there; true of all dates from March 1900 on."""

_Write = Callable[[int, int, Any], Any]


def sheets_of(name: str, frame: pd.DataFrame, by: str | None = None) -> dict[str, pd.DataFrame]:
    """Return the sheets of a table: one, or one for each value of a column, as of ``pair``.

    Raises
    ------
    ValueError
        If there is no such column, or a sheet would have more rows than Excel allows.
    """
    frame = with_index(frame)
    if by is not None and by not in frame.columns:
        raise InvalidArgument(f"no column {by}; there are {', '.join(map(str, frame.columns))}")
    parts = {name: frame} if by is None else {str(key): part for key, part in frame.groupby(by, observed=True)}
    for title, part in parts.items():
        if len(part) > _MAX_ROWS:
            raise InvalidArgument(
                f"{title}: {len(part)} rows, and a sheet of Excel has {_MAX_ROWS} at most: choose a shorter span, a "
                "sheet per pair, or CSV or Parquet"
            )
    return {title.translate(_NOT_IN_A_NAME)[:_MAX_NAME_CHARS]: part for title, part in parts.items()}


def write_excel(sheets: Mapping[str, pd.DataFrame], file: IO[bytes]) -> None:
    """Write sheets by name, each with a fixed heading and a filter.

    Rows are packed as they come, so memory grows by the packed file only.

    Raises
    ------
    MissingExtra
        If XlsxWriter is not installed.
    """
    try:
        from xlsxwriter import Workbook
    except ModuleNotFoundError as error:
        raise MissingExtra("an .xlsx file needs XlsxWriter", "excel") from error
    packed = BytesIO()  # some 60 bytes a row; a ZipFile on a full disk fails a second time when it is collected
    with TemporaryDirectory(prefix="fxticker-") as folder:
        book = Workbook(packed, {"constant_memory": True, "tmpdir": folder})
        formats = {kind: book.add_format({"num_format": code}) for kind, code in _FORMATS.items()}
        bold = book.add_format({"bold": True})
        for name, frame in sheets.items():
            _write_sheet(book.add_worksheet(name), frame, formats, bold)
        book.close()
    file.write(packed.getbuffer())


def _write_sheet(sheet: Any, frame: pd.DataFrame, formats: Mapping[str, Any], bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
    writers = []
    for number, name in enumerate(frame.columns):
        kind = kind_of(frame[name])
        form = formats.get("small" if _has_small(frame[name]) else kind)
        sheet.set_column(number, number, _WIDTHS.get(kind, _DEFAULT_WIDTH), form)
        sheet.write_string(0, number, _heading(frame[name]), bold)
        writers.append(_writer(sheet, kind, form))
    for row, values in enumerate(rows_of(frame, _cells), 1):
        for number, (write, value) in enumerate(zip(writers, values, strict=True)):
            if value is not None and write(row, number, value):
                raise InvalidArgument(f"row {row}: Excel takes no text of {len(str(value))} characters")


def _has_small(column: pd.Series) -> bool:
    return kind_of(column) == "number" and bool(column.abs().between(0, _SMALL, inclusive="neither").any())


def _heading(column: pd.Series) -> str:
    return f"{column.name} ({column.dt.tz})" if kind_of(column) == "instant" else str(column.name)


def _cells(column: pd.Series) -> list[Any]:
    """Return what the cells hold, with timestamps as days since Excel's epoch in their zone."""
    kind = kind_of(column)
    if kind == "instant":
        column = column.dt.tz_localize(None)
    if kind in ("instant", "day"):
        return values_of((column - _EPOCH) / _DAY)
    if kind == "number":
        # XlsxWriter writes 16 digits: 0.09433999999999999 of the double nearest to 0.09434, but 0.09434 of the decimal.
        return [None if value is None else Decimal(repr(value)) for value in values_of(column)]
    return values_of(column)


def _writer(sheet: Any, kind: str, form: Any) -> _Write:
    """Return what writes a cell of a column; it returns None or 0 if the cell is written."""
    if kind in ("text", "flag"):
        return sheet.write_string if kind == "text" else sheet.write_boolean  # type: ignore[no-any-return]
    return lambda row, number, value: sheet.write_number(row, number, value, form)
