"""Cache of footers: sealed segments are parsed once; replaced and damaged files are read as they are; it is bounded."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NOON, snapshot_ticks, tick
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import fxticker as fx
from fxticker.errors import SegmentUnreadable
from fxticker.model.records import Retraction
from fxticker.store import segment_file
from fxticker.store.held_object import held_segment
from fxticker.store.partition import partitioned, stamped
from fxticker.store.schema import TICKS
from fxticker.store.segment_end import footer_in
from fxticker.store.segment_file import encoded
from fxticker.store.segment_footer import Footer, FooterCache
from fxticker.store.segment_summary import summary_of
from fxticker.store.store import Store

SEALED = range(3)
"""Snapshots of five rows that make a segment each."""


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch):
    monkeypatch.setattr(segment_file, "footer_cache", FooterCache())


@pytest.fixture
def store(root):
    store = Store(root, segment_rows=5)
    for number in SEALED:
        store.append(snapshot_ticks(NOON + timedelta(hours=number)))
    return store


@pytest.fixture
def parsed(monkeypatch):
    """Whether the footer had to be parsed, for each file that was opened with Arrow."""
    found, opened = [], pq.ParquetFile

    def noted(source, *, metadata, **options):
        found.append(metadata is None)
        return opened(source, metadata=metadata, **options)

    monkeypatch.setattr(pq, "ParquetFile", noted)
    return found


def files_of(root):
    return sorted(root.glob("ticks/*/*/*"))


def frame_or_cause(root):
    try:
        return fx.load(root)
    except SegmentUnreadable as error:
        return str(error)


def test_footer_of_a_sealed_segment_is_parsed_once(store, root, parsed):
    first = fx.load(root)
    assert parsed == [True] * len(SEALED)
    assert_frame_equal(fx.load(root), first)
    assert parsed == [True] * len(SEALED) + [False] * len(SEALED)


def test_footer_of_an_open_segment_is_not_cached(root, parsed):
    Store(root).append(snapshot_ticks(NOON))
    assert len(fx.load(root)) == len(fx.load(root)) == 5
    assert parsed == [True, True]


def test_file_that_is_replaced_is_read_by_its_own_footer(store, root):
    before = fx.load(root)
    first, second, _ = files_of(root)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert_frame_equal(fx.load(root), before)
    (first.parent / "00001.parquet").unlink()
    later = before[before["observed_at"] >= NOON + timedelta(hours=1)].reset_index(drop=True)
    assert_frame_equal(fx.load(root), later)


@given(st.integers(0), st.integers(1, 255))
def test_damage_of_a_file_whose_footer_is_cached_is_found(tmp_path_factory, place, mask):
    root = tmp_path_factory.mktemp("store")
    Store(root, segment_rows=5).append(snapshot_ticks(NOON))
    sound = fx.load(root)
    (path,) = files_of(root)
    damaged = bytearray(path.read_bytes())
    damaged[place % len(damaged)] ^= mask
    path.write_bytes(damaged)
    found = frame_or_cause(root)
    if isinstance(found, str):
        assert str(path.relative_to(root)) in found
    else:
        assert_frame_equal(found, sound)  # nobody reads that byte, as those of the magic number at the start


def test_file_of_another_table_is_refused_though_its_footer_is_cached(root):
    store, sole = Store(root, segment_rows=1), tick("KZT/USD")
    store.append([sole])
    identity = (sole.source, sole.pair, sole.observed_at, sole.rate_text, sole.change_text)
    store.retract([Retraction(*identity, parser_version=1, reason="misread")])
    fx.load(root)
    (path,) = files_of(root)
    path.write_bytes(next(root.glob("retractions/*/*/*")).read_bytes())  # it has all columns of a tick's identity
    for columns in (None, ["pair", "observed_at", "rate_text"]):
        with pytest.raises(SegmentUnreadable, match="columns differ"):
            fx.load(root, columns=columns)
    assert store.append([tick("KZT/USD")]).added == 1


def segment_at(instant):
    ((_, _, rows),) = partitioned(snapshot_ticks(instant), TICKS)
    rows = stamped(rows, TICKS, NOON)
    return encoded(rows, TICKS, summary_of(rows, TICKS, sealed=True)).to_pybytes()


@pytest.mark.parametrize("columns", [None, ["pair", "observed_at"]])
def test_cached_footer_of_other_rows_is_noticed(columns):
    name = "ticks/source=timesca/month=2025-11/00000.parquet"
    first, second = segment_at(NOON), segment_at(NOON + timedelta(seconds=1))
    assert len(first) == len(second)
    held_segment(name, first).read()
    mixed = second.removesuffix(footer_in(second)) + footer_in(first)
    assert mixed != first
    with pytest.raises(SegmentUnreadable, match="does not match the rows"):
        held_segment(name, mixed).read(columns)


def test_segment_that_is_read_twice_is_parsed_once(store, parsed):
    file = store.ticks.open(store.ticks.segments()[0])
    assert file.read(["pair"]).num_rows == file.read(["rate"]).num_rows == 5
    assert parsed == [True]


@given(st.lists(st.binary(min_size=1, max_size=9), unique=True, max_size=20), st.integers(1, 9))
def test_full_cache_keeps_the_first_footers_and_the_last(ends, most):
    cache = FooterCache(most)
    parsed = [Footer(None, None, None) for _ in ends]
    for end, footer in zip(ends, parsed, strict=True):
        cache.put("ticks", end, footer)
        cache.put("ticks", end, Footer(None, None, None))  # what is cached stays
        assert cache.get("ticks", end) is footer
        assert cache.get("polls", end) is None
    cached = [cache.get("ticks", end) for end in ends]
    expected = parsed if len(ends) <= most else [*parsed[: most - 1], *[None] * (len(ends) - most), parsed[-1]]
    assert all(found is footer for found, footer in zip(cached, expected, strict=True))


def test_large_footer_is_not_cached():
    cache = FooterCache()
    cache.put("ticks", b"\0" * 1_000_000, Footer(None, None, None))
    assert cache.get("ticks", b"\0" * 1_000_000) is None


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_footer_in_the_end_of_a_file_is_whole(before, footer):
    end = footer + len(footer).to_bytes(4, "little") + b"PAR1"
    assert footer_in(before + end) == footer_in(pa.py_buffer(before + end)) == end


@given(st.binary(max_size=40), st.integers(1, 2**32 - 1))
def test_footer_that_is_cut_or_too_long_is_none(data, lacking):
    length = min(len(data) + lacking, 2**32 - 1)
    assert footer_in(data + length.to_bytes(4, "little") + b"PAR1") == b""
    assert footer_in(data) == b""
