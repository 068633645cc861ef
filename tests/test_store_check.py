"""States on disk: what opening, loading, appending and checking do with each, and moving bad files aside."""

import json
import os
from datetime import timedelta
from fractions import Fraction

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from laws import steps
from store_faults import DAMAGES, WatchedCalls, flip

import fxticker as fx
from fxticker.errors import SegmentUnreadable, StoreError
from fxticker.model.records import Outcome, Poll
from fxticker.store.check import Finding, Moved
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
MONTH = "ticks/source=timesca/month=2025-11"
FIRST, SECOND, THIRD = (f"{MONTH}/{number:05}.parquet" for number in range(3))
POLLS = "polls/source=timesca/month=2025-11/00000.parquet"
DECEMBER = "ticks/source=timesca/month=2025-12/00000.parquet"


@pytest.fixture
def root(tmp_path):
    """A store with three segments of a snapshot each in November, and one in December."""
    store = Store(tmp_path / "parquet", clock=FixedClock(), segment_rows=5)
    for number in range(3):
        store.append(snapshot_ticks(NOON + number * QUARTER))
    store.append(snapshot_ticks(NOON + timedelta(days=30)))
    return tmp_path / "parquet"


def findings(root):
    return [str(finding) for finding in Store(root).check()]


def rewrite(path, change=lambda table: table, *, version=b"2"):
    """Put what `change` makes of a file's table in its place, with a schema version and no summary."""
    table = change(pq.read_table(path, partitioning=None))
    pq.write_table(table.replace_schema_metadata({b"fxticker.schema_version": version}), path)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_quarantine_moves_an_unreadable_file_and_readers_and_appends_work_again(root, damage):
    damage(root / SECOND)
    content = (root / SECOND).read_bytes()
    store = Store(root, clock=FixedClock(), segment_rows=5)
    with pytest.raises(SegmentUnreadable, match=SECOND):
        fx.load(root)
    assert [(finding.name, finding.in_the_way) for finding in store.check()] == [(SECOND, True)]

    [moved] = store.quarantine()

    assert (moved.name, moved.to) == (SECOND, f"quarantine/{SECOND}")
    assert (root / moved.to).read_bytes() == content
    assert findings(root) == []
    assert len(fx.load(root)) == 15
    assert len(pd.read_parquet(root / "ticks")) == 15
    assert store.append(snapshot_ticks(NOON + QUARTER)).added == 5
    assert len(fx.load(root)) == 20


def test_quarantine_note_has_name_reason_loss_and_time(root):
    flip(root / SECOND, 40)

    [moved] = Store(root, clock=FixedClock()).quarantine()

    note = json.loads((root / f"{moved.to}.json").read_text())
    assert note == {
        "name": SECOND,
        "why": note["why"],
        "lost": "5 rows of KGS/USD, KZT/USD, TJS/USD, TMT/USD, UZS/USD"
        " from 2025-11-14T12:15:00+00:00 to 2025-11-14T12:15:00+00:00",
        "moved_at": "2025-11-14T12:00:00+00:00",
    }
    assert "CRC" in note["why"]
    assert moved.lost == note["lost"]


def test_quarantine_reports_an_unknown_loss_without_a_readable_footer(root):
    (root / SECOND).write_bytes(b"")

    [moved] = Store(root).quarantine()

    assert moved.lost == "unknown: not even the footer can be read"


def test_quarantine_keeps_two_files_of_the_same_name(root):
    for content in (b"first", b"second"):
        (root / THIRD).write_bytes(content)
        Store(root).quarantine()

    kept = sorted(path.name for path in (root / "quarantine" / MONTH).iterdir())
    assert kept == ["00002.parquet", "00002.parquet.1", "00002.parquet.1.json", "00002.parquet.json"]
    assert (root / "quarantine" / THIRD).read_bytes() == b"first"


@pytest.mark.parametrize("name", ["ticks/notes.txt", f"{MONTH}/part-0.parquet", f"{MONTH}/00000.parquet.tmp"])
def test_quarantine_moves_a_file_that_is_no_segment(root, name):
    (root / name).write_text("stray")
    assert findings(root) == [f"{name}: not the name of a segment"]

    Store(root).quarantine()

    assert (root / "quarantine" / name).read_text() == "stray"
    assert findings(root) == []
    assert len(fx.load(root)) == 20


