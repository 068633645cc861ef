"""The store: every acknowledged row is there once, whatever was appended, in which order, by whom, and how often."""

import gzip
import random
import struct
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pandas as pd
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, cases, snapshot_ticks, tick
from processes import run, script_command
from store_faults import DAMAGES, flip

import fxticker as fx
from fxticker.errors import SegmentUnreadable, StoreError
from fxticker.model.records import Origin, Outcome, Poll, Tick, TimeBasis
from fxticker.store.read_span import month_of
from fxticker.store.store import Appended, Store, opened

CASES = cases("store")
QUARTER = timedelta(minutes=15)
NOVEMBER = "ticks/source=timesca/month=2025-11"
FIRST = f"{NOVEMBER}/00000.parquet"
SECOND = f"{NOVEMBER}/00001.parquet"
APPEND_AND_RECORD = """
later = NOON + timedelta(hours=1)
for store in (Store(root), Store(root)):
    store.append([tick(change_text=None)])
    store.append([tick(change_text=None, observed_at=later), tick(change_text=None)])
    store.record([Poll("timesca", NOON, Outcome.OK, NOON, 1200, 1)])
    store.record([Poll("timesca", later, Outcome.MISSED)])
    store.keep_rejected("timesca", NOON, b"body")
    store.live_ticks("timesca", NOON, later)
    store.has_polls("timesca", NOON, later)
    list(store.planned_slots("timesca", later))
    store.check()
print(sorted({"pandas", "matplotlib"} & set(sys.modules)))
"""


@pytest.fixture
def store(root):
    return Store(root, clock=FixedClock())


def files(root, pattern="*/*/*/*"):
    return sorted(path.relative_to(root).as_posix() for path in root.glob(pattern))


def rows_of(path):
    return pq.read_metadata(path).num_rows


def identities(rows):
    return {(row.source, row.pair, row.observed_at, row.rate_text, row.change_text) for row in rows}


# where rows lie


def test_rows_and_polls_are_stored_in_a_folder_per_source_and_month(store, root):
    store.append(snapshot_ticks(datetime(2025, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)))
    store.append(snapshot_ticks(datetime(2025, 12, 1, tzinfo=UTC)))
    store.append(snapshot_ticks(source="nbk"))
    store.record([Poll("timesca", NOON, Outcome.OK)])

    assert files(root) == [
        "polls/source=timesca/month=2025-11/00000.parquet",
        "ticks/source=nbk/month=2025-11/00000.parquet",
        "ticks/source=timesca/month=2025-11/00000.parquet",
        "ticks/source=timesca/month=2025-12/00000.parquet",
    ]


@pytest.mark.parametrize(("instant", "expected"), CASES["month_of_returns_the_month"])
def test_month_of_returns_the_month_of_the_utc_instant(instant, expected):
    assert month_of(instant) == expected


@pytest.mark.parametrize("source", ["a/b", ""])
def test_append_refuses_a_source_that_names_no_folder(store, root, source):
    with pytest.raises((StoreError, ValueError)):
        store.append(snapshot_ticks(source=source))


def test_append_of_no_rows_writes_nothing(store, root):
    assert store.append([]) == Appended(added=0, known=0)
    assert store.record([]) == 0
    assert files(root) == []


def test_rows_are_stored_exactly_as_given(store, root):
    store.append(
        [tick("UZS/USD", "0.00008", None, nominal=100, source_date=None, time_basis=TimeBasis.DATE, evidence="ab" * 32)]
    )

    [row] = pq.read_table(root / FIRST, partitioning=None).to_pylist()
    assert [*row.values()] == [
        "UZS/USD",
        NOON,
        "date",
        0.00008,
        "0.00008",
        100,
        None,
        None,
        None,
        "live",
        NOON,
        "ab" * 32,
    ]
    assert {*row} == {*Tick.__slots__, "recorded_at"} - {"source"}


