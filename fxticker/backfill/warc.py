"""WARC files: read the response records of crawlers' archives in bounded memory.

Format: ISO 28500, iipc.github.io/warc-specifications.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from fxticker.backfill.warc_page import DAMAGE, DamagedRecord
from fxticker.backfill.warc_records import BEGIN, BLOCK_BYTES, Exhausted, Place, Record, Records
from fxticker.errors import ParseError, one_line
from fxticker.fetch import zstd
from fxticker.fetch.gzip import MARK, first_bytes

MAX_ATTEMPTS = 10_000
"""Positions after damage at which reading is resumed at most: gzip's first bytes occur in 16 MB by chance once."""
WASTED_WORK, WASTED_SLACK_BYTES = 4, 16_000_000
"""Bytes of a packed file that damage may waste per byte of the file, and additional bytes allowed for a small file: a
file in which each member is damaged wastes one per byte, members within each other waste their common end each time."""
_MAX_MARKS, _MAX_BLOCKS = 1000, 1000
"""Places that are tried for the first record of a stretch, and blocks of a zstd frame there; a file with more is read
from its begin."""
WARC = b"WARC/"
"""First bytes of a record."""
_PLAIN_WORK, _PLAIN_SLACK_BYTES = 4, 64_000_000
_PACKED_WORK, _PACKED_SLACK_BYTES = 100, 1_000_000_000
"""Unpacked bytes read per byte of the file at most, and additional bytes allowed for a small file: pages compress to a
tenth, a gzip bomb to a thousandth."""


def is_warc(file: BinaryIO) -> bool:
    """Whether a seekable file begins as a WARC file, packed or not.

    Raises
    ------
    ParseError
        If it is packed with a zstd dictionary, so that this cannot be known.
    """
    file.seek(0)
    return _is_record(file)


def _is_record(file: BinaryIO, max_blocks: int | None = None) -> bool:
    begin = file.tell()
    head = file.read(BLOCK_BYTES)
    if not zstd.is_zstd(head):
        return first_bytes(head, len(WARC)) == WARC
    file.seek(begin)
    try:
        with io.BufferedReader(zstd.ZstdReader(file, max_blocks=max_blocks)) as reader:
            return reader.read(len(WARC)) == WARC
    except zstd.NeedsDictionary as error:
        raise ParseError(f"{error}: unpack it with the zstd program") from error
    except ValueError:
        return False


