"""Packaged official rates: rates of banks on eight days of the packaged history.

``official.csv`` has a row per rate, as the bank printed it. Nothing was requested for it: the answers stand in public
code, which ``docs/limits.md`` lists. Those of cbr are its lists, cut down to the six currencies that the source reads.
Of four of its days a mirror's copy was seen, whose numbers have no trailing zeros: the bank prints four decimals.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from importlib.resources import files
from itertools import groupby

from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, PrintedTick, Snapshot, Tick, TimeBasis

_DECIMAL_MARKS = {"cbr": ","}
"""The character before decimals, of banks whose is no point."""


def official_ticks() -> Iterator[Tick]:
    """Yield all rates, in the order of their sources and days, under the days for which they are valid."""
    text = files(__package__).joinpath("official.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    for (source, day), group in groupby(rows, key=lambda row: (row["source"], date.fromisoformat(row["value_date"]))):
        printed = tuple(PrintedTick(row["pair"], row["rate_text"], None, int(row["nominal"])) for row in group)
        yield from normalise(
            Snapshot(printed, day, 1, (), _DECIMAL_MARKS.get(source, ".")),
            source=source,
            observed_at=datetime.combine(day, time(), UTC),
            time_basis=TimeBasis.DATE,
            origin=Origin.PAGE,
        )