def test_file_is_ordered_by_instant_and_pair(store, root):
    store.append([tick("KZT/USD", observed_at=NOON + QUARTER), tick("KGS/USD", observed_at=NOON + QUARTER)])
    store.append([tick("TMT/USD"), tick("KGS/USD")])

    table = pq.read_table(root / FIRST, columns=["observed_at", "pair"], partitioning=None)

    assert table["pair"].to_pylist() == ["KGS/USD", "TMT/USD", "KGS/USD", "KZT/USD"]
    assert table["observed_at"].to_pylist() == [NOON, NOON, NOON + QUARTER, NOON + QUARTER]


# segments


def test_append_writes_only_the_newest_segment(root):
    store = Store(root, segment_rows=10)
    store.append(snapshot_ticks(NOON))
    open_inode = (root / FIRST).stat().st_ino
    store.append(snapshot_ticks(NOON + QUARTER))
    sealed_inode, sealed_bytes = (root / FIRST).stat().st_ino, (root / FIRST).read_bytes()

    store.append(snapshot_ticks(NOON + 2 * QUARTER))
    store.append(snapshot_ticks(NOON - QUARTER))  # earlier than all that is sealed
    store.append(snapshot_ticks(NOON))  # known
    Store(root, segment_rows=10).append(snapshot_ticks(NOON + 3 * QUARTER))

    assert open_inode != sealed_inode
    assert (root / FIRST).stat().st_ino == sealed_inode
    assert (root / FIRST).read_bytes() == sealed_bytes
    assert [rows_of(root / name) for name in files(root)] == [10, 10, 5]


def test_sealed_segment_keeps_its_bytes_when_a_new_process_appends(root):
    Store(root, segment_rows=5).append(snapshot_ticks(NOON))
    before = (root / FIRST).read_bytes()

    Store(root, segment_rows=5).append(snapshot_ticks(NOON))
    Store(root, segment_rows=5).append(snapshot_ticks(NOON + QUARTER))

    assert (root / FIRST).read_bytes() == before
    assert files(root) == [FIRST, SECOND]


def test_segment_is_sealed_once_it_reaches_its_size(root):
    store = Store(root, segment_rows=10)
    store.append(snapshot_ticks(NOON))
    opened_as = pq.read_metadata(root / FIRST)
    store.append(snapshot_ticks(NOON + QUARTER))
    sealed_as = pq.read_metadata(root / FIRST)

    assert b'"sealed": false' in opened_as.metadata[b"fxticker.summary"]
    assert "DELTA_BINARY_PACKED" not in opened_as.row_group(0).column(1).encodings
    assert b'"sealed": true' in sealed_as.metadata[b"fxticker.summary"]
    assert "DELTA_BINARY_PACKED" in sealed_as.row_group(0).column(1).encodings


@pytest.mark.parametrize(("segment_rows", "appends", "expected"), CASES["appends_fill_the_open_segment"])
def test_appends_fill_the_open_segment_and_are_cut_between_instants(root, segment_rows, appends, expected):
    store, steps = Store(root, segment_rows=segment_rows), count()
    for snapshots in appends:
        store.append([row for step in islice(steps, snapshots) for row in snapshot_ticks(NOON + step * QUARTER)])

    assert [rows_of(root / name) for name in files(root)] == expected


def test_append_seals_a_segment_beyond_a_reduced_limit(root):
    Store(root).append(snapshot_ticks(NOON) + snapshot_ticks(NOON + QUARTER))

    store = Store(root, segment_rows=5)
    store.append(snapshot_ticks(NOON + 2 * QUARTER))
    store.append(snapshot_ticks(NOON + 3 * QUARTER))

    assert [rows_of(root / name) for name in files(root)] == [15, 5]
    assert len(fx.load(root)) == 20


def test_append_finds_known_rows_in_sealed_segments(root):
    store = Store(root, segment_rows=5)
    instants = [NOON + step * QUARTER for step in range(4)]
    for instant in instants:
        store.append(snapshot_ticks(instant))

    assert store.append([row for at in instants for row in snapshot_ticks(at)]) == Appended(added=0, known=20)
    assert Store(root).append(snapshot_ticks(NOON)) == Appended(added=0, known=5)


# idempotence


