"""Outcomes as of an instant: which ones the store had on record by then.

Files of schema version 1 have no `recorded_at`: their outcomes count from their slots on, which is the earliest that
they can have been recorded. An outcome that `forget` removed was recorded by a clock that was ahead: its stamp is later
than its removal. So there is no instant as of which it counts, nor one as of which the outcome that replaced it does
not.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.store.arrow import filter_rows, microseconds, to_int64, validity


def polls_by(rows: pa.Table, as_of: datetime | None) -> pa.Table:
    """Return the outcomes that were recorded at or before an instant; all for None.

    Parameters
    ----------
    rows
        Outcomes, with their columns `slot` and `recorded_at`.
    as_of
        The instant, aware UTC.
    """
    if as_of is None:
        return rows
    recorded = np.where(_has_value(rows.column("recorded_at")), to_int64(rows.column("recorded_at")), _slots(rows))
    return filter_rows(rows, recorded <= microseconds(as_of))


def _slots(rows: pa.Table) -> np.ndarray:
    return to_int64(rows.column("slot"))


def _has_value(column: pa.ChunkedArray) -> np.ndarray:
    parts = [validity(chunk) for chunk in column.chunks]
    whole = [
        np.ones(len(chunk), bool) if valid is None else valid for chunk, valid in zip(column.chunks, parts, strict=True)
    ]
    return np.concatenate(whole) if whole else np.zeros(0, bool)
