"""Segments: which files of the store are published, whole and under a name with their hash."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.errors import SegmentUnreadable
from fxticker.model.timestamps import iso_text
from fxticker.page.site import Site
from fxticker.store.arrow import instant_of
from fxticker.store.read_span import month_of
from fxticker.store.segment_file import CODEC, DAMAGE
from fxticker.store.segment_name import SegmentName
from fxticker.store.segment_summary import summary_in
from fxticker.store.store import Store


def publish_segments(store: Store, site: Site, at: datetime) -> Iterator[dict[str, Any]]:
    """Copy the segments of months up to an instant, and yield the entry of each in the manifest.

    An open segment is copied whole like any other: its next version has another name.

    Raises
    ------
    SegmentUnreadable
        If a file is damaged, or of a codec that no browser reads.
    """
    last_month = month_of(at)
    for table in store.tables:
        for segment in table.segments():
            if segment.month <= last_month:
                yield _publish(store, site, table.spec.name, segment)


def _publish(store: Store, site: Site, table: str, segment: SegmentName) -> dict[str, Any]:
    with store.backend.open(segment.name) as file:
        data: bytes = file.read()
    try:
        metadata = pq.ParquetFile(pa.BufferReader(data)).metadata
        summary = summary_in(metadata)
    except DAMAGE as error:
        raise SegmentUnreadable(segment.name, str(error)) from error
    if summary is None or _codecs(metadata) - {CODEC, "uncompressed"}:
        raise SegmentUnreadable(segment.name, "written by an earlier version: run `fxticker check --rewrite` first")
    stem = f"{table}-{segment.source}-{segment.month}-{segment.number:05}"
    name, sha256 = site.put_object("data", stem, "parquet", data)
    return {
        "file": name,
        "kind": table,
        "source": segment.source,
        "month": segment.month,
        "stored_as": segment.name,
        "rows": summary.rows,
        "first_at": _instant(summary.first) if summary.rows else None,
        "last_at": _instant(summary.last) if summary.rows else None,
        "pairs": list(summary.series),
        "bytes": len(data),
        "sha256": sha256,
    }


def _codecs(metadata: pq.FileMetaData) -> set[str]:
    return {
        metadata.row_group(group).column(column).compression.lower()
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    }


def _instant(microseconds: int) -> str:
    return iso_text(instant_of(microseconds))
