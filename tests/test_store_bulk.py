"""Tables of ticks in bulk: the same rows, the same promises, and nothing taken on trust."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, capture_ticks, cases, snapshot_ticks, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.backfill.parquet_files import batches
from fxticker.errors import SchemaMismatch
from fxticker.store.store import Appended, Store
from fxticker.store.validate import GIVEN

QUARTER = timedelta(minutes=15)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "parquet", clock=FixedClock())


@pytest.fixture
def history(history_store):
    return pa.Table.from_pandas(fx.load(history_store), preserve_index=False)


def without_recording(frame):
    return frame.drop(columns="recorded_at")


def test_append_table_accepts_the_loaded_rows_of_another_store(history, store):
    assert store.append_table(history) == Appended(added=len(capture_ticks()), known=0)

    pd.testing.assert_frame_equal(
        without_recording(fx.load(store)), without_recording(history.to_pandas()), check_dtype=False
    )
    assert set(fx.load(store)["recorded_at"]) == {pd.Timestamp(NOON)}
    assert store.check() == []


def test_append_table_stores_unordered_and_repeated_rows_once(history, store):
    shuffled = history.take(np.random.default_rng(1).permutation(2 * len(history)) % len(history))

    assert store.append_table(shuffled) == Appended(added=len(history), known=len(history))
    assert store.append_table(history) == Appended(added=0, known=len(history))
    assert store.check() == []


def test_append_table_knows_rows_appended_as_ticks(store):
    store.append(snapshot_ticks())

    assert store.append_table(pa.Table.from_pandas(fx.load(store))) == Appended(added=0, known=5)


def test_append_table_divides_rows_into_partitions(store, tmp_path):
    other = Store(tmp_path / "other")
    other.append(snapshot_ticks(source="nbk") + snapshot_ticks(NOON + timedelta(days=30)) + snapshot_ticks())

    store.append_table(pa.Table.from_pandas(fx.load(other)))

    assert [item.name for item in store.backend.list("ticks")] == [
        "ticks/source=nbk/month=2025-11/00000.parquet",
        "ticks/source=timesca/month=2025-11/00000.parquet",
        "ticks/source=timesca/month=2025-12/00000.parquet",
    ]


def test_append_table_converts_types_and_ignores_further_columns(history, store):
    plain = history.append_column("x", history["rate"])
    for name, kind in {
        "pair": pa.large_string(),
        "origin": pa.string(),
        "observed_at": pa.timestamp("ns", "UTC"),
    }.items():
        plain = plain.set_column(plain.column_names.index(name), name, plain[name].cast(kind))

    assert store.append_table(plain).added == len(history)


def test_append_table_of_no_rows_adds_nothing(history, store):
    assert store.append_table(history.slice(0, 0)) == Appended(added=0, known=0)


def at(value):
    return pa.array([value] * 5, pa.int64()).cast(pa.timestamp("us", "UTC"))


@pytest.mark.parametrize(
    ("column", "values", "named"),
    [
        *cases("store_bulk")["invalid_ticks"],
        ("change_text", [None, "-0%", "0.37%", "0%", "0%"], "change_pct 0.0 where the text is None"),
        ("pair", ["KGS/USD", None, "TJS/USD", "UZS/USD", "TMT/USD"], "1 rows without pair"),
        ("observed_at", at(300_000_000_000_000_000), "observed_at outside the years 1 to 9999"),
        ("observed_at", at(None), "5 rows without observed_at"),
        ("observed_at", pa.array([0] * 5).cast(pa.timestamp("us")), r"column observed_at is timestamp\[us\]"),
        ("observed_at", pa.array([1] * 5).cast(pa.timestamp("ns", "UTC")), "would lose data"),
        ("source_date", pa.array([2**31 - 1] * 5, pa.int32()).cast(pa.date32()), "source_date outside the years"),
        ("time_basis", pa.DictionaryArray.from_arrays([1] * 5, ["clock"], safe=False), "out of bounds"),
        ("pair", pa.DictionaryArray.from_arrays([0] * 5, pa.array([None], pa.string())), "5 rows without pair"),
    ],
)
def test_append_table_refuses_invalid_ticks_and_stores_nothing(store, tmp_path, column, values, named):
    given_ticks = Store(tmp_path / "other")
    given_ticks.append(snapshot_ticks())
    rows = pa.Table.from_pandas(fx.load(given_ticks))
    rows = rows.take(pa.array([0, 1, 2, 4, 3]))  # as the builders order pairs

    with pytest.raises(SchemaMismatch, match=named):
        store.append_table(rows.set_column(rows.column_names.index(column), column, [values]))

    assert store.backend.list("ticks") == []


def changed(table, column, values):
    if column not in table.column_names:
        return table.append_column(column, [values])
    return table.set_column(table.column_names.index(column), column, [values])


NULLABLE = ("change_pct", "change_text", "source_date", "evidence")
NULLS = {
    "null": pa.nulls(5),
    "dictionary of null": pa.DictionaryArray.from_arrays(pa.nulls(5, pa.int8()), pa.nulls(0)),
    "double": pa.nulls(5, pa.float64()),
    "string": pa.nulls(5, pa.string()),
}


@pytest.mark.parametrize("kind", NULLS)
@pytest.mark.parametrize("column", NULLABLE)
def test_column_of_nulls_of_any_type_is_a_column_without_values(store, tmp_path, column, kind):
    given_ticks = Store(tmp_path / "other")
    given_ticks.append([tick(change_text=None, rate_text=text) for text in ("1.1", "1.2", "1.3", "1.4", "1.5")])

    assert store.append_table(changed(pa.Table.from_pandas(fx.load(given_ticks)), column, NULLS[kind])).added == 5

    assert fx.load(store, columns=[column])[column].isna().all()
    assert store.check() == []


@pytest.mark.parametrize("kind", NULLS)
@pytest.mark.parametrize("column", sorted(set(GIVEN.names) - set(NULLABLE)))
def test_required_column_of_nulls_is_refused_by_its_name(store, tmp_path, column, kind):
    given_ticks = Store(tmp_path / "other")
    given_ticks.append(snapshot_ticks())

    with pytest.raises(SchemaMismatch, match=f"5 rows without {column}$"):
        store.append_table(changed(pa.Table.from_pandas(fx.load(given_ticks)), column, NULLS[kind]))

    assert store.backend.list("ticks") == []


def test_ticks_without_percentages_survive_a_round_trip_through_plain_pandas(store, tmp_path):
    store.append([tick("USD/KGS", "87,420", None, source="nbkr", source_date=None)])
    file = tmp_path / "pandas.parquet"
    pd.read_parquet(tmp_path / "parquet" / "ticks").to_parquet(file)
    assert pq.read_schema(file).field("change_text").type.equals(pa.null())

    other = Store(tmp_path / "other", clock=FixedClock())
    tables = list(batches(file, NOON))
    assert [other.append_table(table).added for table in tables] == [1]

    pd.testing.assert_frame_equal(fx.load(other, bands=True), fx.load(store, bands=True))
    assert other.check() == []


def test_append_table_names_a_repeated_or_missing_column(history, store):
    with pytest.raises(SchemaMismatch, match="2 columns pair"):
        store.append_table(history.append_column("pair", history["pair"]))
    with pytest.raises(SchemaMismatch, match="no column nominal"):
        store.append_table(history.drop_columns(["nominal"]))


def test_append_by_month_lets_other_writers_write_between_months(store, tmp_path):
    store.append(snapshot_ticks() + snapshot_ticks(NOON + timedelta(days=60)))
    other = Store(tmp_path / "other", clock=FixedClock())
    months = other.append_by_month(pa.Table.from_pandas(fx.load(store)))

    assert next(months) == Appended(added=5, known=0)
    assert Store(tmp_path / "other", lock_timeout_s=0).append(snapshot_ticks(NOON + QUARTER)).added == 5
    assert [*months] == [Appended(added=5, known=0)]


@law(25)
@given(
    choices=st.lists(st.tuples(st.integers(0, 90), st.sampled_from(["0.00191", "0.00192"])), max_size=60),
    segment_rows=st.sampled_from([1, 7, 50_000]),
    cut=st.integers(0, 60),
)
def test_append_table_and_append_give_the_same_store(tmp_path_factory, choices, segment_rows, cut):
    ticks = [tick(rate_text=text, observed_at=NOON + timedelta(days=day)) for day, text in choices]
    folder = tmp_path_factory.mktemp("bulk")
    by_ticks = Store(folder / "ticks", clock=FixedClock(), segment_rows=segment_rows)
    by_tables = Store(folder / "tables", clock=FixedClock(), segment_rows=segment_rows)

    for part in (ticks[:cut], ticks[cut:]):
        added = by_ticks.append(part).added
        assert by_tables.append_table(table_of_ticks(part)).added == added

    pd.testing.assert_frame_equal(fx.load(by_tables), fx.load(by_ticks))
    assert by_tables.check() == []


def table_of_ticks(ticks):
    return pa.Table.from_pylist([{name: getattr(item, name) for name in GIVEN.names} for item in ticks], GIVEN)