def test_quarantine_moves_nothing_in_an_intact_store(root):
    before = sorted(path for path in root.rglob("*") if ".lock" not in path.name)

    assert Store(root).quarantine() == []

    assert sorted(path for path in root.rglob("*") if ".lock" not in path.name) == before


def test_check_names_a_missing_segment_and_reads_and_appends_work(root):
    (root / SECOND).unlink()

    assert findings(root) == [f"{SECOND}: missing: later segments of its month exist, so its rows are lost"]
    assert Store(root).quarantine() == []
    assert len(fx.load(root)) == 15
    assert Store(root, segment_rows=5).append(snapshot_ticks(NOON + 3 * QUARTER)).added == 5
    assert (root / f"{MONTH}/00003.parquet").exists()


def test_older_version_passes_the_check_and_accepts_rows(root):
    rewrite(root / DECEMBER, lambda table: table.drop_columns(["evidence"]), version=b"1")

    assert findings(root) == []
    assert len(fx.load(root)) == 20
    assert Store(root).append(snapshot_ticks(NOON + timedelta(days=31))).added == 5


def test_newer_version_is_named_and_not_moved(root):
    rewrite(root / DECEMBER, version=b"3")

    assert findings(root) == [f"{DECEMBER}: schema version 3; this fxticker reads up to 2: use a newer one"]
    assert Store(root).quarantine() == []
    with pytest.raises(SegmentUnreadable, match="use a newer one"):
        fx.load(root)
    with pytest.raises(SegmentUnreadable, match="use a newer one"):
        Store(root).append(snapshot_ticks(NOON + timedelta(days=31)))
    assert Store(root).append(snapshot_ticks(NOON + 3 * QUARTER)).added == 5


def test_next_write_removes_a_leftover_temporary(root):
    leftover = root / ".staging" / "00000.parquet.1.1"
    leftover.write_bytes(b"half a segm")

    assert findings(root) == []
    assert len(fx.load(root)) == 20
    Store(root).append(snapshot_ticks(NOON + 3 * QUARTER))
    assert not leftover.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_check_names_an_unreadable_folder_and_checks_the_others(root):
    (root / MONTH).chmod(0)
    flip(root / DECEMBER, 40)
    try:
        named = [finding.name for finding in Store(root).check()]
        with pytest.raises(StoreError, match="month=2025-11"):
            fx.load(root)
    finally:
        (root / MONTH).chmod(0o755)

    assert named == [MONTH, DECEMBER]


class NoFolder(LocalStorage):
    """A disk on which one folder cannot be listed, for whoever asks."""

    def list(self, prefix):
        if MONTH in prefix or prefix == "ticks":
            raise SegmentUnreadable(MONTH, "Permission denied")
        return super().list(prefix)


def test_check_reports_other_files_beside_a_folder_that_cannot_be_listed(root):
    flip(root / DECEMBER, 40)
    store = Store(NoFolder(root))

    named = [(finding.name, finding.in_the_way) for finding in store.check()]

    assert named == [(MONTH, False), (DECEMBER, True)]
    with pytest.raises(StoreError, match="Permission denied"):
        fx.load(store)
    assert store.append(snapshot_ticks(NOON + timedelta(days=60))).added == 5


@pytest.mark.parametrize("number", steps(6, every=3))
@pytest.mark.parametrize("step", ["open", "write", "fsync", "close", "replace", "mkdir"])
def test_quarantine_with_a_failed_system_call_loses_nothing_and_can_be_repeated(root, step, number):
    flip(root / SECOND, 40)
    content = (root / SECOND).read_bytes()
    made = []

    def refuse(called, *_arguments):
        made.append(called)
        if called == step and made.count(step) == number:
            raise OSError(5, "Input/output error")

    calls = WatchedCalls(lambda *_arguments: None)
    store = Store(LocalStorage(root, calls))
    store.append([])  # takes the lock, which has steps of its own
    calls.before = refuse
    [first] = store.quarantine()
    kept = [path for path in root.rglob("0000*.parquet*") if path.read_bytes() == content]
    again = Store(root).quarantine()

    assert len(kept) == 1
    assert [type(found) for found in again] == (
        [Moved] if isinstance(first, Finding) and kept == [root / SECOND] else []
    )
    [moved] = [path for path in root.rglob("0000*.parquet*") if path.read_bytes() == content]
    assert moved.with_name(f"{moved.name}.json").exists()
    assert findings(root) == []


