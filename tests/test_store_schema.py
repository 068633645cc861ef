"""The schema: explicit, versioned, in every file; older files are read, newer and foreign ones named."""

import json
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, snapshot_ticks

import fxticker as fx
from fxticker.errors import SchemaMismatch, SegmentUnreadable
from fxticker.model.records import Outcome, Poll, Retraction
from fxticker.store.schema import POLLS, RETRACTIONS, SCHEMA_VERSION, TICKS, conform, version_of
from fxticker.store.store import Appended, Store

NAME = "ticks/source=timesca/month=2025-11/00000.parquet"
LATER = NOON + timedelta(minutes=15)
EMPTY = TICKS.schema.empty_table()
COLUMNS = Path(__file__).with_name("payloads") / "store_columns_2.json"


@pytest.fixture
def root(tmp_path):
    """A store with one snapshot."""
    Store(tmp_path, clock=FixedClock()).append(snapshot_ticks())
    return tmp_path


def rewritten(path, change):
    """Put what `change` makes of a file's table in its place, with the metadata that makes it ours."""
    table = pq.read_table(path, partitioning=None)
    pq.write_table(change(table), path)


def of_version(version, *, without=()):
    return lambda table: table.drop_columns(list(without)).replace_schema_metadata(
        {b"fxticker.schema_version": version}
    )


@pytest.mark.parametrize("table", ["ticks", "polls", "retractions"])
def test_file_has_the_columns_of_the_data_contract(root, table):
    Store(root).record([Poll("timesca", NOON, Outcome.MISSED)])
    Store(root).retract([Retraction("timesca", "KZT/USD", NOON, "0.00191", "-0%", 1, "misread")])

    schema = pq.read_schema(root / NAME.replace("ticks", table))

    columns = [f"{field.name}: {field.type}{'' if field.nullable else ', not null'}" for field in schema]
    assert columns == json.loads(COLUMNS.read_text("utf-8"))[table]
    assert schema.metadata[b"fxticker.schema_version"] == b"2"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (None, None),
        ({}, None),
        ({b"other": b"1"}, None),
        ({b"fxticker.schema_version": b"1"}, 1),
        ({b"fxticker.schema_version": b"12"}, 12),
        ({b"fxticker.schema_version": b""}, None),
        ({b"fxticker.schema_version": b"1.0"}, None),
        ({b"fxticker.schema_version": b"-1"}, None),
    ],
)
def test_version_of_reads_the_metadata(metadata, expected):
    assert version_of(pa.schema([], metadata=metadata)) == expected


def test_all_tables_have_the_current_version():
    assert [version_of(spec.schema) for spec in (TICKS, POLLS, RETRACTIONS)] == [SCHEMA_VERSION] * 3


def test_conform_keeps_a_table_of_the_current_version():
    assert conform(EMPTY, TICKS.schema).schema.equals(TICKS.schema, check_metadata=True)


def test_conform_adds_nulls_for_columns_an_older_table_lacks(root):
    older = of_version(b"1", without=["evidence"])(pq.read_table(root / NAME, partitioning=None))

    table = conform(older, TICKS.schema)

    assert table.schema.equals(TICKS.schema, check_metadata=True)
    assert table["evidence"].to_pylist() == [None] * 5
    assert table["change_pct"].to_pylist() == [0.0, 0.0, 0.37, 0.0, 0.0]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (EMPTY.replace_schema_metadata(None), "no fxticker schema version"),
        (of_version(b"3")(EMPTY), "schema version 3; this fxticker reads up to 2"),
        (of_version(b"2", without=["source_date"])(EMPTY), "missing .*source_date: date32"),
        (of_version(b"2", without=["evidence"])(EMPTY), "missing .*evidence: dictionary"),
        (of_version(b"1", without=["evidence", "source_date"])(EMPTY), "missing .*source_date: date32"),
        (of_version(b"1", without=["evidence", "rate_text"])(EMPTY), "rate_text"),
        (of_version(b"1")(EMPTY), "unexpected .*evidence"),
        (EMPTY.append_column("extra", pa.nulls(0, pa.int32())), "unexpected"),
        (EMPTY.select(TICKS.schema.names[::-1]), "the order of columns differs"),
        (EMPTY.set_column(3, "rate", pa.nulls(0, pa.float32())), "rate: float"),
    ],
)
def test_conform_names_the_difference_of_a_table_that_does_not_fit(table, expected):
    with pytest.raises(SchemaMismatch, match=expected):
        conform(table, TICKS.schema)


@pytest.mark.parametrize(
    "rows",
    [
        POLLS.schema.empty_table(),
        EMPTY.drop_columns(["change_pct"]),
        EMPTY.replace_schema_metadata(None),
        of_version(b"1", without=["evidence"])(EMPTY),
    ],
)
def test_append_refuses_rows_of_another_schema(tmp_path, rows):
    with pytest.raises(SchemaMismatch, match="ticks: rows to be appended are not of the table's schema"):
        Store(tmp_path).ticks.append("timesca", "2025-11", rows)


@pytest.fixture
def older(root):
    """The store whose file is of version 1."""
    rewritten(root / NAME, of_version(b"1", without=["evidence"]))
    return root


def test_older_file_is_read_with_nulls(older):
    frame = fx.load(older, columns=["rate_text", "evidence"])

    assert frame["evidence"].isna().tolist() == [True] * 5
    assert frame["evidence"].dtype == "category"
    assert frame["rate_text"].tolist() == ["0.01144", "0.00191", "0.10840", "0.28571", "0.00008"]
    assert Store(older).check() == []


def test_append_knows_the_rows_of_an_older_file(older):
    assert Store(older).append(snapshot_ticks()) == Appended(added=0, known=5)


def test_append_upgrades_an_older_open_file(older):
    Store(older, clock=FixedClock()).append(snapshot_ticks(LATER, evidence="ab" * 32))

    assert version_of(pq.read_schema(older / NAME)) == 2
    assert fx.load(older, columns=["evidence"])["evidence"].isna().tolist() == [True] * 5 + [False] * 5
    assert len(pd.read_parquet(older / "ticks")) == 10


def test_newer_file_is_refused_by_name_and_not_written_over(root):
    rewritten(root / NAME, of_version(b"3"))
    before = (root / NAME).read_bytes()

    with pytest.raises(SegmentUnreadable, match=r"00000\.parquet.*schema version 3.*reads up to 2") as caught:
        fx.load(root)

    assert caught.value.name == NAME
    assert [problem.name for problem in Store(root).check()] == [NAME]
    with pytest.raises(SegmentUnreadable, match="schema version 3"):
        Store(root).append(snapshot_ticks(LATER))

    assert (root / NAME).read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.append_column("extra", pa.nulls(5, pa.int32())),
        lambda table: table.select(table.column_names[::-1]),
    ],
)
def test_file_that_differs_from_its_version_is_named(root, change):
    rewritten(root / NAME, change)

    assert [problem.name for problem in Store(root).check()] == [NAME]
    with pytest.raises(SegmentUnreadable, match=NAME):
        fx.load(root)
    assert Store(root).append(snapshot_ticks(LATER)).added == 5  # beside it
    assert [problem.name for problem in Store(root).check()] == [NAME]