def read_warc(
    file: BinaryIO,
    wanted: Callable[[str], bool] = lambda url: True,
    *,
    packed_slack_bytes: int = _PACKED_SLACK_BYTES,
    packed_bytes: int | None = None,
) -> Iterator[Record]:
    """Yield the responses and revisits of a WARC file in file order: see `WarcReader`."""
    reader = WarcReader(file, packed_bytes=packed_bytes, packed_slack_bytes=packed_slack_bytes)
    yield from reader.records(wanted)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be read of a file.

    Attributes
    ----------
    unpacked_bytes
        Unpacked bytes.
    wasted_bytes
        Bytes of a packed file that are read from the begin of a damaged record to its damage: they are read again where
        reading is resumed.
    attempts
        Positions after damage at which reading is resumed.
    """

    unpacked_bytes: int
    wasted_bytes: int
    attempts: int = MAX_ATTEMPTS

    def without(self, used: Allowance) -> Allowance:
        """Return what is left; below zero if more was used."""
        return Allowance(
            self.unpacked_bytes - used.unpacked_bytes,
            self.wasted_bytes - used.wasted_bytes,
            self.attempts - used.attempts,
        )

    @property
    def is_kept(self) -> bool:
        """Whether no more was used than there was."""
        return min(self.unpacked_bytes, self.wasted_bytes, self.attempts) >= 0

    @property
    def refusal(self) -> str:
        """Why reading is not resumed after damage; empty if it is."""
        if self.attempts <= 0:
            return f"more than {MAX_ATTEMPTS} damaged positions: the rest is left out"
        return "damage takes more reading than the limit: the rest is left out" if self.wasted_bytes < 0 else ""


class WarcReader:
    """Reads a WARC file, or a stretch of it; after damage, reading resumes at the next record.

    Parameters
    ----------
    file
        Seekable file.
    place
        Where to begin.
    end
        Offset in bytes: records that begin there or behind are not read; `None` reads to the end of the file.
    allowance
        What may still be read; `None` allows for what a file of this size may take.
    packed_bytes
        Size of the file that this one was unpacked from; `None` if it was not.
    packed_slack_bytes
        Unpacked bytes allowed for a packed file in addition to the limit per packed byte.

    Attributes
    ----------
    next
        Once the records are read: place of the first one that is not; `None` at the end of the file.
    allowance
        What may still be read after that.
    """

    def __init__(
        self,
        file: BinaryIO,
        place: Place = BEGIN,
        end: int | None = None,
        *,
        allowance: Allowance | None = None,
        packed_bytes: int | None = None,
        packed_slack_bytes: int = _PACKED_SLACK_BYTES,
    ) -> None:
        self._file = file
        self._mark = _mark_of(file)
        self._end = end
        self.next: Place | None = place
        self.allowance = allowance or allowance_of(file, packed_bytes, packed_slack_bytes)
        self._records: Records | None = None

    def stop(self) -> None:
        """Read no further record than the present one."""
        self._end = 0
        if self._records:
            self._records.end = 0

    def records(self, wanted: Callable[[str], bool] = lambda url: True) -> Iterator[Record]:
        """Yield the responses and revisits in file order.

        Parameters
        ----------
        wanted
            Whether the response of a URL is read; others are skipped.
        """
        while (place := self.next) is not None and (self._end is None or place.offset < self._end):
            if reason := self.allowance.refusal:
                self.next = None
                yield DamagedRecord(place.offset, reason)
                return
            self._records = records = Records(self._file, self._mark, place, self.allowance.unpacked_bytes)
            records.end = self._end
            is_reported, used = place.is_damaged, Allowance(0, 0, 0)
            try:
                for record in records.pages(wanted):
                    is_reported = False
                    yield record
                self.next = records.next
            except Exhausted as error:
                self.next = None
                yield DamagedRecord(records.begin, one_line(error))
            except DAMAGE as error:
                if not is_reported:  # positions after it that are no records belong to the same damage
                    yield DamagedRecord(records.begin, one_line(error))
                begin = _next_mark(self._file, records.begin + 1, self._mark or b"\n" + WARC)
                self.next = None if begin is None else Place(begin, is_damaged=True)
                used = Allowance(0, records.work, 1)
            self.allowance = replace(self.allowance, unpacked_bytes=records.left).without(used)


def _mark_of(file: BinaryIO) -> bytes | None:
    """Return the first bytes of each gzip member or zstd frame of a file; `None` if it is not packed."""
    file.seek(0)
    head = file.read(len(zstd.MARK))
    return MARK if head.startswith(MARK) else zstd.MARK if zstd.is_zstd(head) else None


def allowance_of(
    file: BinaryIO, packed_bytes: int | None = None, packed_slack_bytes: int = _PACKED_SLACK_BYTES
) -> Allowance:
    """Return what may be read of a whole file; parameters as of `WarcReader`."""
    size = file.seek(0, io.SEEK_END)
    if _mark_of(file) is not None:
        return most_allowed(size if packed_bytes is None else packed_bytes, packed_slack_bytes)
    return replace(most_allowed(size), unpacked_bytes=_PLAIN_WORK * size + _PLAIN_SLACK_BYTES)


def most_allowed(size_bytes: int, packed_slack_bytes: int = _PACKED_SLACK_BYTES) -> Allowance:
    """Return what may be read of a packed file of a size; of other files less may be read."""
    return Allowance(_PACKED_WORK * size_bytes + packed_slack_bytes, WASTED_WORK * size_bytes + WASTED_SLACK_BYTES)


def first_record(file: BinaryIO, begin: int, end: int) -> Place | None:
    """Return the first place between two offsets where a record seems to begin; `None` if there is none.

    It may lie in a record that holds a WARC file.
    """
    mark = _mark_of(file)
    for _ in range(_MAX_MARKS):
        offset = _next_mark(file, begin, mark or b"\n" + WARC)
        if offset is None or offset >= end:
            return None
        file.seek(offset)
        if mark is None or _is_record(file, _MAX_BLOCKS):
            return Place(offset)
        begin = offset + 1
    return None


def _next_mark(file: BinaryIO, begin: int, mark: bytes) -> int | None:
    """Return the offset of the next mark from `begin` on, after the mark's own line break; `None` if there is none."""
    begin -= 1 if mark.startswith(b"\n") else 0
    file.seek(begin)
    window = b""
    while data := file.read(BLOCK_BYTES * 16):
        window = window[-len(mark) :] + data
        position = window.find(mark)
        if position >= 0:
            return file.tell() - len(window) + position + (1 if mark.startswith(b"\n") else 0)
    return None
