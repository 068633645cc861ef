"""Search for instants whose stored ticks may differ from their evidence, by columns: nearly all of a store's do not.

A year of polls a minute has 2.6 million ticks and some thousand different ones. Each different combination of evidence
and tick is compared once; only instants with one that does not fit are handed on row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.backfill.readings import Readings
from fxticker.model.timestamps import EPOCH
from fxticker.store.arrow import microseconds, records_of, take, text_codes, to_int64, validity, values_of
from fxticker.store.store import Store

_COLUMNS = [
    "observed_at",
    "evidence",
    "pair",
    "rate_text",
    "change_text",
    "nominal",
    "source_date",
    "time_basis",
    "origin",
]
_NO_DATE = np.iinfo(np.int64).min


def instants_to_compare(
    store: Store, source: str, month: str, since: datetime | None, readings: Readings
) -> Iterator[Sequence[dict[str, Any]]]:
    """Yield the rows of each instant of a month that has to be compared in order, with `counts`: is it not retracted.

    Only instants of which a tick names evidence are looked at.

    Raises
    ------
    SegmentUnreadable
        If a file of the month is damaged.
    """
    tables = [store.ticks.open(segment).read(_COLUMNS) for segment in store.ticks.segments(source, month)]
    if not tables:
        return
    rows = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    instants = to_int64(rows.column("observed_at"))
    if not len(instants) or (since is not None and instants.max() < microseconds(since)):
        return
    counting = store.retracted(sources=[source]).counting(source, rows)
    counts = np.ones(len(instants), bool) if counting is None else counting
    wanted = np.isin(instants, _mismatched_instants(rows, instants, counts, readings))
    if since is not None:
        wanted &= instants >= microseconds(since)
    places = np.flatnonzero(wanted)
    places = places[np.argsort(instants[places], kind="stable")]
    records = records_of(take(rows, places))
    for record, does_count in zip(records, counts[places].tolist(), strict=True):
        record["counts"] = does_count
    for _, members in groupby(records, key=lambda record: record["observed_at"]):
        yield list(members)


def _mismatched_instants(rows: pa.Table, instants: np.ndarray, counts: np.ndarray, readings: Readings) -> np.ndarray:
    """The instants with evidence whose rows do not all fit it, that lack one, or that have a retracted one."""
    hashes: dict[str | None, int] = {None: 0}
    pieces = text_codes(rows.column("evidence"), hashes)
    sizes = np.array([_size(sha256, readings) for sha256 in hashes], np.int64)
    distinct, group = np.unique(instants, return_inverse=True)
    largest, smallest = np.zeros(len(distinct), np.int64), np.full(len(distinct), len(hashes), np.int64)
    np.maximum.at(largest, group, pieces)
    np.minimum.at(smallest, group, pieces)
    is_wrong = np.zeros(len(distinct), bool)
    is_wrong[group[~(_fit(rows, pieces, list(hashes), readings) & counts)]] = True
    expected = sizes[largest]
    is_incomplete = (expected >= 0) & (np.bincount(group, minlength=len(distinct)) != expected)
    mismatched: np.ndarray = distinct[(largest > 0) & (is_wrong | is_incomplete | (largest != smallest))]
    return mismatched


def _size(sha256: str | None, readings: Readings) -> int:
    """The number of ticks in a piece of evidence; -1 if that is not known."""
    reading = None if sha256 is None else readings.of(sha256)
    return -1 if reading is None else len(reading.printed())


def _fit(rows: pa.Table, pieces: np.ndarray, hashes: Sequence[str | None], readings: Readings) -> np.ndarray:
    """Which rows their evidence gives exactly so; those whose evidence is not known count as fitting."""
    texts: list[list[str | None]] = []
    keys = [pieces]
    for name in ("pair", "rate_text", "change_text"):
        vocabulary: dict[str | None, int] = {}
        keys.append(text_codes(rows.column(name), vocabulary))
        texts.append(list(vocabulary))
    keys += [to_int64(rows.column("nominal")).astype(np.int64), _days(rows.column("source_date"))]
    combinations, group = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True)
    fits = np.ones(len(combinations), bool)
    for number, (piece, pair, rate, change, nominal, day) in enumerate(combinations.tolist()):
        sha256 = hashes[piece]
        reading = None if sha256 is None else readings.of(sha256)
        if reading is None:
            continue
        tick = reading.printed().get((str(texts[0][pair]), str(texts[1][rate]), texts[2][change]))
        printed = None if reading.snapshot is None else reading.snapshot.source_date
        fits[number] = tick is not None and tick.nominal == nominal and _day(printed) == day
    result: np.ndarray = fits[group.reshape(-1)]
    return result


def _days(column: pa.ChunkedArray) -> np.ndarray:
    """Dates as days since the epoch; `_NO_DATE` where null."""
    parts = []
    for chunk in column.chunks:
        valid, days = validity(chunk), values_of(chunk).astype(np.int64)
        parts.append(days if valid is None else np.where(valid, days, _NO_DATE))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _day(day: date | None) -> int:
    return _NO_DATE if day is None else (day - EPOCH.date()).days