def test_append_of_the_same_rows_adds_nothing(store, root):
    assert store.append(snapshot_ticks()) == Appended(added=5, known=0)
    before = (root / FIRST).stat()

    assert store.append(snapshot_ticks()) == Appended(added=0, known=5)
    assert (root / FIRST).stat() == before


def test_append_of_the_same_rows_by_another_store_object_keeps_the_bytes(store, root):
    store.append(snapshot_ticks())
    before = (root / FIRST).read_bytes()

    assert Store(root, clock=FixedClock(NOON + QUARTER)).append(snapshot_ticks()) == Appended(added=0, known=5)
    assert (root / FIRST).read_bytes() == before


def test_append_of_the_same_rows_by_another_process_adds_nothing(store, root):
    run(script_command(APPEND_AND_RECORD, root), check=True)

    assert store.append([tick(change_text=None)]) == Appended(added=0, known=1)
    assert store.record([Poll("timesca", NOON, Outcome.ERROR)]) == 0
    assert store.append([tick(change_text=None, observed_at=NOON + QUARTER)]) == Appended(added=1, known=0)


def test_append_stores_a_repeated_row_once(store, root):
    assert store.append([tick(), tick("KGS/USD"), tick()]) == Appended(added=2, known=1)
    assert len(fx.load(root)) == 2


def test_append_keeps_the_first_of_two_equal_identities(store, root):
    store.append([tick(source_date=None), tick(time_basis=TimeBasis.CAPTURE)])
    store.append([tick(rate=7.0)])

    [row] = pq.read_table(root / FIRST, partitioning=None).to_pylist()
    assert (row["source_date"], row["time_basis"], row["rate"]) == (None, "clock", 0.00191)


@pytest.mark.parametrize(
    "other",
    [
        tick(rate_text="0.00192"),
        tick(rate_text="0.001910"),
        tick(change_text="0%"),
        tick(change_text=None),
        replace(tick(), change_text=""),
        tick("KGS/USD"),
        tick(observed_at=NOON + timedelta(microseconds=1)),
        tick(source="nbk"),
    ],
)
def test_append_stores_a_row_with_another_identity_beside_the_first(store, root, other):
    store.append([tick()])

    assert store.append([other]) == Appended(added=1, known=0)
    assert store.append([other, tick()]) == Appended(added=0, known=2)
    frame = fx.load(root).astype(object)
    assert identities(frame.where(frame.notna(), None).itertuples()) == identities([tick(), other])


def test_missing_change_and_empty_change_are_different_rows(store):
    assert store.append([tick(change_text=None), replace(tick(), change_text="")]) == Appended(added=2, known=0)


def test_appends_out_of_order_store_each_row_once(store, root):
    instants = [datetime(2025, month, day, tzinfo=UTC) for month in (12, 3, 11, 7, 8, 1) for day in (20, 5)]
    for instant in instants:
        store.append(snapshot_ticks(instant))

    again = store.append([row for instant in instants for row in snapshot_ticks(instant)])

    assert again == Appended(added=0, known=60)
    assert fx.load(root)["observed_at"].drop_duplicates().tolist() == sorted(instants)
    assert len(files(root)) == 6


def test_two_store_objects_append_in_turn_without_loss(root):
    stores = [Store(root, segment_rows=12), Store(root, segment_rows=12)]

    for step in range(20):
        stores[step % 2].append(snapshot_ticks(NOON + step * QUARTER))

    frame = fx.load(root)
    assert frame["observed_at"].value_counts(sort=False).tolist() == [5] * 20


def test_recorded_at_is_the_time_of_the_append_that_added_the_row(root):
    store = Store(root, clock=FixedClock(NOON, step=timedelta(hours=1)))
    store.append([tick()])
    store.append([tick(), tick("KGS/USD")])

    frame = fx.load(root).set_index("pair")
    assert frame.loc["KZT/USD", "recorded_at"] == NOON + timedelta(hours=1)
    assert frame.loc["KGS/USD", "recorded_at"] == NOON + timedelta(hours=2)


# polls


