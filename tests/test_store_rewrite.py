"""`check --rewrite` brings files of earlier versions to the present codec, with the same rows, whatever fails."""

from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pandas as pd
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, snapshot_ticks
from click.testing import CliRunner
from store_faults import FaultyCalls, WatchedCalls, flip

import fxticker as fx
from fxticker.cli import app
from fxticker.errors import SegmentUnreadable, StoreError, StoreLocked
from fxticker.model.records import Outcome, Poll, Retraction
from fxticker.store import rewrite as rewriting
from fxticker.store.local import LocalStorage
from fxticker.store.mirror import mirror
from fxticker.store.rewrite import Encoding, Rewritten, outdated, rewrite
from fxticker.store.schema import version_of
from fxticker.store.store import Store

OLD = Path(__file__).parent / "payloads" / "store_0.1.0"
SEALED = "ticks/source=timesca/month=2025-11/00000.parquet"
OPEN = "ticks/source=timesca/month=2025-11/00001.parquet"
POLLS = "polls/source=timesca/month=2025-11/00000.parquet"
LATER = NOON + timedelta(hours=1)
LAST_STEP = 49
STEPS = [(step, step % 3 == 0) for step in range(1, LAST_STEP + 1)]
"""Number of the system call that fails, and whether all later ones fail too; the last one is beyond the end."""


@pytest.fixture
def root(tmp_path):
    """A store that version 0.1.0 wrote with LZ4: a sealed segment of ten rows, an open one of five, three polls."""
    copytree(OLD, tmp_path / "parquet")
    return tmp_path / "parquet"


def encodings(root):
    """Codecs and schema version of each segment, by name."""
    found = {}
    for path in sorted(root.glob("*/source=*/month=*/*.parquet")):
        file = pq.ParquetFile(path)
        columns = file.metadata.num_columns
        codecs = {file.metadata.row_group(0).column(number).compression for number in range(columns)}
        found[str(path.relative_to(root))] = "/".join(sorted(codecs)), version_of(file.schema_arrow)
    return found


def contents(root):
    return fx.load(root), fx.load_polls(root)


def assert_same(root, before):
    for frame, expected in zip(contents(root), before, strict=True):
        pd.testing.assert_frame_equal(frame, expected)


def rows(root):
    """Rows of each segment in the order of its file, with page checksums verified."""
    store = Store(root)
    segments = [(table, segment) for table in store.tables for segment in table.segments()]
    return {segment.name: table.open(segment).verified().to_pylist() for table, segment in segments}


def summaries(root):
    store = Store(root)
    return {segment.name: table.summary(segment) for table in store.tables for segment in table.segments()}


def test_every_column_of_open_and_sealed_segments_is_compressed_with_snappy(tmp_path):
    store = Store(tmp_path / "new", clock=FixedClock(), segment_rows=5)
    store.append(snapshot_ticks())
    store.record([Poll("timesca", NOON + number * timedelta(minutes=1), Outcome.OK) for number in range(5)])
    store.append(snapshot_ticks(LATER)[:2])
    store.record([Poll("timesca", LATER, Outcome.OK)])
    tick = snapshot_ticks()[0]
    store.retract([Retraction("timesca", tick.pair, NOON, tick.rate_text, tick.change_text, 2, "misread")])

    assert sorted(summary.sealed for summary in summaries(tmp_path / "new").values()) == [False] * 3 + [True] * 2
    assert set(encodings(tmp_path / "new").values()) == {("SNAPPY", 2)}
    assert [*outdated(store)] == []


def test_rewritten_store_has_the_same_rows_order_and_summaries(root):
    before, known = contents(root), summaries(root)
    old = Encoding(("LZ4",), 1)
    assert dict(outdated(Store(root))) == dict.fromkeys([SEALED, OPEN, POLLS], old)

    done = [*rewrite(Store(root))]

    assert [(item.name, item.rows, item.before) for item in done] == [
        (SEALED, 10, old),
        (OPEN, 5, old),
        (POLLS, 3, old),
    ]
    assert [item.bytes_after for item in done] == [(root / item.name).stat().st_size for item in done]
    assert encodings(root) == dict.fromkeys([SEALED, OPEN, POLLS], ("SNAPPY", 2))
    assert_same(root, before)
    assert summaries(root) == known
    assert Store(root).check() == []


def test_second_run_writes_nothing(root):
    assert len([*rewrite(Store(root))]) == 3
    before = {path: path.stat().st_mtime_ns for path in root.glob("*/*/*/*.parquet")}

    assert [*rewrite(Store(root))] == []
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_lz4_store_is_appended_to_and_keeps_its_sealed_segment(root):
    store = Store(root, clock=FixedClock(LATER), segment_rows=10)
    assert store.append(snapshot_ticks(NOON)).added == 0
    assert store.append(snapshot_ticks(LATER)).added == 5

    assert encodings(root) == {SEALED: ("LZ4", 1), OPEN: ("SNAPPY", 2), POLLS: ("LZ4", 1)}
    assert len(fx.load(root)) == 20
    assert [item.name for item in rewrite(Store(root))] == [SEALED, POLLS]
    assert store.append(snapshot_ticks(LATER + timedelta(hours=1))).added == 5
    assert store.append(snapshot_ticks(NOON)).added == 0
    assert store.check() == []


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd", "brotli"])
def test_file_that_another_program_wrote_is_rewritten(root, codec):
    path = root / SEALED
    pq.write_table(pq.read_table(path, partitioning=None), path, compression=codec, row_group_size=3)
    before = contents(root)

    assert [item.name for item in rewrite(Store(root))] == [SEALED, OPEN, POLLS]
    assert encodings(root)[SEALED] == ("SNAPPY", 2)
    assert_same(root, before)
    assert Store(root).check() == []


