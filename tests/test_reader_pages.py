"""Pages on other readers: their examples give the ticks of `fx.load`, of a store with everything that misleads."""

import re
from datetime import timedelta
from pathlib import Path
from shutil import copytree, rmtree, which

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from foreign_readers import PYTHON
from processes import run

import fxticker as fx
from fxticker.frames.one_per_instant import one_per_instant
from fxticker.model.records import Origin, Retraction, TimeBasis
from fxticker.store.store import Store

TESTS = Path(__file__).parent
PAGES = TESTS.parent / "docs" / "readers"
BY_SPARK = """
import sys
import pyarrow.parquet as pq
names = {}
exec(compile(sys.argv[1], "spark.md", "exec"), names)
for name in ("ticks", "settled"):
    pq.write_table(names[name].toArrow(), f"{name}.rows")
"""
COLUMNS = ["source", "pair", "observed_at", "rate", "rate_text", "nominal", "change_text", "source_date", "evidence"]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Both schema versions, two values at an instant, date-only rows, a nominal, ticks retracted and counted again."""
    monkeypatch.chdir(tmp_path)
    copytree(TESTS / "payloads" / "store_0.1.0", "parquet")
    store = Store(tmp_path / "parquet", clock=FixedClock(NOON + timedelta(days=40)), segment_rows=10)
    store.append(snapshot_ticks(NOON + timedelta(days=30, microseconds=7), evidence="ab" * 32))
    store.append([tick("KZT/USD", "0.00192", None, NOON)])
    dated = {"source": "cbr", "time_basis": TimeBasis.DATE, "origin": Origin.ARCHIVE, "source_date": None}
    store.append(
        [tick("UZS/RUB", text, None, NOON.replace(hour=0), nominal=10_000, **dated) for text in ("65.1", "65.2")]
    )
    gone = [
        Retraction(row.source, row.pair, NOON, row.rate_text, row.change_text, 2, "misread") for row in first(store)
    ]
    store.retract(gone)
    store.retract([Retraction("timesca", gone[0].pair, NOON, gone[0].rate_text, gone[0].change_text, 2, None)])
    return store


def first(store):
    """Two ticks of the first snapshot, and the one without a change."""
    return [*snapshot_ticks(NOON)[:2], tick("KZT/USD", "0.00192", None, NOON)]


def code(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (PAGES / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def rows(records):
    """Rows of a reader or of pandas as comparable values."""
    return sorted([tuple(_value(row[name]) for name in COLUMNS) for row in records], key=repr)


def _value(value):
    if pd.isna(value):
        return None
    return value.timestamp() if hasattr(value, "timestamp") else value


def expected(frame):
    as_objects = frame.astype(dict.fromkeys(COLUMNS, "object"))
    as_objects["source_date"] = frame["source_date"].dt.date
    return rows(as_objects.to_dict("records"))


def loaded(store):
    """All ticks that count, and one for each pair and exact instant."""
    ticks = fx.load(store, columns=[*COLUMNS, "time_basis", "origin", "recorded_at", "change_pct"])
    settled = one_per_instant(ticks[ticks["time_basis"] != TimeBasis.DATE])
    return expected(ticks), expected(settled)


def test_store_of_these_tests_misleads_a_reader_who_is_not_told(store):
    ticks, settled = loaded(store)
    assert (len(ticks), len(settled)) == (21, 19)
    assert duckdb.sql("SELECT count(*) FROM 'parquet/ticks/*/*/*.parquet'").fetchall() == [(23,)]


def test_duckdb_page(store):
    connection = duckdb.connect()
    *views, closes = re.findall(r"[^;]+;", "".join(re.sub("--.*", "", block) for block in code("duckdb.md", "sql")))
    for statement in views:
        connection.execute(statement)
    assert tuple(rows(_dicts(connection, f"FROM {name}")) for name in ("ticks", "settled")) == loaded(store)
    days = [str(row["day"]) for row in _dicts(connection, closes) if row["pair"] == "TJS/USD"]
    assert days == ["2025-11-14", "2025-12-14"]


def _dicts(connection, statement):
    return connection.sql(statement).to_arrow_table().to_pylist()


def test_polars_page(store):
    names = {}
    exec(compile("".join(code("polars.md", "python")), "polars.md", "exec"), names)
    assert tuple(rows(names[name].to_dicts()) for name in ("ticks", "settled")) == loaded(store)

    rmtree("parquet/retractions")
    exec(compile("".join(code("polars.md", "python")), "polars.md", "exec"), names)
    assert len(names["ticks"]) == 23


@pytest.mark.slow
def test_spark_page(store):
    if not PYTHON.exists() or which("java") is None:
        pytest.skip("Spark needs Java, and is installed by `make readers`")
    assert rows_by_spark() == loaded(store)

    rmtree("parquet/retractions")
    assert len(rows_by_spark()[0]) == 23


def rows_by_spark():
    """The ticks that the page gives, and one for each pair and exact instant, by a process with Spark."""
    done = run([PYTHON, "-c", BY_SPARK, "".join(code("spark.md", "python"))])
    assert done.returncode == 0, done.stderr
    return tuple(rows(pq.read_table(f"{name}.rows").to_pylist()) for name in ("ticks", "settled"))
