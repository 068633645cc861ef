"""Schema version 1 beside 2: a store of version 0.1.0 is read, appended to and checked, and so are mixed folders."""

import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, snapshot_ticks

import fxticker as fx
from fxticker.backfill.page_files import find_pages
from fxticker.backfill.saved_pages import import_pages
from fxticker.errors import SchemaMismatch
from fxticker.model.records import Outcome, Poll, Retraction
from fxticker.sources.registry import known_sources
from fxticker.store.schema import version_of
from fxticker.store.segments import SegmentName
from fxticker.store.store import Appended, Store

OLD = Path(__file__).parent / "payloads" / "store_0.1.0"
QUARTER = timedelta(minutes=15)
LATER = NOON + 3 * QUARTER
HASH = "ab" * 32
PARTITION = "ticks/source=timesca/month=2025-11"


@pytest.fixture
def root(tmp_path):
    """A store that version 0.1.0 wrote: a sealed segment of ten rows, an open one of five, three polls."""
    shutil.copytree(OLD, tmp_path / "parquet")
    return tmp_path / "parquet"


@pytest.fixture
def mixed(root):
    """That store with a month and a source of version 2."""
    store = Store(root, clock=FixedClock(LATER), segment_rows=10)
    store.append(snapshot_ticks(NOON + timedelta(days=30), evidence=HASH))
    store.append(snapshot_ticks(LATER, source="nbk", evidence=HASH))
    store.record([Poll("timesca", NOON + timedelta(days=30), Outcome.OK, parser_version=2)])
    return root


def versions(root, table="ticks"):
    return [version_of(pq.read_schema(path)) for path in sorted(root.glob(f"{table}/*/*/*"))]


def test_older_store_is_read_whole_and_sound(root):
    assert versions(root) == [1, 1]
    assert len(fx.load(root)) == 15
    assert fx.load(root, columns=["evidence"])["evidence"].isna().all()
    assert fx.latest(root)["observed_at"].unique().tolist() == [NOON + 2 * QUARTER]
    assert fx.load_polls(root)["recorded_at"].isna().tolist() == [True] * 3
    assert fx.load_polls(root)["parser_version"].isna().tolist() == [True] * 3
    assert Store(root).check() == []


def test_summary_of_an_older_file_is_read_from_its_end_alone(root):
    path = root / PARTITION / "00000.parquet"
    path.write_bytes(b"\0" * 5_000_000 + path.read_bytes())  # no more a file that can be read as a whole

    name = SegmentName(f"{PARTITION}/00000.parquet", "timesca", "2025-11", 0)
    assert Store(root).ticks.summary(name).rows == 10


def test_append_to_an_older_store_rewrites_the_open_segment_only(root):
    before = (root / PARTITION / "00000.parquet").read_bytes()
    store = Store(root, clock=FixedClock(LATER), segment_rows=10)

    assert store.append(snapshot_ticks(NOON)) == Appended(added=0, known=5)
    assert versions(root) == [1, 1]
    assert store.append(snapshot_ticks(LATER, evidence=HASH)) == Appended(added=5, known=0)
    assert store.record([Poll("timesca", LATER, Outcome.OK, parser_version=3)]) == 1

    assert versions(root) == [1, 2]
    assert (root / PARTITION / "00000.parquet").read_bytes() == before
    frame = fx.load(root, columns=["observed_at", "evidence"])
    assert frame.groupby("observed_at")["evidence"].apply(lambda texts: texts.notna().sum()).tolist() == [0, 0, 0, 5]
    polls = fx.load_polls(root)
    assert polls["parser_version"].fillna(0).tolist() == [0, 0, 0, 3]
    assert polls["recorded_at"].isna().tolist() == [True, True, True, False]
    assert store.check() == []


@pytest.mark.parametrize("columns", [["evidence"], ["pair", "evidence"], ["evidence", "rate"], ["rate"]])
def test_some_columns_of_mixed_versions_are_read(mixed, columns):
    frame = fx.load(mixed, columns=columns)

    assert list(frame.columns) == columns
    assert len(frame) == 25
    if "evidence" in columns:
        assert frame["evidence"].notna().sum() == 10


def test_column_that_only_the_newer_version_has_is_read_alone(root):
    [segment, _] = Store(root).ticks.segments()

    rows = Store(root).ticks.open(segment).read(["evidence"])

    assert (rows.num_rows, rows.column("evidence").null_count) == (10, 10)


def test_ticks_of_an_older_store_are_retracted(root):
    first = snapshot_ticks(NOON)[1]
    store = Store(root)
    store.retract([Retraction("timesca", first.pair, NOON, first.rate_text, first.change_text, 2, "misread")])

    assert len(fx.load(root)) == 14
    assert store.check() == []


def test_pandas_and_pyarrow_read_a_mixed_folder(mixed):
    assert len(pd.read_parquet(mixed / "ticks")) == 25
    assert len(pd.read_parquet(mixed / "polls")) == 4
    assert pq.read_table(mixed / "ticks", columns=["pair", "rate"]).num_rows == 25


def test_pyarrow_reads_the_new_column_of_a_mixed_folder_by_the_newest_schema(mixed):
    newest = pq.read_schema(mixed / "ticks/source=timesca/month=2025-12/00000.parquet")
    table = ds.dataset(mixed / "ticks", schema=newest, format="parquet").to_table(columns=["evidence"])

    assert (table.num_rows, table.column("evidence").null_count) == (25, 15)


def test_duckdb_reads_the_new_column_of_a_mixed_folder_by_name(mixed):
    files = f"{mixed}/ticks/*/*/*.parquet"

    assert duckdb.sql(f"SELECT count(rate) FROM '{files}'").fetchall() == [(25,)]
    rows = duckdb.sql(f"SELECT count(*), count(evidence) FROM read_parquet('{files}', union_by_name = true)").fetchall()
    assert rows == [(25, 10)]


def test_polars_reads_the_new_column_of_a_mixed_folder(mixed):
    files = mixed / "ticks" / "**" / "*.parquet"

    frame = pl.scan_parquet(files, missing_columns="insert", extra_columns="ignore", glob=True).collect()
    assert len(frame) == 25


def test_rows_of_older_and_newer_files_are_imported_into_another_store(mixed, tmp_path):
    store = Store(tmp_path / "other")
    summary = import_pages(find_pages([str(mixed / "ticks")]), source=known_sources()["timesca"], store=store)

    assert (summary.added, summary.refused) == (25, [])
    assert fx.load(store, columns=["evidence"])["evidence"].notna().sum() == 10


def test_import_refuses_a_table_whose_evidence_is_no_hash(mixed, tmp_path):
    table = fx.load(mixed, columns=[*fx.load(mixed).columns, "evidence"]).assign(evidence="../../etc")
    with pytest.raises(SchemaMismatch, match="no hash of evidence"):
        Store(tmp_path / "other").append_table(pa.Table.from_pandas(table, preserve_index=False))
