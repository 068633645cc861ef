"""An import that was interrupted goes on where it stopped: it reads only what is missing, and nothing is lost."""

import gzip
import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from archive_server import ArchivedPage, warc_record
from builders import PRINTED_TICKS
from click.testing import CliRunner
from test_revisits import revisit
from test_stretches import done

import fxticker as fx
from fxticker.backfill.import_progress import ImportProgress, Reached
from fxticker.backfill.page_files import find_pages
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.stretches import read_stretch, stretches_of
from fxticker.backfill.warc import Allowance
from fxticker.backfill.warc_records import Place
from fxticker.cli.import_files import import_
from fxticker.errors import StoreError
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

PAGE = render_html(PRINTED_TICKS, None).encode()


def page(number, body=PAGE):
    stamp = f"202409{number % 28 + 1:02}12{number // 28:02}00"
    return warc_record(ArchivedPage(stamp, f"https://timesca.com/{number}", body))


@pytest.fixture
def crawl(tmp_path, monkeypatch):
    """Two files of eight stretches with a page each; each page is a batch."""
    folder = tmp_path / "crawl"
    folder.mkdir()
    members = [gzip.compress(page(number), 0) for number in range(16)]
    for name, part in (("a", members[:8]), ("b", members[8:])):
        (folder / f"{name}.warc.gz").write_bytes(b"".join(part))
    small = partial(stretches_of, stretch_bytes=max(map(len, members)))
    monkeypatch.setattr("fxticker.backfill.stretched_files.stretches_of", small)
    monkeypatch.setattr("fxticker.backfill.capture_import._BATCH_CAPTURES", 1)
    return folder


class Pool:
    """Reads here, and is interrupted after some stretches."""

    count = 1

    def __init__(self, left=None):
        self.left = left
        self.read = []

    def submit(self, stretch, source, latest):
        if self.left is not None and len(self.read) == self.left:
            raise KeyboardInterrupt
        self.read.append((Path(stretch.path).name[0], stretch.begin))
        return done(read_stretch(stretch, source, latest))


def bring_in(tmp_path, pool, source=SOURCE):
    store = Store(tmp_path / "parquet")
    return import_pages(find_pages([str(tmp_path / "crawl")]), source=source, store=store, pool=pool)


def interrupted(tmp_path, after=12):
    pool = Pool(after)
    with pytest.raises(KeyboardInterrupt):
        bring_in(tmp_path, pool)
    return pool


def record(tmp_path):
    return tmp_path / "parquet" / "asked" / "timesca.import.json"


def test_interrupted_import_goes_on_where_it_stopped(tmp_path, crawl):
    first, second = interrupted(tmp_path), Pool()
    stored = len(fx.load(tmp_path / "parquet")) // 5
    summary = bring_in(tmp_path, second)
    assert 8 <= stored < 12
    assert (summary.pages, summary.captures, summary.added, summary.known) == (2, 16 - stored, 80 - 5 * stored, 0)
    assert {name for name, _ in second.read} == {"b"}
    assert len(second.read) <= 16 - stored + 1
    assert summary.continued_files == 2
    assert len(fx.load(tmp_path / "parquet")) == 80
    assert len(first.read) == 12
    assert not record(tmp_path).exists()


def test_import_that_came_to_its_end_is_read_again(tmp_path, crawl):
    bring_in(tmp_path, Pool())
    summary = bring_in(tmp_path, Pool())
    assert (summary.captures, summary.added, summary.known, summary.continued_files) == (16, 0, 80, 0)


def test_file_that_changed_and_what_another_parser_read_is_read_again(tmp_path, crawl):
    interrupted(tmp_path)
    os.utime(crawl / "a.warc.gz", (1, 1))
    pool = Pool(1)
    with pytest.raises(KeyboardInterrupt):
        bring_in(tmp_path, pool)
    assert pool.read == [("a", 0)]
    pool = Pool(1)
    with pytest.raises(KeyboardInterrupt):
        bring_in(tmp_path, pool, replace(SOURCE, parser_version=SOURCE.parser_version + 1))
    assert pool.read == [("a", 0)]


@pytest.mark.parametrize("is_first", [True, False])
def test_revisit_of_a_capture_that_was_read_before_is_stored(tmp_path, crawl, is_first):
    other = render_html(PRINTED_TICKS[:4], None).encode()
    digest = ArchivedPage("20240101000000", "https://timesca.com/", other).digest
    shown_again = gzip.compress(revisit(date="2024-10-10T12:00:00Z", Payload_Digest=f"sha1:{digest}"))
    members = [gzip.compress(page(number, other if number == 1 else PAGE), 0) for number in range(8)]
    for name in ("a", "b"):
        is_here = name == "a" if is_first else name == "b"
        (crawl / f"{name}.warc.gz").write_bytes(b"".join([*([shown_again] if is_here else []), *members]))
    (crawl / "b.warc.gz").write_bytes((shown_again if not is_first else b"") + gzip.compress(page(20)))
    interrupted(tmp_path, 7)
    summary = bring_in(tmp_path, Pool())
    assert (summary.revisits, summary.refused) == (1, [])
    assert len(fx.load(tmp_path / "parquet", start="2024-10-10", end="2024-10-10")) == 4