def test_record_keeps_the_first_outcome_of_a_slot(store, root):
    assert store.record([Poll("timesca", NOON, Outcome.TIMEOUT), Poll("timesca", NOON, Outcome.OK)]) == 1
    assert store.record([Poll("timesca", NOON, Outcome.MISSED)]) == 0
    assert Store(root).record([Poll("timesca", NOON, Outcome.MISSED)]) == 0

    assert fx.load_polls(root)["outcome"].tolist() == ["timeout"]


def test_same_slot_of_two_sources_has_two_outcomes(store, root):
    assert store.record([Poll("timesca", NOON, Outcome.OK), Poll("nbk", NOON, Outcome.OK)]) == 2
    assert len(fx.load_polls(root)) == 2


def test_poll_is_stored_exactly_as_given(store, root):
    poll = Poll("timesca", NOON, Outcome.HTTP_ERROR, NOON, 1200, 5, 503, NOON.date(), "ab" * 32, 2**40, 3, "no; 503", 7)
    store.record([poll])

    [row] = pq.read_table(root / FIRST.replace("ticks", "polls"), partitioning=None).to_pylist()
    given = [NOON, NOON, 1200, "http_error", 5, 503, NOON.date(), "ab" * 32, 2**40, 3, "no; 503", 7]
    assert [*row.values()] == [*given, NOON]
    assert {*row} == {*Poll.__slots__, "recorded_at"} - {"source"}


@pytest.mark.parametrize("segment_rows", [3, 50_000])
def test_record_adds_only_new_slots_across_segments(root, segment_rows):
    store = Store(root, segment_rows=segment_rows)
    polls = [Poll("timesca", NOON + step * QUARTER, Outcome.MISSED) for step in range(10)]

    assert store.record(polls[::2]) == 5
    assert store.record(polls) == 5
    assert fx.load_polls(root)["slot"].tolist() == [poll.slot for poll in polls]


@pytest.mark.parametrize(("start", "end", "expected"), CASES["live_ticks_select_a_half_open_span"])
def test_live_ticks_and_has_polls_select_a_half_open_span(store, start, end, expected):
    for instant in (NOON + timedelta(days=30), NOON + QUARTER, NOON):
        store.append(snapshot_ticks(instant) + snapshot_ticks(instant, source="nbk"))
        store.record([Poll("timesca", instant, Outcome.OK)])

    assert sorted({row["observed_at"] for row in store.live_ticks("timesca", start, end)}) == expected
    assert store.has_polls("timesca", start, end) == bool(expected)


@pytest.mark.parametrize(("upto", "expected"), CASES["planned_slots_are_newest_first"])
def test_planned_slots_are_newest_first_without_manual_polls(store, upto, expected):
    store.record([Poll("timesca", NOON + step, Outcome.OK) for step in (timedelta(0), QUARTER, -timedelta(days=30))])
    store.record([Poll("nbk", NOON + timedelta(days=90), Outcome.OK)])

    store.record([Poll("timesca", NOON - timedelta(days=1, microseconds=1), Outcome.OK)])

    assert list(store.planned_slots("timesca", upto)) == expected


def test_planned_slots_list_the_first_day_of_a_month_once(store):
    slots = [datetime(2025, 12, 1, tzinfo=UTC), datetime(2025, 11, 30, tzinfo=UTC)]
    store.record([Poll("timesca", slot, Outcome.OK) for slot in slots])

    assert list(store.planned_slots("timesca", datetime(2025, 12, 31, tzinfo=UTC))) == slots


# bodies that could not be read


def test_keep_rejected_stores_the_body_compressed(store, root):
    store.keep_rejected("timesca", NOON, b"<html>no ticker</html>")

    kept = root / "rejected/source=timesca/20251114T120000.000000Z.gz"
    assert gzip.decompress(kept.read_bytes()) == b"<html>no ticker</html>"
    assert store.check() == []


def test_keep_rejected_deletes_the_oldest_bodies_beyond_200(store, root):
    for step in range(203):
        store.keep_rejected(f"source{step % 2}", NOON + step * QUARTER, b"body")

    kept = sorted(path.name for path in root.glob("rejected/*/*"))
    assert len(kept) == 200
    assert kept[0] == "20251114T124500.000000Z.gz"


