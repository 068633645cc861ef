"""Fuzz the import of Parquet files: any file is checked ticks or a `SchemaMismatch`."""

import tempfile
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fuzzing import fuzz, instrumented

with instrumented():
    import pyarrow as pa
    import pyarrow.parquet as pq

    from fxticker.backfill.parquet_files import batches
    from fxticker.errors import SchemaMismatch
    from fxticker.model.records import Origin, Tick, TimeBasis
    from fxticker.store.store import Store

_NOON = datetime(2025, 11, 14, 12, tzinfo=UTC)
_LATEST = _NOON + timedelta(days=1)
_FOLDER = tempfile.TemporaryDirectory()
_FILE = Path(_FOLDER.name) / "source=timesca" / "ticks.parquet"
_FILE.parent.mkdir()


def _tick(number):
    return Tick(
        source="timesca",
        pair=("KZT/USD", "TMT/USD")[number % 2],
        observed_at=_NOON + timedelta(minutes=number),
        time_basis=TimeBasis.CLOCK,
        rate=0.00191,
        rate_text="0.00191",
        nominal=1,
        change_pct=0.0 if number % 3 else None,
        change_text="-0%" if number % 3 else None,
        source_date=_NOON.date(),
        origin=Origin.LIVE,
    )


def _segment():
    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder) / "store").append([_tick(number) for number in range(20)])
        return next(Path(folder).rglob("ticks/**/*.parquet")).read_bytes()


def _export(**options):
    rows = [asdict(_tick(number)) for number in range(5)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns.update({name: list(map(str, columns[name])) for name in ("time_basis", "origin")})
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue().to_pybytes()


SEEDS = [_segment(), _export(), _export(compression="none", use_dictionary=False), _export(write_statistics=False)]
TOKENS = [
    b"PAR1",
    b"rate_text",
    b"observed_at",
    b"change_text",
    b"KZT/USD",
    b"ARROW:schema",
    b"\xff\xff\xff\x7f",
    b"\x00" * 8,
]


def check(data):
    _FILE.write_bytes(data)
    try:
        tables = list(batches(_FILE, _LATEST))
    except SchemaMismatch:
        return
    for table in tables:
        table.validate(full=True)
        assert table.column("rate_text").null_count == 0, table


if __name__ == "__main__":
    fuzz(check, SEEDS, TOKENS)
