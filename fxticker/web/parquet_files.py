"""Parquet files: the segments of a store under stable URLs, and a manifest with their hashes.

Only files that the store lists as segments can be named. A segment to which rows are still added is replaced as a
whole, and keeps its name: its ETag is the hash of its bytes, so that several ranges of one version are told from a
mixture by ``If-Match`` or ``If-Range``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fxticker.errors import SegmentUnreadable
from fxticker.model.timestamps import iso_text
from fxticker.store.arrow import instant_of
from fxticker.store.backend import MAX_OBJECT_BYTES, StoredObject
from fxticker.store.segment_summary import SegmentSummary
from fxticker.store.segments import SegmentTable
from fxticker.web.answers import Answer, json_answer
from fxticker.web.errors import Refused, not_found
from fxticker.web.view import View

MEDIA_TYPE = "application/vnd.apache.parquet"
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@dataclass(frozen=True, slots=True)
class _Segment:
    table: SegmentTable
    item: StoredObject
    summary: SegmentSummary

    @property
    def first(self) -> datetime:
        return instant_of(self.summary.first)

    @property
    def last(self) -> datetime:
        return instant_of(self.summary.last)


def manifest(view: View) -> Answer:
    """Answer ``/parquet/manifest.json``: each file with rows, first and last instant, pairs, size and hash."""
    return json_answer({"version": 1, "files": [_entry(view, segment) for segment in _segments(view)]})


def _entry(view: View, segment: _Segment) -> dict[str, Any]:
    data = _bytes(view, segment.item)
    return {
        "file": segment.item.name,
        "rows": segment.summary.rows,
        "first_at": iso_text(segment.first),
        "last_at": iso_text(segment.last),
        "pairs": list(segment.summary.series),
        "sealed": segment.summary.sealed,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def file(view: View, name: str, headers: Mapping[bytes, bytes]) -> Answer:
    """Answer ``/parquet/ticks/source=timesca/month=2025-11/00000.parquet``, whole or a range of it.

    Raises
    ------
    Refused
        404, if it is no segment; 412, if it is not the version of ``If-Match``; 416, if it has no such range.
    """
    segment = next((segment for segment in _segments(view) if segment.item.name == name), None)
    if segment is None:
        raise not_found("manifest.json names the files")
    data = _bytes(view, segment.item)
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    facts: dict[str, Any] = {"media_type": MEDIA_TYPE, "tag": tag, "is_cached": False}
    matches = headers.get(b"if-match", tag.encode()).decode("latin-1")
    if matches != "*" and tag not in [wanted.strip() for wanted in matches.split(",")]:
        raise Refused(412, "precondition failed", "the file was replaced: read manifest.json again")
    accepts = (("accept-ranges", "bytes"),)
    if headers.get(b"if-range", tag.encode()).decode("latin-1") == tag and b"range" in headers:
        span = _span(headers[b"range"].decode("latin-1"), len(data))
        if span is not None:
            content_range = ("content-range", f"bytes {span.start}-{span.stop - 1}/{len(data)}")
            return Answer(data[span.start : span.stop], status=206, headers=(*accepts, content_range), **facts)
    return Answer(data, headers=accepts, **facts)


def _span(text: str, length: int) -> range | None:
    """Return the bytes of a ``Range``; None for one that may be ignored, as several ranges are.

    Raises
    ------
    Refused
        416, if the file has none of them.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        found = range(int(match[1]), min(int(match[2]) + 1, length) if match[2] else length)
        if match[2] and int(match[2]) < int(match[1]):
            return None
    else:
        found = range(max(length - int(match[2]), 0), length)
    if not found:
        raise Refused(416, "range not satisfiable", None, (("content-range", f"bytes */{length}"),))
    return found


def _segments(view: View) -> list[_Segment]:
    """Return the segments of all tables that have rows; of a present that stands still those that end before it."""
    ticks = [_Segment(view.store.ticks, listed.item, listed.summary) for listed in view.catalogue.ticks]
    others = [
        _Segment(table, item, table.summary(segment))
        for table in (view.store.polls, view.store.retractions)
        for item, segment in table.recorded()
    ]
    return [
        segment
        for segment in (*ticks, *others)
        if segment.summary.rows and not (view.is_frozen and segment.last > view.now)
    ]


def _bytes(view: View, item: StoredObject) -> bytes:
    try:
        with view.store.backend.open(item.name) as opened:
            data: bytes = opened.read(MAX_OBJECT_BYTES)
    except OSError as error:
        raise SegmentUnreadable(item.name, error.strerror or str(error)) from error
    return data