@pytest.mark.parametrize(("limit_bytes", "sizes", "kept"), CASES["keep_rejected_deletes_beyond_a_size"])
def test_keep_rejected_deletes_the_oldest_bodies_beyond_a_size(store, root, monkeypatch, limit_bytes, sizes, kept):
    monkeypatch.setattr("fxticker.store.rejected.REJECTED_BYTES", limit_bytes)
    noise = random.Random(1)
    for step, size_bytes in enumerate(sizes):
        store.keep_rejected("timesca", NOON + step * QUARTER, noise.randbytes(size_bytes))

    assert files(root, "rejected/*/*") == [f"rejected/source=timesca/20251114T{time}.000000Z.gz" for time in kept]


def test_keep_rejected_replaces_the_body_of_the_same_slot(store, root, monkeypatch):
    monkeypatch.setattr("fxticker.store.rejected.REJECTED_FILES", 2)
    store.keep_rejected("timesca", NOON, b"first")
    store.keep_rejected("timesca", NOON + QUARTER, b"second")

    store.keep_rejected("timesca", NOON + QUARTER, b"second again")

    assert len(files(root, "rejected/*/*")) == 2


# damage


def two_months(root):
    """A store with a file to be damaged in November and a sound one in December."""
    store = Store(root, clock=FixedClock())
    store.append(snapshot_ticks() + snapshot_ticks(NOON + timedelta(days=30)))
    return store


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_file_is_named_and_kept_and_other_partitions_accept_rows(root, damage):
    store = two_months(root)
    damage(root / FIRST)
    content = (root / FIRST).read_bytes()

    with pytest.raises(SegmentUnreadable, match=f"^{FIRST}: cannot be read") as caught:
        fx.load(root)
    with pytest.raises(SegmentUnreadable, match=FIRST):
        store.append(snapshot_ticks(NOON + QUARTER, origin=Origin.PAGE))

    assert caught.value.name == FIRST
    assert [problem.name for problem in store.check()] == [FIRST]
    assert (root / FIRST).read_bytes() == content
    assert store.append(snapshot_ticks(NOON + timedelta(days=31))) == Appended(added=5, known=0)
    assert store.append(snapshot_ticks(source="nbk")) == Appended(added=5, known=0)
    assert len(fx.load(root, start="2025-12-01")) == 10
    assert len(fx.load(root, sources=["nbk"])) == 5


@pytest.mark.parametrize("column", range(11))
def test_flipped_byte_of_a_value_is_reported(root, column):
    two_months(root)
    chunk = pq.read_metadata(root / FIRST).row_group(0).column(column)
    start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset

    flip(root / FIRST, start + chunk.total_compressed_size - 1)

    with pytest.raises(SegmentUnreadable, match=FIRST):
        fx.load(root)
    assert [problem.name for problem in Store(root).check()] == [FIRST]


FLIP_BYTES_AND_READ = """
from fxticker import load

path, start, length = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
sound, rows = path.read_bytes(), load(root)
for position in range(start, min(start + length, len(sound))):
    damaged = bytearray(sound)
    damaged[position] ^= 0x80
    path.write_bytes(damaged)
    if not Store(root).check():
        assert load(root).equals(rows), f"byte {position} makes other rows"
"""


@pytest.mark.parametrize(
    "column", [2, 7, *(pytest.param(column, marks=pytest.mark.slow) for column in (0, 4, 9, None))]
)
def test_flipped_byte_is_named_or_changes_no_row(root, column):
    store = two_months(root)
    store.append([tick("XAU/USD", "1.50000", "9%", time_basis=TimeBasis.CAPTURE, origin=Origin.ARCHIVE, source="nbk")])
    start, length = 0, 1_000_000
    if column is not None:
        start, length = pq.read_metadata(root / FIRST).row_group(0).column(column).dictionary_page_offset, 30

    done = run(script_command(FLIP_BYTES_AND_READ, root / FIRST, start, length, root))

    assert (done.returncode, done.stderr) == (0, "")


def test_append_names_a_file_with_a_flipped_name_in_its_footer(root):
    store = two_months(root)
    flip(root / FIRST, (root / FIRST).read_bytes().index(b"observed_at"))

    with pytest.raises(SegmentUnreadable, match=FIRST):
        store.append(snapshot_ticks(NOON + QUARTER, origin=Origin.PAGE))


