"""Stored days: the first and the last day of each pair of each source, read from the files at the ends of its span."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from fxticker.model.timestamps import EPOCH, MICROSECOND
from fxticker.store.arrow import filter_rows, instant_of, is_in, to_int64
from fxticker.web.catalogue import Listed
from fxticker.web.view import View


@dataclass(frozen=True, slots=True)
class PairDays:
    """The first and the last UTC day on which a source showed a pair, up to now."""

    source: str
    pair: str
    first: date
    last: date


def stored_days(view: View) -> list[PairDays]:
    """Return the days of all stored pairs; those that are first shown after now are left out."""
    files: dict[tuple[str, str], list[Listed]] = {}
    for listed in view.catalogue.ticks:
        for pair in listed.summary.series:
            files.setdefault((listed.segment.source, pair), []).append(listed)
    now = (view.now - EPOCH) // MICROSECOND
    found = []
    for (source, pair), holding in files.items():
        reached = [listed for listed in holding if listed.summary.first <= now]
        first = _extreme(view, pair, reached[:1], now, is_last=False)
        last = _extreme(view, pair, reversed(reached), now, is_last=True)
        if first is not None and last is not None:
            found.append(PairDays(source, pair, first, last))
    return found


def _extreme(view: View, pair: str, files: Iterable[Listed], now: int, *, is_last: bool) -> date | None:
    """Return the first or the last day of a pair in the first file that has it."""
    for listed in files:
        rows = view.store.ticks.open(listed.segment).read(["pair", "observed_at"])
        instants = to_int64(filter_rows(rows, is_in(rows.column("pair"), [pair])).column("observed_at"))
        instants = instants[instants <= now]
        if len(instants):
            edge = np.max(instants) if is_last else np.min(instants)
            return instant_of(int(edge)).date()
    return None
