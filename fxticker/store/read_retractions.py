"""Reader of retractions: which ticks of a source are retracted as of an instant, so that readers leave them out.

The last retraction of a tick decides: one with a reason retracts it, one without a reason lets it count again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.store.arrow import filter_rows, microseconds, take, text_codes, to_int64
from fxticker.store.dedupe import first_of_identity
from fxticker.store.read_recording import rows_beside_damage
from fxticker.store.read_span import ALL_TIME, Span, read_span
from fxticker.store.schema import TICKS
from fxticker.store.segments import SegmentTable


@dataclass(frozen=True, slots=True)
class Retracted:
    """Retracted ticks: by source, the identity of each of them once."""

    identities: Mapping[str, pa.Table]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of ticks that `counting` needs; none if nothing is retracted."""
        return TICKS.identity if self.identities else ()

    def counting(self, source: str, rows: pa.Table) -> np.ndarray | None:
        """Return which ticks of a source count, a bool each; None if all of them do."""
        retracted = self.identities.get(source)
        if retracted is None:
            return None
        near = np.isin(to_int64(rows.column("observed_at")), to_int64(retracted.column("observed_at")))
        if not near.any():
            return None
        places = np.flatnonzero(near)
        counting = ~near
        counting[places[first_of_identity([retracted], take(rows.select(TICKS.identity), places), TICKS)]] = True
        return counting

    def without(self, source: str, rows: pa.Table) -> pa.Table:
        """Return those ticks of a source that count."""
        counting = self.counting(source, rows)
        return rows if counting is None else filter_rows(rows, counting)


NOTHING_RETRACTED = Retracted({})


def read_retracted(
    table: SegmentTable,
    *,
    sources: Collection[str] | None = None,
    span: Span = ALL_TIME,
    as_of: datetime | None = None,
    beside_damage: bool = False,
) -> Retracted:
    """Return the ticks that are retracted. A store without retractions costs one look at a folder.

    Parameters
    ----------
    table
        The table of retractions.
    sources, span
        Only ticks of these sources, and in this span; all by default.
    as_of
        The state at this instant; the present one by default.
    beside_damage
        Whether damaged files, and files that are no segments, are left out: for those that record and watch.

    Raises
    ------
    SegmentUnreadable
        If a file of retractions that has to be read is damaged.
    """
    identities = {}
    for source in table.sources():
        if sources is None or source in sources:
            rows = last_states(_rows(table, source, span, beside_damage=beside_damage), as_of=as_of)
            retracted = _has_reason(rows)
            if retracted.any():
                identities[source] = filter_rows(rows, retracted).select(TICKS.identity)
    return Retracted(identities) if identities else NOTHING_RETRACTED


def _rows(table: SegmentTable, source: str, span: Span, *, beside_damage: bool) -> pa.Table:
    if beside_damage:
        empty = pa.Table.from_batches([], table.spec.schema)
        return pa.concat_tables([empty, *rows_beside_damage(table, source, span)])
    return read_span(table, sources=[source], span=span)


def last_states(rows: pa.Table, *, as_of: datetime | None = None) -> pa.Table:
    """Return of each tick's retractions the last one up to an instant, given all of a source."""
    if as_of is not None:
        rows = filter_rows(rows, to_int64(rows.column("retracted_at")) <= microseconds(as_of))
    newest_first = take(rows, np.argsort(-to_int64(rows.column("retracted_at")), kind="stable"))
    return take(newest_first, first_of_identity([], newest_first, TICKS))


def _has_reason(rows: pa.Table) -> np.ndarray:
    vocabulary: dict[str | None, int] = {None: 0}
    result: np.ndarray = text_codes(rows.column("reason"), vocabulary) != 0
    return result
