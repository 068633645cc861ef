"""Captures of a source's pages in WARC files on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import httpx

from fxticker.backfill.archive import ticks_of
from fxticker.backfill.cdx import is_page_of, site_of
from fxticker.backfill.warc import read_warc
from fxticker.backfill.warc_page import DamagedRecord, SkippedRecord, WarcPage
from fxticker.model.records import Tick
from fxticker.model.schedule import EPOCH
from fxticker.sources import Source


def read_captures(
    path: Path, source: Source, latest: datetime
) -> Iterator[Sequence[Tick] | SkippedRecord | DamagedRecord]:
    """The ticks of each page of the source's site in a WARC file, none where a page shows no ticker that can be read.

    Responses that are no pages of the site, of other hosts, types or statuses, are skipped.

    Parameters
    ----------
    latest
        A record that is later is of the future, and so damaged.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    site = site_of(source.url)
    with path.open("rb") as file:
        for record in read_warc(file, lambda url: is_page_of(site, url)):
            if not isinstance(record, WarcPage):
                yield record
            elif not EPOCH <= record.at <= latest:
                yield DamagedRecord(record.offset, f"captured at {record.at}: before 1970 or in the future")
            elif record.http_status != httpx.codes.OK or record.media_type not in source.media_types:
                yield SkippedRecord()
            elif record.body is None:
                yield DamagedRecord(record.offset, f"content encoding {record.encoding[:60]!r} is not read")
            else:
                yield ticks_of(source, record.body, record.headers, record.at) or ()