def test_quarantine_moves_other_files_beside_one_that_cannot_be_moved(root):
    (root / MONTH / ("x" * 253)).write_text("its note would have too long a name")
    flip(root / DECEMBER, 40)

    found = Store(root).quarantine()

    assert [(type(item), item.name) for item in found] == [(Finding, f"{MONTH}/{'x' * 253}"), (Moved, DECEMBER)]
    assert "File name too long" in str(found[0])


def test_quarantine_note_replaces_no_moved_file(root):
    (root / f"{SECOND}.json").write_text("precious")
    Store(root).quarantine()
    flip(root / SECOND, 40)
    Store(root).quarantine()

    assert (root / "quarantine" / f"{SECOND}.json").read_text() == "precious"
    assert (root / "quarantine" / f"{SECOND}.1.json").exists()


@pytest.mark.parametrize("name", [SECOND, f"{MONTH}/stray", f"{MONTH}/\udcff"])
def test_dangling_link_is_named_and_moved_aside(root, name):
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to("nowhere")
    assert [finding.name for finding in Store(root).check()] == [name]
    with pytest.raises(SegmentUnreadable):
        fx.load(root)

    Store(root).quarantine()

    assert (root / "quarantine" / name).is_symlink()
    assert findings(root) == []


@pytest.mark.parametrize("name", [f"{MONTH}/00003.parquet", f"{MONTH}/pipe"])
def test_pipe_is_named_and_moved_without_waiting(root, name):
    os.mkfifo(root / name)
    assert [finding.name for finding in Store(root).check()] == [name]

    Store(root).quarantine()

    assert findings(root) == []


@pytest.mark.parametrize("month", ["2025-13", "2025-00", "0000-01"])
def test_folder_of_an_impossible_month_is_named(root, month):
    folder = root / f"ticks/source=timesca/month={month}"
    folder.mkdir()
    (folder / "00000.parquet").write_bytes((root / FIRST).read_bytes())

    assert findings(root) == [f"ticks/source=timesca/month={month}/00000.parquet: not the name of a segment"]
    with pytest.raises(SegmentUnreadable, match="not the name of a segment"):
        fx.load(root)


class FailingStorage(LocalStorage):
    """A disk of which no file can be opened, for a reason that says nothing about its bytes."""

    def __init__(self, root, error):
        super().__init__(root)
        self._error = error

    def open(self, name, *, version=None):
        raise self._error


def test_quarantine_raises_a_lack_of_memory_and_moves_nothing(root):
    with pytest.raises(MemoryError):
        Store(FailingStorage(root, pa.ArrowMemoryError("malloc of size 200000 failed"))).quarantine()

    assert findings(root) == []


def test_quarantine_moves_nothing_after_a_system_error(root):
    store = Store(FailingStorage(root, OSError(5, "Input/output error")))

    assert {(finding.what, finding.in_the_way) for finding in store.check()} == {
        ("cannot be read ([Errno 5] Input/output error)", False)
    }
    assert store.quarantine() == []
    assert findings(root) == []


def test_quarantine_moves_damaged_polls_though_ticks_cannot_be_listed(root):
    store = Store(root)
    store.record([Poll("timesca", NOON, Outcome.OK)])
    (root / POLLS).write_bytes(b"")
    (root / "ticks").rename(root.parent / "ticks")
    (root / "ticks").write_text("a file")

    assert [finding.name for finding in store.check()] == ["ticks", POLLS]
    assert [moved.to for moved in store.quarantine()] == [f"quarantine/{POLLS}"]
    assert store.record([Poll("timesca", NOON, Outcome.OK)]) == 1


