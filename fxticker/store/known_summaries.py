"""Known summaries: those of segments that this process has read and that nothing has replaced since.

A reader of the last ticks looks at the footers of twelve months, of which a poll replaces one. Each call lists the
files, so that a replaced one is known by its version.
"""

from __future__ import annotations

from fxticker.errors import Conflict
from fxticker.store.backend import StorageBackend, Version
from fxticker.store.schema import TableSpec
from fxticker.store.segment_file import SegmentSummary, summary_of_file

_MOST = 256
"""Files whose summaries are kept at most, those of 16 sources of a poll a minute: 1 kB each of five pairs, 130 kB of a
thousand."""
_known: dict[tuple[str, str], tuple[Version, SegmentSummary]] = {}
"""Version and summary of a file, by its storage and name."""


def known_summary(backend: StorageBackend, name: str, spec: TableSpec, version: Version) -> SegmentSummary:
    """Return the summary of a segment's rows, of a listed version or of one that has replaced it since.

    Raises
    ------
    SegmentUnreadable
        As `summary_of_file`.
    """
    if not backend.is_settled(version):
        return summary_of_file(backend, name, spec)
    key = (str(backend), name)
    known_version, known = _known.get(key, (None, None))
    if known is not None and known_version == version:
        return known
    try:
        summary = summary_of_file(backend, name, spec, version=version)
    except Conflict:
        return summary_of_file(backend, name, spec)
    if known is None and len(_known) >= _MOST:
        _known.clear()
    _known[key] = version, summary
    return summary
