"""End of a segment file: the bytes of its footer, read without the rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

END_BYTES = 32_768
"""Bytes that are read at once: a footer of 580 pairs. It has each pair four times, as two lists in two places."""
TRAILER_BYTES = 8
"""Bytes after a Parquet footer: its length in four bytes, and `MAGIC`."""
MAGIC = b"PAR1"
_MAX_FOOTER_BYTES = 4_000_000
"""A footer of some 70,000 pairs; a longer one is damage, or not worth reading without the rows."""


def end_of(file: Any) -> bytes:
    """Return the last bytes of a file, its whole footer among them unless that is damaged.

    Parameters
    ----------
    file
        Open for random reading, with the methods of a pyarrow file.
    """
    data = _last(file, END_BYTES)
    needed = TRAILER_BYTES + int.from_bytes(data[-TRAILER_BYTES : -len(MAGIC)], "little")
    if data.endswith(MAGIC) and len(data) < needed <= min(file.size(), _MAX_FOOTER_BYTES):
        return _last(file, needed)
    return data


def footer_in(data: bytes | pa.Buffer) -> bytes:
    """Return the whole footer in the last bytes of a file, with the trailer after it; empty if there is none."""
    view = memoryview(data)
    if len(view) < TRAILER_BYTES or view[-len(MAGIC) :] != MAGIC:
        return b""
    length = TRAILER_BYTES + int.from_bytes(view[-TRAILER_BYTES : -len(MAGIC)], "little")
    return bytes(view[-length:]) if length <= min(len(view), _MAX_FOOTER_BYTES) else b""


def _last(file: Any, count: int) -> bytes:
    file.seek(max(0, file.size() - count))
    data: bytes = file.read(count)
    return data