def test_append_accepts_an_empty_segment(root):
    rewrite(root / DECEMBER, lambda table: table.slice(0, 0))

    assert findings(root) == []
    assert Store(root).append(snapshot_ticks(NOON + timedelta(days=30))).added == 5
    assert len(fx.load(root)) == 20


# rows that no sound store has, in files that can be read


def test_check_names_rows_of_another_month(root):
    other = Store(root.parent / "other", clock=FixedClock())
    other.append([tick(observed_at=NOON + timedelta(days=60))])
    [path] = (root.parent / "other").glob("ticks/*/*/*")
    (root / DECEMBER).write_bytes(path.read_bytes())

    assert findings(root) == [f"{DECEMBER}: 1 rows of other months, the first of 2026-01-13T12:00:00+00:00"]


def test_check_names_rows_repeated_in_another_segment(root):
    (root / f"{MONTH}/00003.parquet").write_bytes((root / SECOND).read_bytes())

    assert findings(root) == [f"{MONTH}/00003.parquet: 5 rows are repeated, in this file or in an earlier segment"]


@pytest.mark.parametrize(
    ("places", "named"),
    [
        ([0, 0, 1, 2, 3, 4], "1 rows are repeated, in this file or in an earlier segment"),
        ([4, 3, 2, 1, 0], "its rows are not in order of observed_at, pair"),
    ],
)
def test_check_names_rows_that_are_repeated_or_out_of_order_in_a_segment(root, places, named):
    rewrite(root / SECOND, lambda table: table.take(places))

    assert findings(root) == [f"{SECOND}: {named}"]


@pytest.mark.parametrize(
    ("column", "values", "named"),
    [
        ("rate", pa.array([0.5, 0.5, 0.5, 0.5, 0.5]), "rate 0.5 where the text is '0.01144'"),
        ("change_pct", pa.array([0.0, 0.0, 0.37, 0.0, None]), "change_pct nan where the text is '0%'"),
        ("change_text", pa.array([None] * 5, pa.string()).dictionary_encode(), "change_pct 0.0 where the text is None"),
        ("rate_text", pa.array(["x"] * 5).dictionary_encode(), "rate 0.01144 where the text is 'x'"),
        ("nominal", pa.array([1, 1, 0, 1, 1], pa.int32()), "nominal 0"),
        ("nominal", pa.array([1, 100, 1, 1, 1], pa.int32()), "rate 0.00191 where the text is '0.00191'"),
    ],
)
def test_check_names_numbers_that_do_not_follow_from_their_texts(root, column, values, named):
    def change(table):
        field = table.schema.field(column)
        return table.set_column(table.schema.get_field_index(column), field, values.cast(field.type))

    rewrite(root / SECOND, change)

    assert findings(root) == [f"{SECOND}: numbers that do not follow from their texts: {named}"]


def test_check_names_a_summary_that_does_not_match_the_rows(root):
    first, second = pq.ParquetFile(root / FIRST), pq.ParquetFile(root / SECOND)
    table = second.read().replace_schema_metadata(first.schema_arrow.metadata)
    pq.write_table(table, root / SECOND)

    assert findings(root) == [f"{SECOND}: cannot be read (the summary in the footer does not match the rows)"]
    with pytest.raises(SegmentUnreadable, match="does not match the rows"):
        fx.load(root)


@pytest.mark.parametrize("nominal", [10, 100, 1000, 10_000])
def test_rate_for_several_units_is_right_if_it_is_the_double_nearest_to_the_quotient(tmp_path, nominal):
    store = Store(tmp_path / "nominal", clock=FixedClock())
    texts = [f"{number / 100:.2f}" for number in range(1, 400)]
    rates = [float(Fraction(text) / nominal) for text in texts]
    assert rates != [float(text) / nominal for text in texts]
    store.append(
        tick("KZT/USD", text, None, NOON + number * QUARTER, rate=rate, nominal=nominal)
        for number, (text, rate) in enumerate(zip(texts, rates, strict=True))
    )
    assert store.check() == []
