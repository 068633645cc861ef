"""Appending of retractions: only those that change the state of a tick, each later than all before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from fxticker.model.records import Retraction
from fxticker.model.timestamps import MICROSECOND
from fxticker.store.arrow import instant_of, records_of, to_int64
from fxticker.store.partition import partitioned, stamped
from fxticker.store.read_retractions import last_states
from fxticker.store.read_span import read_span
from fxticker.store.segments import SegmentTable

_Identity = tuple[datetime, str, str, str | None]


def append_retractions(table: SegmentTable, retractions: Sequence[Retraction], now: datetime) -> int:
    """Append retractions, and return the number of ticks whose state they changed.

    The caller holds the store's write lock. Without a retraction a tick counts.

    Parameters
    ----------
    table
        The table of retractions.
    retractions
        In order: of several of one tick the last one counts.
    now
        The time of the write, aware UTC.
    """
    by_source: dict[str, dict[_Identity, Retraction]] = defaultdict(dict)
    for retraction in retractions:
        by_source[retraction.source][_identity(retraction)] = retraction
    changed = 0
    for source, wanted in sorted(by_source.items()):
        rows = read_span(table, sources=[source])
        retracted = {
            (row["observed_at"], row["pair"], row["rate_text"], row["change_text"])
            for row in records_of(last_states(rows))
            if row["reason"] is not None
        }
        fresh = [item for key, item in wanted.items() if (item.reason is not None) != (key in retracted)]
        last_us = max(to_int64(rows.column("retracted_at")).tolist(), default=None)
        retracted_at = now if last_us is None else max(now, instant_of(last_us) + MICROSECOND)
        for _, month, part in partitioned(fresh, table.spec):
            changed += table.append(source, month, stamped(part, table.spec, retracted_at))
    return changed


def _identity(retraction: Retraction) -> _Identity:
    return retraction.observed_at, retraction.pair, retraction.rate_text, retraction.change_text
