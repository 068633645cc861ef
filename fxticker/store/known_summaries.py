"""Known summaries: those of segments that this process has read and that nothing has replaced since.

A reader of the last ticks looks at the footers of twelve months, of which a poll replaces one. Each call lists the
files, so that a replaced one is known by its version.
"""

from __future__ import annotations

from fxticker.errors import Conflict
from fxticker.store.backend import StorageBackend, Version
from fxticker.store.schema import TableSpec
from fxticker.store.segment_file import SegmentSummary, summary_of_file

_MOST = 4096
"""Summaries that are kept at most; some 2 kB each at five pairs."""
_known: dict[tuple[str, str, Version], SegmentSummary] = {}


def known_summary(backend: StorageBackend, name: str, spec: TableSpec, version: Version) -> SegmentSummary:
    """Return the summary of a segment's rows, of a listed version or of one that has replaced it since.

    Raises
    ------
    SegmentUnreadable
        As `summary_of_file`.
    """
    if not backend.is_settled(version):
        return summary_of_file(backend, name, spec)
    key = (str(backend), name, version)
    if (known := _known.get(key)) is not None:
        return known
    try:
        summary = summary_of_file(backend, name, spec, version=version)
    except Conflict:
        return summary_of_file(backend, name, spec)
    if len(_known) >= _MOST:
        _known.clear()
    _known[key] = summary
    return summary
