"""Reader of runs: the printed rates of pairs as polls showed them, with neighbouring equal ones as one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.model.moves import RateRun
from fxticker.model.records import Origin
from fxticker.store.arrow import filter_rows, instant_of, is_in, take, text_codes, to_int64
from fxticker.store.read_recording import rows_beside_damage
from fxticker.store.read_span import Span
from fxticker.store.store import Store

_COLUMNS = ("pair", "observed_at", "rate_text", "change_text", "nominal", "origin")


def read_runs(store: Store, source: str, pairs: Collection[str], span: Span) -> dict[str, list[RateRun]]:
    """Return the runs of pairs that polls of a source showed in a span, by pair, sorted by time.

    One segment is read at a time, so that a month of ticks does not double the memory of a daemon. What damaged
    segments hold is left out.

    Raises
    ------
    SegmentUnreadable
        If a segment cannot be read for another reason than its bytes.
    """
    runs: dict[str, list[RateRun]] = {}
    for rows in _parts(store, source, pairs, span):
        live = filter_rows(rows, is_in(rows.column("origin"), [Origin.LIVE]))
        for run_pair, run in _runs(live):
            runs.setdefault(run_pair, []).append(run)
    # segments of a month may overlap in time
    return {pair: joined(sorted(found, key=lambda run: run.first_at)) for pair, found in runs.items()}


def joined(runs: Collection[RateRun]) -> list[RateRun]:
    """Return runs in order with neighbours of one printed rate as one."""
    result: list[RateRun] = []
    for run in runs:
        if result and (result[-1].rate_text, result[-1].nominal) == (run.rate_text, run.nominal):
            result[-1] = replace(result[-1], last_at=max(result[-1].last_at, run.last_at))
        else:
            result.append(run)
    return result


def rates_shown(store: Store, source: str, pair: str, before: datetime) -> set[str]:
    """Return the printed rates of a pair before an instant, of any origin, however long ago.

    Raises
    ------
    SegmentUnreadable
        As `read_runs`.
    """
    shown: set[str] = set()
    for rows in _parts(store, source, [pair], Span(None, before)):
        texts: dict[str | None, int] = {}
        codes = text_codes(rows.column("rate_text"), texts)
        names = list(texts)  # of all rows of the segment, whatever their pair
        shown.update(str(names[code]) for code in np.unique(codes))
    return shown


def _parts(store: Store, source: str, pairs: Collection[str], span: Span) -> Iterator[pa.Table]:
    """The ticks of pairs in a span that are not retracted, segment by segment."""
    retracted = store.retracted(sources=[source], span=span, beside_damage=True)
    for rows in rows_beside_damage(store.ticks, source, span, columns=_COLUMNS, series=pairs):
        counting = retracted.without(source, rows)
        yield filter_rows(counting, is_in(counting.column("pair"), pairs))


def _runs(rows: pa.Table) -> Iterator[tuple[str, RateRun]]:
    """The runs of each pair of some ticks, each pair's by time."""
    rows = take(rows, np.argsort(to_int64(rows.column("observed_at")), kind="stable"))
    instants, nominals = to_int64(rows.column("observed_at")), to_int64(rows.column("nominal"))
    pairs: dict[str | None, int] = {}
    texts: dict[str | None, int] = {}
    pair_codes, text_of = text_codes(rows.column("pair"), pairs), text_codes(rows.column("rate_text"), texts)
    names = list(texts)
    for pair, code in pairs.items():
        places = np.flatnonzero(pair_codes == code)
        if not len(places):
            continue
        differs = (np.diff(text_of[places]) != 0) | (np.diff(nominals[places]) != 0)
        for part in np.split(places, np.flatnonzero(differs) + 1):
            first, last = instants[part[0]], instants[part[-1]]
            rate_text = str(names[text_of[part[0]]])
            yield (
                str(pair),
                RateRun(rate_text, int(nominals[part[0]]), instant_of(int(first)), instant_of(int(last))),
            )
