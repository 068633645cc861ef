"""Encoding: measures size and speed of rows per segment, codecs and encodings."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import fxticker as fx
from benchmarks import synthetic
from benchmarks.contenders.fxticker_store import fill, tick_of
from fxticker.store.store import Store

_REPEATS = 15
_DELTA = "DELTA_BINARY_PACKED"
_INSTANTS = ["observed_at", "recorded_at"]
_TEXTS = [field.name for field in synthetic.SCHEMA if pa.types.is_dictionary(field.type)]
_FLAT = ["rate", "nominal", "change_pct", "source_date"]
"""Numeric columns with few distinct values."""
_PACKED = dict.fromkeys(_INSTANTS, _DELTA)


def _settings(
    codec: str, dictionaries: list[str], *, level: int | None = None, is_packed: bool = True
) -> dict[str, Any]:
    """Return arguments of `pyarrow.parquet.write_table`; packed are the instants."""
    return {
        "compression": codec,
        "compression_level": level,
        "use_dictionary": dictionaries,
        "column_encoding": _PACKED if is_packed else None,
    }


_VARIANTS = {
    "no codec, texts as dictionaries": _settings("none", _TEXTS, is_packed=False),
    "snappy, texts as dictionaries": _settings("snappy", _TEXTS, is_packed=False),
    "lz4, texts as dictionaries": _settings("lz4", _TEXTS, is_packed=False),
    "snappy, also delta-packed instants": _settings("snappy", _TEXTS),
    "no codec, dictionaries but for delta-packed instants": _settings("none", _TEXTS + _FLAT),
    "snappy, dictionaries but for delta-packed instants": _settings("snappy", _TEXTS + _FLAT),
    "lz4, dictionaries but for delta-packed instants": _settings("lz4", _TEXTS + _FLAT),
    "zstd 1, dictionaries but for delta-packed instants": _settings("zstd", _TEXTS + _FLAT, level=1),
    "zstd 1, texts as dictionaries, delta-packed instants": _settings("zstd", _TEXTS, level=1),
    "zstd 9, texts as dictionaries, delta-packed instants": _settings("zstd", _TEXTS, level=9),
    "zstd 1, texts as dictionaries": _settings("zstd", _TEXTS, level=1, is_packed=False),
    "pyarrow's defaults": {},
}
"""Settings by the names in the results."""


def segments(folder: str, data: str, segment_rows: int) -> dict[str, Any]:
    """Measure a store whose segments are sealed at `segment_rows`: size, loads, and appends to a half-full segment."""
    path = Path(folder)
    store = Store(path / "store", segment_rows=segment_rows)
    table = synthetic.read(Path(data))
    fill(store, table)
    files = list((path / "store" / "ticks").rglob("*.parquet"))
    half = Store(path / "half", segment_rows=segment_rows)
    fill(half, synthetic.history(segment_rows // 2))
    snapshots = [[tick_of(row) for row in rows] for rows in synthetic.snapshots(0, 3 * _REPEATS)]
    half.append(snapshots[0])
    appends_s = [_seconds(lambda rows=rows: half.append(rows)) for rows in snapshots[1:]]
    loads_s = [_seconds(lambda: fx.load(path / "store")) for _ in range(3)]
    return {
        "segment_rows": segment_rows,
        "rows": table.num_rows,
        "files": len(files),
        "bytes_per_row": sum(file.stat().st_size for file in files) / table.num_rows,
        "append_half_full_ms": median(appends_s) * 1000,
        "load_all_ms": median(loads_s) * 1000,
    }


def codecs(folder: str, rows: int, segment_rows: int) -> list[dict[str, Any]]:
    """Measure one segment of `rows` rows in each encoding, the store's own included.

    The store's own encoding is read from its file and cannot be timed alone: its encoding time is `None`.
    """
    table = synthetic.history(rows)
    store = Store(Path(folder), segment_rows=segment_rows)
    fill(store, table)
    [file] = (Path(folder) / "ticks").rglob("*.parquet")
    own = {"variant": f"the store's own ({_described(file)})", "encode_ms": None, **_read_back(file.read_bytes(), rows)}
    return [own, *(_variant(name, table, settings) for name, settings in _VARIANTS.items())]


def _variant(name: str, table: pa.Table, settings: dict[str, Any]) -> dict[str, Any]:
    def encoded() -> pa.Buffer:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, write_page_checksum=True, **settings)
        return sink.getvalue()

    encode_ms = median(_seconds(encoded) for _ in range(_REPEATS)) * 1000
    return {"variant": name, "encode_ms": encode_ms, **_read_back(encoded().to_pybytes(), table.num_rows)}


def _read_back(data: bytes, rows: int) -> dict[str, Any]:
    def decoded() -> pa.Table:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        return file.read(use_threads=False)

    seconds = [_seconds(decoded) for _ in range(_REPEATS)]
    return {"rows": rows, "bytes_per_row": len(data) / rows, "load_ms": median(seconds) * 1000}


def _described(file: Path) -> str:
    """Describe the encoding of a file from its footer."""
    group = pq.read_metadata(file).row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    codec = "/".join(sorted({column.compression.lower() for column in columns}))
    packed = sum(_DELTA in column.encodings for column in columns)
    dictionaries = sum(column.has_dictionary_page for column in columns)
    return f"{codec}, {dictionaries} dictionaries, {packed} delta-packed"


def _seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
