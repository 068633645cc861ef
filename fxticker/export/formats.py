"""Formats of files: which one a name means, and tables written in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, get_args

from fxticker.model.invalid import InvalidArgument

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["csv", "json", "parquet", "xlsx", "sqlite", "ledger", "hledger", "beancount"]
FORMATS: tuple[Format, ...] = get_args(Format)
PRICES: tuple[Format, ...] = ("ledger", "hledger", "beancount")
"""Formats of price lines; the others hold tables."""
_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".sqlite": "sqlite",
    ".db": "sqlite",
    ".ledger": "ledger",
    ".journal": "hledger",
    ".hledger": "hledger",
    ".beancount": "beancount",
    ".bean": "beancount",
}
_PACKED = ".gz"
_NOT_PACKED = frozenset({"parquet", "xlsx", "sqlite"})
"""Formats with a compression of their own, or that a program opens by its path."""


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a file is written.

    Attributes
    ----------
    format
        Its format.
    is_packed
        Whether it is compressed by gzip.
    """

    format: Format
    is_packed: bool = False

    @classmethod
    def of(cls, name: str | os.PathLike[str], given: Format | None = None) -> FileForm:
        """Return the form that a file's ending means: ``.csv``, ``.csv.gz``, ``.xlsx``.

        Parameters
        ----------
        name
            The file's name.
        given
            The format, whatever the ending means; ``.gz`` compresses all the same.

        Raises
        ------
        ValueError
            If the ending means no format and none is given, or that format cannot be compressed.
        """
        path = Path(name)
        is_packed = path.suffix.lower() == _PACKED
        ending = (path.with_suffix("") if is_packed else path).suffix.lower()
        form = given or _ENDINGS.get(ending)
        if form is None:
            raise InvalidArgument(f"{path}: the ending must be one of {', '.join(_ENDINGS)}, or .csv.gz and the like")
        if is_packed and form in _NOT_PACKED:
            raise InvalidArgument(f"{path}: a file of the format {form} is not compressed by gzip")
        return cls(form, is_packed)


def write_tables(
    tables: Mapping[str, pd.DataFrame],
    file: IO[bytes],
    form: FileForm,
    *,
    decimal_comma: bool = False,
    sheet_by: str | None = None,
) -> None:
    """Write tables, by their name, into an empty file; formats of one table take the first.

    Parameters
    ----------
    tables
        Frames by name.
    file
        A new file with a name.
    form
        Its form, of those that hold tables.
    decimal_comma
        As `write_csv`; ignored by other formats.
    sheet_by
        Column of which each value has a sheet of its own; ignored by all formats but ``xlsx``.
    """
    name, frame = next(iter(tables.items()))
    if form.is_packed:
        # no time and no name in the header: the same table gives the same bytes
        with closing(GzipFile("", "wb", fileobj=file, mtime=0)) as packed:
            write_tables(tables, packed, FileForm(form.format), decimal_comma=decimal_comma)  # type: ignore[arg-type]
    elif form.format == "csv":
        from fxticker.export.text_files import write_csv

        write_csv(frame, file, decimal_comma=decimal_comma)
    elif form.format == "json":
        from fxticker.export.text_files import write_json

        write_json(frame, file)
    elif form.format == "parquet":
        from fxticker.export.columns import with_index

        with_index(frame).to_parquet(file, index=False, write_page_checksum=True)
    elif form.format == "sqlite":
        from fxticker.export.sqlite import write_sqlite

        write_sqlite(tables, file.name)
    elif form.format == "xlsx":
        from fxticker.export.excel import sheets_of, write_excel

        write_excel(sheets_of(name, frame, sheet_by), file)
    else:
        raise InvalidArgument(f"a file of the format {form.format} holds prices: `fxticker export` writes it")


def write_lines(lines: Iterable[str], file: IO[bytes], form: FileForm) -> None:
    """Write lines of text into an empty file."""
    if form.is_packed:
        with closing(GzipFile("", "wb", fileobj=file, mtime=0)) as packed:
            packed.writelines(f"{line}\n".encode() for line in lines)
    else:
        file.writelines(f"{line}\n".encode() for line in lines)