@pytest.mark.parametrize(("step", "lasting"), STEPS)
def test_fault_at_any_step_leaves_whole_files_and_a_repeated_call_goes_on(root, step, lasting):
    (root / OPEN).unlink()
    before, known = rows(root), summaries(root)
    calls = FaultyCalls()
    calls.fail(step, OSError(28, "No space left on device"), lasting=lasting)
    try:
        done = [*rewrite(Store(LocalStorage(root, calls)))]
    except StoreError:
        pass
    else:
        assert step == LAST_STEP
        assert len(done) == 2
    assert (rows(root), summaries(root)) == (before, known)
    assert all(isinstance(item, Rewritten) for item in rewrite(Store(root)))
    assert (rows(root), summaries(root)) == (before, known)
    assert set(encodings(root).values()) == {("SNAPPY", 2)}
    assert not [*(root / ".staging").iterdir()]


def test_daemon_refuses_the_rewrite_and_nothing_changes(root):
    before = encodings(root)
    with Store(root).daemon_lock():
        with pytest.raises(StoreLocked):
            [*rewrite(Store(root))]
        refused = invoke("check", "--rewrite", "--quarantine", "--store", root)
    assert isinstance(refused.exception, StoreLocked)
    assert encodings(root) == before


def test_daemon_is_refused_meanwhile_and_writers_are_not(root):
    run = rewrite(Store(root))
    next(run)
    with pytest.raises(StoreLocked), Store(root).daemon_lock():
        pass
    assert Store(root, lock_timeout_s=0.1).append(snapshot_ticks(LATER)).added == 5
    assert [item.name for item in run] == [POLLS]
    assert len(fx.load(root)) == 20


def test_damaged_segment_is_named_and_left_as_it_is(root):
    flip(root / SEALED, 40)
    content = (root / SEALED).read_bytes()

    [left, *done] = rewrite(Store(root))

    assert (left.name, left.what.partition(":")[0]) == (SEALED, "not rewritten")
    assert [item.name for item in done] == [OPEN, POLLS]
    assert (root / SEALED).read_bytes() == content


def test_file_of_a_newer_version_is_named_and_left_as_it_is(root):
    path = root / SEALED
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.replace_schema_metadata({b"fxticker.schema_version": b"3"}), path)

    [left, *_] = rewrite(Store(root))

    assert left.what.startswith("not rewritten: schema version 3")
    assert encodings(root)[SEALED][1] == 3


@pytest.mark.parametrize("change", [lambda rows: rows.slice(1), lambda rows: rows.take([1, 0, *range(2, 10)])])
def test_encoder_that_changes_rows_is_noticed_before_it_replaces_anything(root, monkeypatch, change):
    before = encodings(root)
    compact = rewriting.compact
    monkeypatch.setattr(rewriting, "compact", lambda rows: compact(change(rows)) if rows.num_rows == 10 else rows)

    result = invoke("check", "--rewrite", "--store", root)

    assert result.exit_code == 1
    assert f"{SEALED}: not rewritten" in result.output
    assert encodings(root)[SEALED] == before[SEALED]
    assert Store(root).check() == []


def test_other_bytes_read_back_put_the_old_file_in_their_place(root):
    flipped = []

    def flip_once(step, *arguments):
        if step == "replace" and not flipped:
            flipped.append(flip(root / arguments[0].path, 40))

    content = (root / SEALED).read_bytes()
    with pytest.raises(SegmentUnreadable, match="the file is as it was"):
        [*rewrite(Store(LocalStorage(root, WatchedCalls(flip_once))))]
    assert (root / SEALED).read_bytes() == content
    assert Store(root).check() == []


def test_mirror_takes_the_rewritten_files(root, tmp_path):
    copy = LocalStorage(tmp_path / "copy")
    mirror(LocalStorage(root), copy)
    before = contents(root)
    assert all(isinstance(item, Rewritten) for item in rewrite(Store(root)))

    summary = mirror(LocalStorage(root), copy)

    assert (summary.copied, summary.problems) == (3, [])
    assert set(encodings(tmp_path / "copy").values()) == {("SNAPPY", 2)}
    assert_same(tmp_path / "copy", before)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_check_names_files_of_an_earlier_encoding_and_rewrite_states_what_it_did(root):
    found = invoke("check", "--store", root)
    assert (found.exit_code, "cannot read: 3 (LZ4, schema version 1)" in found.output) == (0, True)

    done = invoke("check", "--rewrite", "--store", root)
    change = "rewritten from LZ4, schema version 1 to SNAPPY, schema version 2"
    assert done.exit_code == 0
    assert f"ticks/source=timesca: 2 files {change}; 15 rows, " in done.output
    assert f"polls/source=timesca: 1 file {change}; 3 rows, " in done.output
    assert "files read: 3, no damage" in done.output

    again = invoke("check", "--rewrite", "--store", root)
    assert again.output.splitlines() == ["nothing was rewritten", "files read: 3, no damage"]