def test_flipped_byte_of_a_statistic_duplicates_no_rows(root):
    two_months(root)
    smallest = struct.pack("<q", 1_763_121_600_000_000)
    content = (root / FIRST).read_bytes()
    footer_at = len(content) - 8 - pq.read_metadata(root / FIRST).serialized_size
    footer = content[footer_at:].replace(smallest, smallest[:7] + b"\x01")
    (root / FIRST).write_bytes(content[:footer_at] + footer)

    appended = Store(root).append(snapshot_ticks())

    assert appended.added == 0


FLIP_FOOTER_BYTES = """
import struct

path = Path(sys.argv[1])
sound = path.read_bytes()
for position in range(len(sound) - 8 - struct.unpack("<I", sound[-8:-4])[0], len(sound)):
    damaged = bytearray(sound)
    damaged[position] ^= 1
    for file in path.parent.iterdir():
        file.unlink()
    path.write_bytes(damaged)
    try:
        assert Store(root).append(snapshot_ticks(origin=Origin.PAGE)).added == 0, f"rows doubled by byte {position}"
    except SegmentUnreadable:
        pass
"""


@pytest.mark.slow
def test_flipped_byte_of_a_footer_neither_crashes_a_writer_nor_duplicates_rows(root):
    two_months(root)

    done = run(script_command(FLIP_FOOTER_BYTES, root / FIRST, root))

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", CASES["file_is_no_segment"])
def test_load_and_check_name_a_file_that_is_no_segment(root, name):
    store = two_months(root)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("stray")

    with pytest.raises(SegmentUnreadable, match=f"^{name}: .*not the name of a segment"):
        fx.load(root)
    assert [problem.name for problem in store.check()] == [name]
    assert (root / name).read_text() == "stray"


@pytest.mark.parametrize("damaged", CASES["check_names_stray_and_damaged_files"])
def test_check_names_stray_and_damaged_files_of_both_tables(root, damaged):
    store = two_months(root)
    store.record([Poll("timesca", NOON, Outcome.OK)])
    for name in damaged:
        (root / name).write_bytes(b"")

    assert [problem.name for problem in store.check()] == damaged


def test_check_finds_nothing_in_an_intact_or_empty_store(root):
    assert Store(root).check() == []
    assert two_months(root).check() == []


def test_readers_ignore_hidden_files(root):
    store = two_months(root)
    (root / "ticks/.DS_Store").write_bytes(b"x")
    (root / "ticks/source=timesca/_metadata").write_bytes(b"x")

    assert store.check() == []
    assert len(fx.load(root)) == len(pd.read_parquet(root / "ticks")) == 10


# what a daemon and readers may count on


def test_opened_returns_the_store_itself_or_the_one_at_a_path(store, root):
    store.append(snapshot_ticks())

    assert opened(store) is store
    assert opened(str(root)).check() == []


def test_writing_imports_neither_pandas_nor_matplotlib(root):
    assert run(script_command(APPEND_AND_RECORD, root), check=True).stdout == "[]\n"


def test_concurrent_reader_sees_all_acknowledged_snapshots_whole_and_once(root):
    store = Store(root, segment_rows=120)
    store.append(snapshot_ticks())
    acknowledged = [5]
    done = threading.Event()
    reads = []

    def read():
        while not done.is_set():
            before = acknowledged[-1]
            frame = pd.read_parquet(root / "ticks", columns=["pair", "observed_at"])
            reads.append((before, len(frame), len(frame.drop_duplicates()), frame["observed_at"].nunique()))

    reader = threading.Thread(target=read)
    reader.start()
    for step in range(1, 101):
        store.append(snapshot_ticks(NOON + step * QUARTER))
        acknowledged.append(5 * (step + 1))
    done.set()
    reader.join()

    assert reads
    assert [read for read in reads if not read[0] <= read[1] == read[2] == 5 * read[3]] == []
    assert len(pd.read_parquet(root / "ticks")) == 505
