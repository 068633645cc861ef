"""Segment name: path of a segment inside the store, and its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fxticker.errors import SegmentUnreadable

_MAX_NUMBER = 99_999
_SEGMENT_NAME = re.compile(
    r"(?P<table>[a-z]+)/source=(?P<source>[a-z][a-z0-9_-]{0,63})"
    r"/month=(?P<month>(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2]))/(?P<number>[0-9]{5})\.parquet"
)


@dataclass(frozen=True, slots=True)
class SegmentName:
    """A segment's name and its parts.

    Attributes
    ----------
    name
        Path inside the store.
    source, month, number
        Source id, month of the rows as ``"2025-11"``, position in the partition from 0.
    """

    name: str
    source: str
    month: str
    number: int


def segment_name(name: str, table: str) -> SegmentName | None:
    """Parse the name of an object; None if it is not that of a segment of a table."""
    match = _SEGMENT_NAME.fullmatch(name)
    if match is None or match["table"] != table:
        return None
    return SegmentName(name, match["source"], match["month"], int(match["number"]))


def numbered(partition: str, number: int) -> str:
    """Return the name of a segment of a partition.

    Raises
    ------
    SegmentUnreadable
        If no number is left: a longer one would be no segment's name.
    """
    if number > _MAX_NUMBER:
        raise SegmentUnreadable(partition, f"it has a segment with the last number, {_MAX_NUMBER}")
    return f"{partition}/{number:05}.parquet"
