"""Segments of one table of the store: listed, opened, and appended to by `SegmentWriter`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from fxticker.errors import SegmentUnreadable
from fxticker.store.backend import StorageBackend, StoredObject, Version
from fxticker.store.damage import DamageLog
from fxticker.store.known_files import T, known
from fxticker.store.schema import TableSpec
from fxticker.store.segment_file import SegmentFile, summary_of_file
from fxticker.store.segment_name import SegmentName, segment_name
from fxticker.store.segment_summary import SegmentSummary
from fxticker.store.segment_writer import SegmentWriter, listed

__all__ = ["SEGMENT_ROWS", "SegmentName", "SegmentTable"]

SEGMENT_ROWS = 50_000
"""Rows at which a segment is sealed. At one poll a minute that makes 301 files in 5 years, which load within 1.3 times
the time of one file a year (measured on 13 million rows), while a rewrite of the open one takes a few milliseconds."""


class SegmentTable:
    """One table of the store: ticks, polls or retractions.

    Parameters
    ----------
    backend
        Storage of the segments.
    spec
        Columns, identity and order.
    segment_rows
        Number of rows at which a segment is sealed.

    Attributes
    ----------
    damage
        Damaged segments, and files that are none, that recording came upon.
    """

    def __init__(self, backend: StorageBackend, spec: TableSpec, segment_rows: int = SEGMENT_ROWS) -> None:
        self._backend = backend
        self.spec = spec
        self.damage = DamageLog()
        self._writer = SegmentWriter(backend, spec, segment_rows, self.damage)

    def sources(self) -> list[str]:
        """Return the sources that have a folder, sorted."""
        return _values_of("source", self._backend.folders(self.spec.name))

    def months(self, source: str) -> list[str]:
        """Return the months of a source that have a folder, ``"2025-11"``, sorted."""
        return _values_of("month", self._backend.folders(f"{self.spec.name}/source={source}"))

    def segments(self, source: str | None = None, month: str | None = None) -> list[SegmentName]:
        """Return the segments of the table, of a source, or of one month of a source, sorted by name.

        Raises
        ------
        SegmentUnreadable
            If a file is no segment: plain readers of the folder would fail on it.
        """
        return [segment for segment, _ in self.versions(source, month)]

    def versions(self, source: str | None = None, month: str | None = None) -> list[tuple[SegmentName, Version]]:
        """Return segments as `segments` does, with the versions of their files."""
        objects = self._backend.list(self._folder(source, month))
        return [(self.segment_of(item.name), item.version) for item in objects]

    def recorded(self, source: str | None = None, month: str | None = None) -> list[tuple[StoredObject, SegmentName]]:
        """Return segments as `segments` does, with their objects; files that are none are noted and left out.

        For those that record and watch: they go on beside files that readers refuse.
        """
        return listed(self._backend, self.spec.name, self._folder(source, month), self.damage)

    def _folder(self, source: str | None, month: str | None) -> str:
        if source is None:
            return self.spec.name
        return f"{self.spec.name}/source={source}" + (f"/month={month}" if month is not None else "")

    def segment_of(self, name: str) -> SegmentName:
        """Parse the name of an object of the table's folder.

        Raises
        ------
        SegmentUnreadable
            If it is not the name of a segment of this table.
        """
        segment = segment_name(name, self.spec.name)
        if segment is None:
            raise SegmentUnreadable(name, "not the name of a segment")
        return segment

    def open(self, segment: SegmentName) -> SegmentFile:
        """Open a segment's file and read its footer.

        Raises
        ------
        SegmentUnreadable
            If the file is damaged or of a schema that this version cannot read.
        """
        return SegmentFile(self._backend, segment.name, self.spec)

    def summary(self, segment: SegmentName, version: Version | None = None) -> SegmentSummary:
        """Return the summary of a segment's rows; of a sound file only the end is read.

        With the version that was listed, a file that this process has read in that version is not opened.

        Raises
        ------
        SegmentUnreadable
            As `open`.
        """
        if version is None:
            return summary_of_file(self._backend, segment.name, self.spec)

        def read(version: Version | None) -> SegmentSummary:
            return summary_of_file(self._backend, segment.name, self.spec, version=version)

        return known(self._backend, segment.name, version, "summary", read)

    def known(self, segment: SegmentName, version: Version, read: Callable[[SegmentFile], T]) -> T:
        """Return what a named function makes of a segment, kept until the listed version of its file is replaced.

        Raises
        ------
        SegmentUnreadable
            As `open`.
        """

        def opened(version: Version | None) -> T:
            return read(SegmentFile(self._backend, segment.name, self.spec, version=version))

        return known(self._backend, segment.name, version, read.__qualname__, opened)

    def append(self, source: str, month: str, rows: pa.Table, *, beside_damage: bool = False) -> int:
        """Append the rows whose identity is not stored yet, and return their number: `SegmentWriter.append`."""
        return self._writer.append(f"{self.spec.name}/source={source}/month={month}", rows, beside_damage=beside_damage)


def _values_of(key: str, folders: Sequence[str]) -> list[str]:
    return [name.removeprefix(f"{key}=") for name in folders if name.startswith(f"{key}=")]
