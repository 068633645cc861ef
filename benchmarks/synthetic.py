"""Synthetic data: five years of ticks, generated from a seed and equal for every contender.

One poll a minute of five pairs; each is observed 150 to 900 ms after its slot and recorded some ms later. Rates have
five decimals and walk within a range like those of the real ticker, by at most one printed step every six hours;
percentages have up to two decimals. There is one source, so the table has no column for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

PAIRS = ("KGS/USD", "KZT/USD", "TJS/USD", "TMT/USD", "UZS/USD")
MINUTE_S = 60
END = datetime(2026, 1, 18, 8, 40, tzinfo=UTC)
"""End of the data: 125,000 rows into a month, so that a segment of 50,000 rows is half full."""
ROWS_PER_MONTH = 216_000
"""Rows of 30 days at one poll a minute."""

_SEED = 20260118
_TEXT = pa.dictionary(pa.int32(), pa.string())
_INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        ("pair", _TEXT),
        ("observed_at", _INSTANT),
        ("time_basis", _TEXT),
        ("rate", pa.float64()),
        ("rate_text", _TEXT),
        ("nominal", pa.int32()),
        ("change_pct", pa.float64()),
        ("change_text", _TEXT),
        ("source_date", pa.date32()),
        ("origin", _TEXT),
        ("recorded_at", _INSTANT),
    ]
)
"""The columns of the data contract, in its order."""


@dataclass(frozen=True, slots=True)
class Market:
    """What is polled, and how its rates move.

    Attributes
    ----------
    pairs
        Pairs of each poll.
    bases, reaches
        Middle of each pair's walk and its largest distance from there, in printed steps of 0.00001.
    hold_s
        Shortest time between two changes of a rate, in seconds.
    """

    pairs: tuple[str, ...]
    bases: tuple[int, ...]
    reaches: tuple[int, ...]
    hold_s: int


TICKER = Market(PAIRS, bases=(1144, 191, 10840, 28571, 8), reaches=(8, 6, 400, 60, 1), hold_s=6 * 3600)
"""The five pairs of the real ticker, which showed up to five values a day."""


def wide_market(hold_s: int) -> Market:
    """Return a thousand pairs, with rates from 0.001 to 1 that walk within 2 % of that."""
    codes = ("".join(letters) for letters in product("ABCDEFGHIJ", repeat=3))
    bases = tuple(np.geomspace(100, 100_000, 1000).astype(int).tolist())
    return Market(tuple(f"{code}/USD" for code in codes), bases, tuple(base // 50 for base in bases), hold_s)


class Row(NamedTuple):
    """One tick as Python values, in the order of `SCHEMA`."""

    pair: str
    observed_at: datetime
    time_basis: str
    rate: float
    rate_text: str
    nominal: int
    change_pct: float
    change_text: str
    source_date: date
    origin: str
    recorded_at: datetime


def history(rows: int) -> pa.Table:
    """Return the last `rows` ticks before `END`, at one poll a minute, in the order of time."""
    polls = rows // len(PAIRS)
    return ticks(int(END.timestamp()) - polls * MINUTE_S, polls)


def snapshots(first: int, count: int) -> list[list[Row]]:
    """Return polls after `END`, from number `first` on, as Python values."""
    table = ticks(int(END.timestamp()) + first * MINUTE_S, count)
    rows = [row_of(values) for values in table.to_pylist()]
    return [rows[start : start + len(PAIRS)] for start in range(0, len(rows), len(PAIRS))]


def row_of(values: dict[str, Any]) -> Row:
    """Convert a row of `to_pylist` to a record in UTC."""
    row = Row(**values)
    return row._replace(observed_at=row.observed_at.astimezone(UTC), recorded_at=row.recorded_at.astimezone(UTC))


def ticks(start_s: int, polls: int, *, step_s: int = MINUTE_S, market: Market = TICKER) -> pa.Table:
    """Return ticks of `polls` polls, one every `step_s` from `start_s` after the epoch on; deterministic."""
    rng = np.random.default_rng([_SEED, start_s, polls, step_s])
    slots_s = start_s + np.arange(polls, dtype=np.int64) * step_s
    observed_us = slots_s * 1_000_000 + rng.integers(150_000, 900_000, polls)
    recorded_us = observed_us + rng.integers(2_000, 9_000, polls)
    holds = slots_s // market.hold_s - start_s // market.hold_s
    steps, changes_cents = _walks(rng, int(holds[-1]) + 1, market)
    rates, changes = steps[holds].ravel(), changes_cents[holds].ravel()
    rows, width = polls * len(market.pairs), len(market.pairs)
    columns = {
        "pair": _words(np.tile(np.arange(width), polls), market.pairs),
        "observed_at": pa.array(np.repeat(observed_us, width)),
        "time_basis": _words(np.zeros(rows), ("clock",)),
        "rate": pa.array(rates / 100_000),
        "rate_text": _printed(rates, lambda steps: f"{steps / 100_000:.5f}"),
        "nominal": pa.array(np.ones(rows, np.int32)),
        "change_pct": pa.array(changes / 100),
        "change_text": _printed(changes, lambda cents: f"{cents / 100:g}%"),
        "source_date": pa.array(np.repeat((slots_s // 86_400).astype(np.int32), width)),
        "origin": _words(np.zeros(rows), ("live",)),
        "recorded_at": pa.array(np.repeat(recorded_us, width)),
    }
    return pa.table([columns[field.name].cast(field.type) for field in SCHEMA], schema=SCHEMA)


def shuffled(table: pa.Table) -> pa.Table:
    """Return the rows in a random order."""
    return table.take(pa.array(np.random.default_rng(_SEED).permutation(table.num_rows))).combine_chunks()


def write(path: Path, table: pa.Table) -> None:
    """Write a table so that other processes can map it into memory."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def read(path: Path) -> pa.Table:
    """Read a table that `write` wrote."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def plain(table: pa.Table) -> pa.Table:
    """Return the table with texts in place of dictionaries, for contenders that do not support them."""
    fields = [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in table.schema]
    return table.cast(pa.schema(fields))


def table_of(rows: list[Row]) -> pa.Table:
    """Return rows as an Arrow table with texts."""
    fields = plain(SCHEMA.empty_table()).schema
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=fields)


def _walks(rng: np.random.Generator, holds: int, market: Market) -> tuple[np.ndarray, np.ndarray]:
    """Return, per hold and pair, the rate in printed steps and the change in hundredths of a percent."""
    size = (holds, len(market.pairs))
    moves = rng.integers(-1, 2, size)
    reaches = np.array(market.reaches)
    reflected = np.abs((np.cumsum(moves, axis=0) + reaches) % (4 * reaches) - 2 * reaches) - reaches
    changes = np.where(rng.random(size) < 0.5, 0, rng.integers(-60, 61, size))  # noqa: PLR2004 - half of the real ones are 0%
    return np.array(market.bases) + reflected, changes


def _words(codes: np.ndarray, words: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words))


def _printed(values: np.ndarray, text_of: Callable[[int], str]) -> pa.DictionaryArray:
    low = int(values.min())
    seen = np.flatnonzero(np.bincount(values - low)) + low
    codes = np.zeros(int(seen[-1]) - low + 1, np.int32)
    codes[seen - low] = np.arange(len(seen))
    return _words(codes[values - low], tuple(text_of(int(value)) for value in seen))
