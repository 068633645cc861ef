"""Text files: a table as CSV, with decimal points and commas or decimal commas and semicolons, and as JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import IO

import pandas as pd

from fxticker.export.columns import rows_of, texts_of, values_of, with_index


def write_csv(frame: pd.DataFrame, file: IO[bytes], *, decimal_comma: bool = False) -> None:
    """Write a table as CSV in UTF-8; a missing value is an empty field.

    Parameters
    ----------
    frame
        The table.
    file
        Where to write.
    decimal_comma
        Write numbers with a decimal comma, and semicolons between fields. Printed texts stay as printed.
    """
    frame = with_index(frame)
    separator, mark = (";", ",") if decimal_comma else (",", ".")
    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(rows_of(frame, lambda column: texts_of(column, mark)))
    text.detach()


def write_json(frame: pd.DataFrame, file: IO[bytes]) -> None:
    """Write a table as a JSON array with an object per row and line; a missing value is null."""
    frame = with_index(frame)
    names = list(frame.columns)
    text = io.TextIOWrapper(file, "utf-8", newline="")
    mark = "[\n"
    for row in rows_of(frame, values_of):
        text.write(mark)
        text.write(json.dumps(dict(zip(names, row, strict=True))))
        mark = ",\n"
    text.write("\n]\n" if len(frame) else "[]\n")
    text.detach()
