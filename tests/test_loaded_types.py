"""Types of loaded rows: a pandas frame, an Arrow table and a Polars frame have the same rows."""

import sys
from datetime import timedelta, timezone
from tempfile import TemporaryDirectory

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from builders import NOON, FixedClock, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.errors import MissingExtra, NotStored
from fxticker.model.records import Origin, TimeBasis
from fxticker.store.store import Store

HOUR = timedelta(hours=1)
TICKS = st.builds(
    lambda pair, rate_text, change_text, hours, is_dated, source, origin: tick(
        pair,
        rate_text,
        change_text,
        NOON + hours * HOUR,
        source=source,
        source_date=NOON.date() if is_dated else None,
        time_basis=TimeBasis.CLOCK,
        origin=origin,
    ),
    st.sampled_from(["KZT/USD", "UZS/USD", "TMT/USD"]),
    st.sampled_from(["0.00191", "0.00192", "0.28571"]),
    st.sampled_from([None, "-0%", "0.52%"]),
    st.integers(0, 90),
    st.booleans(),
    st.sampled_from(["timesca", "nbk"]),
    st.sampled_from([Origin.LIVE, Origin.CONSTANT]),
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "bands": st.just(value=True),
        "columns": st.sampled_from([["rate"], ["source_date", "pair"], ["change_text", "change_pct", "observed_at"]]),
        "tz": st.sampled_from(["Asia/Tashkent", timezone(timedelta(hours=-3)), "UTC"]),
        "start": st.just(NOON + 24 * HOUR),
        "as_of": st.just(NOON + 2 * HOUR),
        "sources": st.just("nbk"),
    },
)


def values(frame):
    """Values by column: instants as such, nulls as None."""
    plain = frame.astype(object)
    return {name: [None if pd.isna(value) else value for value in plain[name]] for name in plain.columns}


def of_arrow(table):
    dates = {field.name for field in table.schema if field.type == pa.date32()}
    instants = {field.name for field in table.schema if pa.types.is_timestamp(field.type)}
    return {
        name: [pd.Timestamp(value) if value is not None and name in dates | instants else value for value in found]
        for name, found in table.to_pydict().items()
    }


@given(st.lists(TICKS, max_size=12), FILTERS)
@law(60)
def test_types_have_the_same_rows_in_the_same_order(ticks, filters):
    with TemporaryDirectory() as folder:
        store = Store(folder, clock=FixedClock(NOON, step=HOUR), segment_rows=4)
        for one in ticks or [tick()]:
            store.append([one])
        frame = fx.load(store, **filters)
        table = fx.load(store, returns="arrow", **filters)
        polar = fx.load(store, returns="polars", **filters)

    table.validate(full=True)
    assert of_arrow(table) == values(frame)
    assert polar.columns == list(frame.columns)
    assert {name: polar[name].to_list() for name in polar.columns} == table.to_pydict()
    zones = {field.type.tz for field in table.schema if pa.types.is_timestamp(field.type)}
    assert zones <= {{"UTC": "UTC", "Asia/Tashkent": "Asia/Tashkent"}.get(filters.get("tz", "UTC"), "-03:00")}


@pytest.mark.parametrize("rows", [[], [tick()]], ids=["empty", "stored"])
def test_types_of_columns_are_those_of_the_files(store, rows):
    store.append(rows)
    columns = ["pair", "observed_at", "rate", "rate_text", "nominal", "change_pct", "source_date", "evidence"]
    table = fx.load(store, returns="arrow", columns=columns)
    found = [str(field.type).replace("int8", "int").replace("int32, ", "int, ") for field in table.schema]
    text = "dictionary<values=string, indices=int, ordered=0>"
    assert found == [text, "timestamp[us, tz=UTC]", "double", text, "int32", "double", "date32[day]", text]
    assert table.num_rows == len(rows)
    polar = fx.load(store, returns="polars", columns=["pair", "observed_at", "source_date"])
    assert [kind.base_type() for kind in polar.dtypes] == [pl.Categorical, pl.Datetime, pl.Date]


def test_unknown_type_and_missing_polars_are_named(store, monkeypatch):
    store.append([tick()])
    with pytest.raises(ValueError, match="returns='dask' is none of pandas, arrow, polars"):
        fx.load(store, returns="dask")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtra, match=r"pip install 'fxticker\[readers\]'"):
        fx.load(store, returns="polars")


def test_pair_that_is_not_stored_is_refused_whatever_the_type(store):
    store.append([tick()])
    with pytest.raises(NotStored, match="KGS/USD"):
        fx.load(store, pairs="KGS/USD", returns="arrow")