@pytest.mark.parametrize(
    "items", ["[7]", '[["a"]]', '[["a", [1, 2, 3], {"x": 1}, {}]]', '{"a": 1}', "[[1, 2, null, {}]]"]
)
def test_damaged_record_is_named(tmp_path, items):
    store = Store(tmp_path / "parquet")
    record(tmp_path).parent.mkdir(parents=True)
    record(tmp_path).write_text(f'{{"version": 1, "files": {items}}}')
    with pytest.raises(StoreError, match=r"asked/timesca\.import\.json"):
        ImportProgress(store.backend, SOURCE)


SOUND = {
    "path": "/a.warc.gz",
    "version": 1,
    "size": 1000,
    "changed_at": 1,
    "offset": 1000,
    "before": 3,
    "is_damaged": False,
    "unpacked_bytes": 1,
    "wasted_bytes": -1,
    "attempts": 0,
}


def write_entry(tmp_path, **changes):
    fields = SOUND | changes
    identity = [fields[name] for name in ("version", "size", "changed_at")]
    place = {name: fields[name] for name in ("offset", "before", "is_damaged")}
    allowance = {name: fields[name] for name in ("unpacked_bytes", "wasted_bytes", "attempts")}
    entry = [fields["path"], identity, fields.get("place", place), fields.get("allowance", allowance)]
    record(tmp_path).parent.mkdir(parents=True, exist_ok=True)
    record(tmp_path).write_text(json.dumps({"version": 1, "files": [entry]}))


def test_sound_entry_is_read(tmp_path):
    write_entry(tmp_path)
    assert ImportProgress(Store(tmp_path / "parquet").backend, SOURCE).continued == []


@pytest.mark.parametrize(
    "change",
    [
        *({"offset": value} for value in ("a", None, 1.5, True, -1, 1001, 10**18)),
        *({"before": value} for value in ("a", None, 1.5, -1, 10**9)),
        *({"is_damaged": value} for value in (0, None, "no")),
        *({"unpacked_bytes": value} for value in (None, 1.5, 10**12)),
        *({"wasted_bytes": value} for value in (None, 1.5, 10**12)),
        *({"attempts": value} for value in (None, 1.5, -1, 10_001)),
        *({name: value} for name in ("version", "size", "changed_at") for value in ("1", None, 1.5)),
        *({"place": value} for value in (None, 7, [1000, 3, False], {})),
        *({"allowance": value} for value in (None, 7, {}, {"unpacked_bytes": 1})),
        {"path": None},
        {"size": -1},
    ],
)
def test_entry_that_no_import_writes_is_a_damaged_record(tmp_path, change):
    write_entry(tmp_path, **change)
    with pytest.raises(StoreError, match=r"asked/timesca\.import\.json: cannot be read .* once the file is deleted"):
        ImportProgress(Store(tmp_path / "parquet").backend, SOURCE)


def test_end_of_a_file_is_recorded_as_its_size(tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(bytes(9))
    backend = Store(tmp_path / "parquet").backend
    progress = ImportProgress(backend, SOURCE)
    progress.reached(path)
    progress.record([Reached(str(path), None, Allowance(5, 6, 7))])
    assert json.loads(record(tmp_path).read_text())["files"][0][2]["offset"] == 9
    assert ImportProgress(backend, SOURCE).reached(path).next is None


def test_record_holds_what_was_reached_and_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("fxticker.backfill.import_progress.MAX_FILES", 2)
    store = Store(tmp_path / "parquet")
    progress = ImportProgress(store.backend, SOURCE)
    paths = [tmp_path / name for name in "abc"]
    reached = [Reached(str(path), Place(7, 1, is_damaged=True), Allowance(5, 6, 7)) for path in paths]
    for path in paths:
        path.write_bytes(bytes(9))
        assert progress.reached(path) is None
    progress.record(reached)
    again = ImportProgress(store.backend, SOURCE)
    assert [again.reached(path) for path in paths] == [None, *reached[1:]]
    assert len(json.loads(record(tmp_path).read_text())["files"]) == 2


def test_command_names_what_it_continued(tmp_path, crawl, monkeypatch):
    interrupted(tmp_path)
    monkeypatch.setattr("fxticker.cli.import_files._pool", lambda *_: _Entered())
    shown = CliRunner().invoke(import_, [str(crawl), "--store", str(tmp_path / "parquet"), "--processes", "2"])
    assert shown.exit_code == 0, shown.output
    assert "continued: 0 MB of 2 WARC files were read by an interrupted import" in shown.stdout


class _Entered(Pool):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
