"""Thinned ticks: of each period the last instants alone, so that a range of years takes the memory of a day.

Ten years at a poll every two minutes are 13 million ticks, and the rates of their days follow from 20,000 of them. The
rest is dropped while each file is read; how many instants there were is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from fxticker.analysis.periods import Freq, period_of
from fxticker.frames.load import load_thinned
from fxticker.model.pairs import THROUGH, currencies_of, legs_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.store.arrow import is_in, text_codes, to_int64
from fxticker.store.read_span import Span
from fxticker.store.store import Store

COLUMNS = (
    "source",
    "pair",
    "observed_at",
    "time_basis",
    "rate",
    "rate_text",
    "nominal",
    "recorded_at",
    "origin",
)
"""What a rate is derived from."""


class Thinned:
    """Ticks of one source in a span, thinned for some pairs and periods.

    Attributes
    ----------
    frame
        The columns `COLUMNS`: of each pair the rows at the last instant of each period at which it, or both ticks that
        it follows from, were shown, and all rows of which only the date is known.
    """

    def __init__(
        self,
        store: Store,
        source: str,
        pairs: Sequence[str],
        start: datetime,
        end: datetime,
        freq: Freq,
        as_of: datetime | None,
    ) -> None:
        self._freq: Freq = freq
        self._span = Span(start, end)
        self._ways = {pair: ways_of(pair) for pair in pairs}
        self._shown: dict[str, list[np.ndarray]] = {pair: [] for pair in pairs}
        legs = tuple(sorted({leg for pair in pairs for leg in legs_of(pair)}))
        wanted = Selection(pairs=legs, sources=(source,), start=start, end=end, as_of=as_of)
        self.frame: pd.DataFrame = load_thinned(store, wanted, columns=COLUMNS, thin=self._thin)

    def looks(self, pair: str) -> dict[int, int]:
        """Return by the number of each period how many instants of it have a rate of a pair."""
        instants = _union(self._shown[pair])
        numbers, counts = np.unique(period_of(instants.view("M8[us]"), self._freq), return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))

    def _thin(self, rows: pa.Table, counting: np.ndarray | None) -> np.ndarray:
        """Return which rows of a file to keep."""
        instants = to_int64(rows.column("observed_at"))
        counts = self._span.within(instants)
        if counting is not None:
            counts &= counting
        is_date = is_in(rows.column("time_basis"), [TimeBasis.DATE])
        has_period = counts & ~is_date if self._freq == "hour" else counts  # a date is of no hour
        vocabulary: dict[str | None, int] = {}
        codes = text_codes(rows.column("pair"), vocabulary)
        of_pair = {
            pair: np.unique(instants[has_period & (codes == code)])
            for pair, code in vocabulary.items()
            if pair is not None
        }
        nothing, lasts = instants[:0], []
        for pair, ways in self._ways.items():
            shown = _union(
                [_intersection([of_pair.get(leg, nothing) for leg in way]) for way in ways if {*way} <= of_pair.keys()]
            )
            self._shown[pair].append(shown)
            number = period_of(shown.view("M8[us]"), self._freq)
            lasts.append(shown[np.append(number[1:] != number[:-1], True)] if len(shown) else shown)
        kept: np.ndarray = counts & (is_date | np.isin(instants, _union(lasts)))
        return kept


def ways_of(pair: str) -> list[tuple[str, ...]]:
    """Return the stored pairs that a pair follows from, each way by itself."""
    base, quote = currencies_of(pair)
    ways: list[tuple[str, ...]] = [(f"{base}/{quote}",), (f"{quote}/{base}",)]
    for common in THROUGH:
        if common not in (base, quote):
            ways += [
                (left, right)
                for left in (f"{base}/{common}", f"{common}/{base}")
                for right in (f"{quote}/{common}", f"{common}/{quote}")
            ]
    return ways


def _union(parts: Iterable[np.ndarray]) -> np.ndarray:
    found = [part for part in parts if len(part)]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def _intersection(parts: Sequence[np.ndarray]) -> np.ndarray:
    found = parts[0]
    for part in parts[1:]:
        found = np.intersect1d(found, part, assume_unique=True)
    return found
