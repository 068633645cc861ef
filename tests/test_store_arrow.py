"""Columns: values come out of buffers as they went in, nulls, slices and foreign dictionaries included."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
from builders import NOON, cases, tick
from hypothesis import given
from hypothesis import strategies as st

from fxticker.store.arrow import (
    array_of,
    compact,
    microseconds,
    order_by,
    table_of,
    take,
    text_codes,
    to_int64,
    validate,
)

CASES = cases("store_arrow")
INSTANT = pa.timestamp("us", "UTC")
TEXT = pa.dictionary(pa.int32(), pa.string())


@pytest.mark.parametrize(("instant", "expected"), CASES["microseconds_are_exact"])
def test_microseconds_are_exact(instant, expected):
    assert microseconds(instant) == expected


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (INSTANT, [NOON, None, datetime(2025, 11, 14, 12, 0, 0, 1, tzinfo=UTC)]),
        (INSTANT, [datetime(1969, 12, 31, tzinfo=UTC)]),
        (pa.date32(), [date(2025, 11, 14), None, date(1969, 12, 31), date(1970, 1, 1)]),
        (pa.float64(), [0.00191, None, 5e-324, 1e308]),
        (pa.int64(), [2**53 + 1, None, -1]),
        (pa.int32(), [1, None, 2**31 - 1]),
        (pa.int16(), [200, None, -1]),
        (pa.string(), ["0.00191", None, "", "сом 💱"]),
        (TEXT, ["-0%", None, "", "-0%", "0%"]),
        (TEXT, [None, None]),
        (TEXT, []),
        (INSTANT, []),
    ],
)
def test_array_of_keeps_values(kind, values):
    array = array_of(values, kind)

    array.validate(full=True)
    assert array.type == kind
    assert array.to_pylist() == values


@pytest.mark.parametrize("kind", [pa.int32(), TEXT, INSTANT])
def test_column_without_a_null_has_no_null_count(kind):
    values = {pa.int32(): [1, 2], TEXT: ["a", "b"], INSTANT: [NOON, NOON]}[kind]

    assert array_of(values, kind).null_count == 0


def test_array_of_refuses_a_number_beyond_its_type():
    with pytest.raises(OverflowError):
        array_of([2**31], pa.int32())


def test_table_of_converts_records_column_by_column():
    schema = pa.schema([("pair", TEXT), ("observed_at", INSTANT), ("nominal", pa.int32())])

    table = table_of([tick("KZT/USD", nominal=100), tick("KGS/USD")], schema, getattr)

    assert table.schema == schema
    assert table.to_pylist() == [
        {"pair": "KZT/USD", "observed_at": NOON, "nominal": 100},
        {"pair": "KGS/USD", "observed_at": NOON, "nominal": 1},
    ]


def test_to_int64_reads_chunks_in_order():
    column = pa.chunked_array([array_of([1, 2], pa.int32()), array_of([], pa.int32()), array_of([3], pa.int32())])

    assert to_int64(column).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (INSTANT, [NOON, NOON, NOON], [1_763_121_600_000_000] * 2),
        (pa.date32(), [date(1970, 1, 1), date(1970, 1, 2), date(1970, 1, 3)], [1, 2]),
        (pa.int16(), [7, 8, 9], [8, 9]),
    ],
)
def test_to_int64_reads_a_slice_from_its_offset(kind, values, expected):
    assert to_int64(pa.chunked_array([array_of(values, kind).slice(1)])).tolist() == expected


@pytest.mark.parametrize("chunks", [[], [array_of([], INSTANT)], [array_of([NOON], INSTANT).slice(0, 0)]])
def test_to_int64_of_no_rows_is_empty(chunks):
    assert to_int64(pa.chunked_array(chunks, type=INSTANT)).tolist() == []


def test_text_codes_are_equal_exactly_where_texts_are_equal():
    vocabulary = {}
    first = text_codes(pa.chunked_array([array_of(["0%", None, "-0%"], TEXT)]), vocabulary)
    second = text_codes(pa.chunked_array([array_of(["-0%", "0%", None, "1%"], TEXT)]), vocabulary)

    names = {code: text for text, code in vocabulary.items()}
    assert [names[code] for code in first] == ["0%", None, "-0%"]
    assert [names[code] for code in second] == ["-0%", "0%", None, "1%"]


def test_text_codes_distinguish_empty_text_from_null():
    empty, missing = text_codes(pa.chunked_array([array_of(["", None], TEXT)]), {})

    assert empty != missing


@given(
    texts=st.lists(st.sampled_from(["0%", "-0%", "0.37%", "", None]), max_size=40),
    cut=st.integers(0, 40),
    length=st.integers(0, 40),
)
def test_text_codes_of_a_slice_match_its_rows(texts, cut, length):
    vocabulary = {}
    column = pa.chunked_array([array_of(texts, TEXT).slice(min(cut, len(texts)), length)])

    codes = text_codes(column, vocabulary)

    names = {code: text for text, code in vocabulary.items()}
    assert [names[code] for code in codes] == texts[cut : cut + length]


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=30))
def test_array_of_keeps_texts_of_any_alphabet(texts):
    assert array_of(texts, TEXT).to_pylist() == texts


@pytest.mark.parametrize(("instants", "pairs", "expected"), CASES["order_by_sorts"])
def test_order_by_sorts_by_the_first_name_then_by_letters(instants, pairs, expected):
    table = pa.table({"observed_at": array_of(instants, INSTANT), "pair": array_of(pairs, TEXT)})

    assert order_by(table, ("observed_at", "pair")).tolist() == expected


COLUMNS = {
    "at": (INSTANT, st.none() | st.sampled_from([NOON, datetime(1969, 12, 31, tzinfo=UTC)])),
    "day": (pa.date32(), st.none() | st.dates()),
    "rate": (pa.float64(), st.none() | st.floats(allow_nan=False)),
    "ms": (pa.int16(), st.none() | st.integers(-(2**15), 2**15 - 1)),
    "hash": (pa.string(), st.none() | st.sampled_from(["", "сом", "ab"])),
    "t": (TEXT, st.none() | st.sampled_from(["0%", "-0%", ""])),
}
MIXED = pa.schema([(name, kind) for name, (kind, _) in COLUMNS.items()])
VALUES = {name: values for name, (_, values) in COLUMNS.items()}


@given(st.lists(st.lists(st.fixed_dictionaries(VALUES), max_size=12), min_size=1, max_size=3), st.data())
def test_take_returns_the_rows_that_arrow_returns(chunks, data):
    rows = pa.concat_tables([table_of(chunk, MIXED, lambda row, name: row[name]) for chunk in chunks])
    rows = rows.slice(data.draw(st.integers(0, 3)))
    places = st.lists(st.integers(0, rows.num_rows - 1), max_size=20) if rows.num_rows else st.just([])
    chosen = np.array(data.draw(places), np.int64)
    found = take(rows, chosen)
    found.validate(full=True)
    assert found.schema == rows.schema
    assert found.to_pylist() == rows.take(pa.array(chosen)).to_pylist()


@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d"])), max_size=12), st.data())
def test_compact_keeps_texts_and_removes_unused_ones(texts, data):
    start = data.draw(st.integers(0, len(texts)))
    part = pa.table({"text": array_of(texts, TEXT), "at": array_of([1] * len(texts), pa.int64())}).slice(start)
    found = compact(part)
    assert found.to_pylist() == part.to_pylist()
    assert found.schema.equals(part.schema, check_metadata=True)
    if found.num_rows:
        held = found.column("text").chunk(0).dictionary.to_pylist()
        assert sorted(held) == sorted({text for text in texts[start:] if text is not None})


def dictionary_column(numbers, texts):
    indices = pa.array(numbers, pa.int32())
    return pa.table({"text": pa.DictionaryArray.from_arrays(indices, array_of(texts, pa.string()), safe=False)})


@pytest.mark.parametrize("numbers", [[0, 2], [-1], [None, 2], [2**31 - 1]])
def test_validate_refuses_an_index_outside_its_dictionary(numbers):
    with pytest.raises(ValueError, match="outside"):
        validate(dictionary_column(numbers, ["a", "b"]))


@pytest.mark.parametrize("numbers", [[], [None], [0, 1, None], [1]])
def test_validate_accepts_indices_of_a_dictionary(numbers):
    validate(dictionary_column(numbers, ["a", "b"]))


def test_validate_refuses_text_that_is_not_utf8():
    data = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    for column in (data, pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), data)):
        with pytest.raises(pa.ArrowInvalid):
            validate(pa.table({"text": column}))
