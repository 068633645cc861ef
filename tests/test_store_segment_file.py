"""A segment's file: what its end says without being parsed is what parsing says, or nothing."""

import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NOON, snapshot_ticks
from hypothesis import given
from hypothesis import strategies as st

from fxticker.store.schema import POLLS, TICKS
from fxticker.store.segment_end import END_BYTES, end_of, footer_in
from fxticker.store.segment_file import encoded
from fxticker.store.segment_summary import MOST_ROWS, SegmentSummary, summary_in, summary_in_footer, summary_of
from fxticker.store.segments import SegmentName

EMPTY = pa.Table.from_batches([], TICKS.schema)
NAMES = st.lists(st.from_regex("[A-Z]{3}/[A-Z]{3}", fullmatch=True), unique=True, max_size=60).map(tuple)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
SUMMARIES = st.builds(
    SegmentSummary, st.integers(0, MOST_ROWS), NUMBERS, NUMBERS, NAMES, st.booleans(), st.none() | NAMES
)


def summary_at_end(data):
    return summary_in_footer(footer_in(data))


@pytest.fixture
def path(store, root):
    store.append(snapshot_ticks(NOON))
    return next(root.glob("ticks/*/*/*"))


@pytest.fixture
def segment(path):
    return path.read_bytes()


@given(SUMMARIES)
def test_summary_at_the_end_is_that_of_the_parsed_footer(summary):
    data = encoded(EMPTY, TICKS, summary).to_pybytes()
    assert summary_at_end(data[-END_BYTES:]) == summary == summary_in(pq.read_metadata(pa.BufferReader(data)))


def test_summary_at_the_end_is_that_of_the_rows(segment):
    rows = pq.read_table(pa.BufferReader(segment), partitioning=None)
    assert summary_at_end(segment) == summary_of(rows, TICKS, sealed=False, earlier=())


def test_summary_at_the_end_of_a_flipped_footer_is_none_or_unchanged(segment):
    sound = summary_at_end(segment)
    (length,) = struct.unpack("<I", segment[-8:-4])
    for place in range(len(segment) - 8 - length, len(segment)):
        flipped = bytearray(segment)
        flipped[place] ^= 0x55
        assert summary_at_end(bytes(flipped)) in (None, sound)


@given(st.binary(max_size=64), st.integers(0, 200))
def test_summary_at_the_end_of_other_bytes_is_none(data, length):
    assert summary_at_end(data) is None
    assert summary_at_end(data + struct.pack("<I", length) + b"PAR1") is None


def test_summary_at_the_end_of_a_cut_file_is_none(segment):
    assert all(summary_at_end(segment[:end]) is None for end in range(len(segment)))


def test_summary_at_the_end_of_another_version_is_none(segment):
    newer = segment.replace(b"fxticker.schema_version\x18\x012", b"fxticker.schema_version\x18\x013")
    assert newer != segment
    assert summary_at_end(newer) is None


def test_summary_is_read_from_the_end_of_a_file_alone(store, root, path):
    path.write_bytes(b"\0" * 5_000_000 + path.read_bytes())  # no more a file that can be read as a whole
    name = SegmentName(str(path.relative_to(root)), "timesca", "2025-11", 0)
    assert store.ticks.summary(name).rows == 5


def test_summary_of_a_thousand_pairs_is_read_from_the_end_of_a_file_alone(store, root, path):
    pairs = tuple(f"{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}{number // 676}/USD" for number in range(1000))
    summary = SegmentSummary(0, 0, -1, pairs, sealed=True, month_series=pairs)
    data = encoded(EMPTY, TICKS, summary).to_pybytes()
    assert len(data) > END_BYTES
    path.write_bytes(b"\0" * 5_000_000 + data)
    name = SegmentName(str(path.relative_to(root)), "timesca", "2025-11", 0)
    assert store.ticks.summary(name).series == pairs


@given(st.integers(0, 2**32 - 1), st.integers(0, 200_000))
def test_end_of_a_file_with_a_damaged_footer_is_bounded_by_the_file(length, size):
    data = b"\0" * size + struct.pack("<I", length) + b"PAR1"
    end = end_of(pa.BufferReader(data))
    assert data.endswith(end)
    assert len(end) == min(len(data), max(END_BYTES, length + 8 if length + 8 <= len(data) else 0))


def test_summary_at_the_end_is_found_for_polls():
    rows = pa.Table.from_batches([], POLLS.schema)
    summary = summary_of(rows, POLLS, sealed=True)
    assert summary_at_end(encoded(rows, POLLS, summary).to_pybytes()) == summary
