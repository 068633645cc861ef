"""WARC files that are read in stretches give what they give from begin to end, also when a reader dies."""

import gzip
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from archive_server import ArchivedPage, warc_record
from builders import PRINTED_TICKS
from hypothesis import given
from hypothesis import strategies as st
from laws import law

from fxticker.backfill import stretches
from fxticker.backfill.captures import Capture
from fxticker.backfill.page_files import FilePage
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.stretch_chain import ReaderDied, StretchChain
from fxticker.backfill.stretches import read_stretch, stretches_of
from fxticker.backfill.warc import WarcReader, allowance_of
from fxticker.model.records import PrintedTick
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

LATEST = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://timesca.com/"
PAGE = render_html(PRINTED_TICKS, None).encode()
OTHER = render_html([*PRINTED_TICKS[:4], PrintedTick("TMT/USD", "0.28490", "0%")], None).encode()


def record(number, body=PAGE, url=URL):
    return warc_record(ArchivedPage(f"202409{number % 28 + 1:02}1200{number // 28:02}", f"{url}{number}", body))


NESTED = record(27, b"<p>" + record(26, OTHER) + gzip.compress(record(25, OTHER), 0) + b"</p>")
"""A page that holds what looks like records, packed so that their bytes stand in the file as they are."""
REVISIT = (
    b"WARC/1.0\r\nWARC-Type: revisit\r\nWARC-Date: 2024-09-30T12:00:00Z\r\nWARC-Target-URI: https://timesca.com/\r\n"
    b"WARC-Refers-To-Date: 2024-09-01T12:00:00Z\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
)
PIECES = {
    "page": [record(0)],
    "two in a member": [record(1), record(2, OTHER)],
    "elsewhere": [record(3, PAGE, "https://example.org/")],
    "nested": [NESTED],
    "revisit": [REVISIT],
    "no ticker": [record(4, b"<html>About us</html>")],
}
DAMAGE = [b"", b"", b"rubbish", b"\x1f\x8b\x08rubbish", b"\r\nWARC/1.0\r\nrubbish\r\n\r\n"]


def shown(parts):
    """What is read, with each ticker in its place, and the number of skipped records."""
    items = []
    for captures in parts:
        for item in captures.records:
            if isinstance(item, Capture) and item.ticker is not None:
                items.append((item.instant, item.names, captures.tickers[item.ticker]))
            else:
                items.append(item)
    return items, sum(captures.skipped for captures in parts)


def done(answer):
    future = Future()
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
    return future


def reading(stretch):
    return done(read_stretch(stretch, SOURCE, LATEST))


def in_stretches(path, size, submit=reading):
    with path.open("rb") as file:
        chain = StretchChain(allowance_of(file), submit)
    parts = []
    for stretch in stretches_of(path, size):
        parts += chain.take(stretch, submit(stretch))
    return parts


def from_begin(path):
    with path.open("rb") as file:
        return list(stretches.read_captures(WarcReader(file), SOURCE, LATEST))


@law(100)
@given(
    names=st.lists(st.sampled_from(sorted(PIECES)), min_size=1, max_size=8),
    damages=st.lists(st.sampled_from(DAMAGE), min_size=8, max_size=8),
    size=st.integers(150, 9_000),
    cut=st.sampled_from([0, 0, 5, 300]),
    form=st.sampled_from(["plain", "packed", "stored", "whole"]),
)
def test_stretches_of_any_size_give_what_the_file_gives(tmp_path_factory, names, damages, size, cut, form):
    pack = {
        "plain": lambda data: data,
        "packed": gzip.compress,
        "stored": lambda data: gzip.compress(data, 0),
        "whole": lambda data: data,
    }[form]
    data = b"".join(pack(b"".join(PIECES[name])) + damage for name, damage in zip(names, damages, strict=False))
    data = data[: len(data) - cut] if len(data) > 1000 else data
    path = tmp_path_factory.getbasetemp() / "stretched.warc"
    path.write_bytes(gzip.compress(data) if form == "whole" else data)
    assert shown(in_stretches(path, size)) == shown(from_begin(path))


@pytest.mark.parametrize("members", [1, 7])
@pytest.mark.parametrize(("limit", "sizes"), [({"MAX_CAPTURES": 2}, [2, 2, 2, 1]), ({"MAX_READ_S": 0}, [1] * 7)])
def test_stretch_with_more_than_is_read_at_once_is_read_on(tmp_path, monkeypatch, members, limit, sizes):
    for name, value in limit.items():
        monkeypatch.setattr(f"fxticker.backfill.captures.{name}", value)
    pages = [record(number) for number in range(7)]
    data = gzip.compress(b"".join(pages)) if members == 1 else b"".join(map(gzip.compress, pages))
    path = tmp_path / "a.warc.gz"
    path.write_bytes(data)
    parts = in_stretches(path, 1_000_000)
    assert [len(captures.records) for captures in parts if captures.records] == sizes
    assert len({names for _, names, _ in shown(parts)[0]}) == 7


def test_unpacked_bytes_of_all_stretches_together_are_bounded(tmp_path):
    path = tmp_path / "bomb.warc.gz"
    bomb = warc_record(ArchivedPage("20240908120000", "https://example.org/", bytes(4_000_000)))
    path.write_bytes(b"".join(map(gzip.compress, [record(0), *[bomb] * 6, record(1)])))
    with path.open("rb") as file:
        allowance = replace(allowance_of(file), unpacked_bytes=15_000_000)
    chain = StretchChain(allowance, reading)
    parts = [captures for stretch in stretches_of(path, 2_000) for captures in chain.take(stretch, reading(stretch))]
    items, _ = shown(parts)
    assert [getattr(item, "reason", "page") for item in items] == [
        "page",
        "the file unpacks to more than the limit: the rest is left out",
    ]


def test_stretch_whose_readers_die_is_left_out_and_the_others_are_read(tmp_path):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(gzip.compress(record(number, PAGE), 0) for number in range(12)))
    size = path.stat().st_size // 4

    class Pool:
        count = 2

        def submit(self, stretch, source, latest):
            if stretch.begin == size:
                return done(ReaderDied("process 7 was killed by signal 9"))
            return done(read_stretch(stretch, source, latest))

    store = Store(tmp_path / "parquet")
    stretches_of_four = [*stretches_of(path, size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fxticker.backfill.stretched_files.stretches_of", lambda path: iter(stretches_of_four))
        summary = import_pages([FilePage(path)], source=SOURCE, store=store, pool=Pool())
    assert summary.refused == [(f"{path} at bytes {size} to {2 * size}", "process 7 was killed by signal 9")]
    assert (summary.pages, summary.captures, summary.added) == (1, 9, 45)


def test_file_that_vanishes_is_refused_once(tmp_path):
    class Pool:
        count = 2

        def submit(self, stretch, source, latest):
            return done(FileNotFoundError(2, "No such file or directory"))

    (tmp_path / "a.warc").write_bytes(record(0) + record(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "fxticker.backfill.stretched_files.stretches_of", lambda path: stretches_of(path, stretch_bytes=1000)
        )
        pages = [FilePage(tmp_path / "a.warc")]
        summary = import_pages(pages, source=SOURCE, store=Store(tmp_path / "parquet"), pool=Pool())
    assert summary.refused == [(str(tmp_path / "a.warc"), "No such file or directory")]
