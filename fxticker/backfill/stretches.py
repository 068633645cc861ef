"""Stretches: parts of WARC files that are read apart from each other, in other processes or on other machines.

Nobody knows where a stretch's first record begins before what stands before it is read: a page may hold what looks like
a record. So a stretch is read from the first place that looks like one, and counts only if the stretch before it ends
there; else it is read again from the right place.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from fxticker.backfill.captures import Captures, read_captures
from fxticker.backfill.warc import Allowance, WarcReader, first_record, is_warc
from fxticker.backfill.warc_records import BEGIN, Place
from fxticker.sources.source import Source

STRETCH_BYTES = 8_000_000
"""Bytes of a stretch in the file: 300 packed pages of the site, a third of a second of work."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a WARC file.

    Attributes
    ----------
    path
        Path of the file, absolute: it is opened where the stretch is read.
    begin, end
        Offsets in bytes: the records that begin between them belong to the stretch, `end` not included.
    is_first, is_last
        Whether it is the first one that is read of the file, and whether the file ends with it.
    place
        Place of its first record; `None` if that is not known.
    allowance
        What may be read; `None` allows for what the whole file may take.
    """

    path: str
    begin: int
    end: int
    is_first: bool = True
    is_last: bool = True
    place: Place | None = None
    allowance: Allowance | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be read of the file."""
        return self.begin == self.end

    def __str__(self) -> str:
        return f"{self.path}, bytes {self.begin} to {self.end}"


@dataclass(frozen=True, slots=True)
class StretchRead:
    """What was read of a stretch.

    Attributes
    ----------
    start
        Place of the first record; `None` if there is none.
    next
        Place of the first record that was not read; `None` at the end of the file. It is within the stretch if that has
        more than is read at once.
    used
        What was read of the allowance.
    captures
        The captures.
    """

    start: Place | None
    next: Place | None
    used: Allowance
    captures: Captures


def stretches_of(path: Path, stretch_bytes: int = STRETCH_BYTES) -> Iterator[Stretch]:
    """Yield the stretches of a WARC file in order; none if the file is none.

    Raises
    ------
    OSError
        If it cannot be read.
    ParseError
        As `is_warc`.
    """
    with path.open("rb") as file:
        if not is_warc(file):
            return
        size = file.seek(0, io.SEEK_END)
    for begin in range(0, size, stretch_bytes):
        end = min(begin + stretch_bytes, size)
        yield Stretch(str(path.absolute()), begin, end, begin == 0, end == size, None if begin else BEGIN)


def read_stretch(stretch: Stretch, source: Source, latest: datetime) -> StretchRead:
    """Return the captures of a stretch, or of its first records if it has more than are read at once.

    Parameters
    ----------
    source, latest
        As of `read_captures`.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with Path(stretch.path).open("rb") as file:
        start = stretch.place or first_record(file, stretch.begin, stretch.end)
        if start is None:
            return StretchRead(None, None, Allowance(0, 0, 0), Captures())
        return _read(file, start, stretch, source, latest)


def _read(file: BinaryIO, start: Place, stretch: Stretch, source: Source, latest: datetime) -> StretchRead:
    reader = WarcReader(file, start, stretch.end, allowance=stretch.allowance)
    before = reader.allowance
    first: Captures | None = None
    for captures in read_captures(reader, source, latest):
        if first is None:
            first = captures
            reader.stop()
        else:  # what stands between the last record that was read and the next one
            first.records += captures.records
    assert first is not None  # there is always a part, which may be empty
    return StretchRead(start, reader.next, before.without(reader.allowance), first)
