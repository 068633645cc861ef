"""Saving: any frame that a function returned, as a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fxticker.export.formats import FileForm, write_tables
from fxticker.files import replaced
from fxticker.model.invalid import InvalidArgument

if TYPE_CHECKING:
    import pandas as pd

_TABLE = "rows"
"""Name of the table in a database, and of the sheet in an Excel file."""


def save_frame(
    frame: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    decimal_comma: bool = False,
    sheet_by: str | None = None,
) -> None:
    """Write a frame as CSV, JSON, Parquet, Excel or SQLite, by the file's ending, and replace the file as a whole.

    Parameters
    ----------
    frame
        What a function of fxticker returned. A named index becomes the first column.
    path
        ``.csv``, ``.json`` (both also with ``.gz``), ``.parquet``, ``.xlsx``, ``.sqlite`` or ``.db``.
    decimal_comma
        In CSV write numbers with a decimal comma, and semicolons between fields.
    sheet_by
        In Excel write one sheet for each value of this column, such as ``pair``.

    Notes
    -----
    Excel has no zones: instants become its dates, in the zone that the heading names. In the other formats they are
    text with their zone, or typed. Numbers in CSV have no exponent. Excel and SQLite name the table ``rows``.

    Raises
    ------
    ValueError
        If the file has another ending, does not take `decimal_comma` or `sheet_by`, or a sheet of Excel has too many
        rows.
    MissingExtra
        If Excel's writer is not installed: ``pip install 'fxticker[excel]'``.
    OSError
        If the file cannot be written; it is unchanged then.
    """
    form = FileForm.of(path)
    for name, wanted, of in (("decimal_comma", decimal_comma, "csv"), ("sheet_by", sheet_by is not None, "xlsx")):
        if wanted and form.format != of:
            raise InvalidArgument(f"{name} is for .{of}, not for {path}")
    tables = {_TABLE: frame}
    if form.format == "sqlite":
        from fxticker.export.sqlite import require_replaceable

        require_replaceable(Path(path), tables)
    with replaced(path) as file:
        write_tables(tables, file, form, decimal_comma=decimal_comma, sheet_by=sheet_by)
