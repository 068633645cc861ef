"""Recording goes on beside files that cannot be read, repeats nothing unverified, and says what it left out."""

import errno
from dataclasses import replace
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, snapshot_ticks
from store_faults import DAMAGES, flip

import fxticker as fx
from fxticker.errors import SegmentUnreadable
from fxticker.model.records import Origin, Outcome, Poll
from fxticker.store.local import LocalStorage
from fxticker.store.read_recording import damaged_segments, damaged_spans, stray_files
from fxticker.store.read_span import Span
from fxticker.store.segment_summary import SegmentSummary
from fxticker.store.store import Appended, Store

MONTH = "ticks/source=timesca/month=2025-11"
FIRST, SECOND = f"{MONTH}/00000.parquet", f"{MONTH}/00001.parquet"
POLLS = "polls/source=timesca/month=2025-11/00000.parquet"
QUARTER = timedelta(minutes=15)
LATER = NOON + QUARTER
STRAYS = [
    "00000.parquet~",
    "00000.parquet.bak",
    "0.parquet",
    "000000.parquet",
    "letter",
    "folder/00000.parquet",
    "ticker \N{HEAVY BLACK HEART}",
]


@pytest.fixture
def store(root):
    """A store with one acknowledged snapshot and its outcome."""
    store = Store(root, clock=FixedClock())
    store.append(snapshot_ticks())
    store.record([Poll("timesca", NOON, Outcome.OK)])
    return store


def imported(at):
    return snapshot_ticks(at, origin=Origin.PAGE)


def with_summary(path, **changes):
    """Change the summary in a segment's footer, and make its checksum fit."""
    file = pq.ParquetFile(path)
    metadata = dict(file.schema_arrow.metadata)
    summary = SegmentSummary.decoded(metadata[b"fxticker.summary"])
    metadata[b"fxticker.summary"] = replace(summary, **changes).encoded()
    pq.write_table(file.read().replace_schema_metadata(metadata), path, write_page_checksum=True)


# summaries that no segment has


@pytest.mark.parametrize(
    "changes",
    [{"rows": rows} for rows in (-5, "5", 5.0, None, 10**18)]
    + [{"first": None}, {"last": "today"}, {"series": 5}, {"series": [["KZT/USD"]]}, {"month_series": [5]}],
    ids=str,
)
def test_summary_with_impossible_values_is_damage_by_name(store, root, changes):
    (path,) = (root / MONTH).iterdir()
    with_summary(path, **changes)

    for read in (fx.load, fx.latest):
        with pytest.raises(SegmentUnreadable, match=r"00000\.parquet.*summary|00000\.parquet.*(series|iterable)"):
            read(root)
    assert [finding.name for finding in store.check()] == [f"{MONTH}/00000.parquet"]


# files that are no segments


@pytest.mark.parametrize("stray", STRAYS)
@pytest.mark.parametrize("folder", [MONTH, "polls/source=timesca/month=2025-11"])
def test_recording_ignores_a_file_that_is_no_segment_and_says_so_once(store, root, caplog, folder, stray):
    (root / folder / stray).parent.mkdir(exist_ok=True)
    (root / folder / stray).write_bytes(b"stray")

    for at in (LATER, LATER + QUARTER):
        assert store.append(snapshot_ticks(at)).added == 5
        assert store.record([Poll("timesca", at, Outcome.OK)]) == 1
    assert store.append(imported(NOON - QUARTER)).added == 5

    assert [text for text in caplog.messages if f"{folder}/{stray}" in text] == [
        f"{folder}/{stray} is not a segment and is ignored here; readers refuse it by name"
    ]
    assert stray_files(store.backend, store.tables) == [f"{folder}/{stray}"]
    assert [finding.name for finding in store.check()] == [f"{folder}/{stray}"]
    assert (root / folder / stray).read_bytes() == b"stray"
    with pytest.raises(SegmentUnreadable, match="not the name of a segment"):
        (fx.load if folder == MONTH else fx.load_polls)(root)


def test_recording_reads_its_own_past_beside_a_stray_file(store, root):
    for folder in ("ticks", "polls", MONTH, "polls/source=timesca", "polls/source=timesca/month=2025-11"):
        (root / folder / "stray").write_text("")

    assert list(store.planned_slots("timesca", LATER)) == [NOON]
    assert store.has_polls("timesca", NOON, LATER)
    assert len(store.live_ticks("timesca", NOON, LATER)) == 5


def test_folder_in_place_of_a_segment_does_not_hinder_the_next_one(root):
    (root / FIRST).mkdir(parents=True)

    assert Store(root).append(snapshot_ticks()).added == 5
    assert (root / SECOND).is_file()


def test_last_number_of_a_segment_is_not_followed_by_a_longer_name(store, root):
    (root / FIRST).rename(root / MONTH / "99999.parquet")
    (root / MONTH / "99999.parquet").write_bytes(b"")

    with pytest.raises(SegmentUnreadable, match="last number"):
        store.append(snapshot_ticks(LATER))

    assert [path.name for path in (root / MONTH).iterdir()] == ["99999.parquet"]


# damaged segments


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_live_ticks_are_recorded_beside_a_damaged_segment_until_it_is_moved(store, root, damage):
    damage(root / FIRST)
    content = (root / FIRST).read_bytes()

    assert store.append(snapshot_ticks(LATER)) == Appended(added=5, known=0)
    assert store.append(snapshot_ticks(LATER)) == Appended(added=0, known=5)
    assert Store(root).append(snapshot_ticks(LATER + QUARTER)) == Appended(added=5, known=0)

    assert (root / FIRST).read_bytes() == content
    assert len(pq.read_table(root / SECOND)) == 10
    with pytest.raises(SegmentUnreadable, match=FIRST):
        fx.load(root)
    assert [item.name for item in damaged_segments(store.tables, "timesca")] == [FIRST]
    assert [moved.name for moved in store.quarantine()] == [FIRST]
    assert damaged_segments(store.tables, "timesca") == []
    assert store.check() == []
    assert len(fx.load(root)) == 10


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_imports_into_a_damaged_month_are_refused_and_others_are_not(store, root, damage):
    damage(root / FIRST)

    for ticks in (imported(LATER), [*snapshot_ticks(LATER), *imported(LATER)]):
        with pytest.raises(SegmentUnreadable, match=FIRST):
            store.append(ticks)
    assert store.append(imported(NOON + timedelta(days=30))).added == 5
    assert store.append([replace(tick, source="nbk") for tick in imported(NOON)]).added == 5
    assert not (root / SECOND).exists()


def test_imports_stay_refused_after_recording_went_on_beside_a_damaged_page(store, root):
    flip(root / FIRST, 40)
    store.append(snapshot_ticks(LATER))

    for writer in (store, Store(root)):
        with pytest.raises(SegmentUnreadable, match=FIRST):
            writer.append(imported(LATER + timedelta(days=1)))


def test_damage_in_a_sealed_segment_does_not_stop_recording(root):
    store = Store(root, segment_rows=5)
    store.append(snapshot_ticks())
    store.append(snapshot_ticks(LATER)[:3])
    flip(root / FIRST, -5)

    assert Store(root, segment_rows=5).append(snapshot_ticks(LATER)[3:]).added == 2
    assert len(pq.read_table(root / SECOND)) == 5


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_outcomes_are_recorded_beside_a_damaged_segment(store, root, damage):
    (root / POLLS).write_bytes((root / FIRST).read_bytes())
    damage(root / POLLS)

    assert store.record([Poll("timesca", LATER, Outcome.OK)]) == 1
    assert store.record([Poll("timesca", LATER, Outcome.OK)]) == 0
    assert list(store.planned_slots("timesca", LATER)) == [LATER]


def test_damage_is_logged_once_and_found_again_by_the_next_process(store, root, caplog):
    flip(root / FIRST, 40)  # a page: the footer is sound
    for minute in range(1, 4):
        store.append(snapshot_ticks(NOON + minute * QUARTER))

    assert len([text for text in caplog.messages if FIRST in text]) == 1
    assert damaged_segments(Store(root).tables, "timesca") == []
    [found] = damaged_segments(Store(root).tables, "timesca", search=True)
    assert str(found).startswith(f"{FIRST} is damaged (")
    assert "check --quarantine" in str(found)
    assert damaged_segments(Store(root).tables, "nbk", search=True) == []


def test_damaged_segment_that_was_replaced_by_a_sound_one_is_no_damage_any_more(store, root):
    sound = (root / FIRST).read_bytes()
    flip(root / FIRST, 40)
    store.append(snapshot_ticks(LATER))

    (root / FIRST).write_bytes(sound)

    assert damaged_segments(store.tables, "timesca", search=True) == []
    assert store.append(imported(NOON - QUARTER)).added == 5
    assert len(fx.load(root)) == 15
    assert store.check() == []


class Unreadable(LocalStorage):
    """A disk that does not give one file, for a reason that says nothing about its bytes."""

    def open(self, name, *, version=None):
        if name == FIRST:
            raise SegmentUnreadable(name, "Input/output error") from OSError(errno.EIO, "Input/output error")
        return super().open(name, version=version)


def test_system_error_is_no_damage_and_refuses_live_ticks_too(store, root):
    refused = Store(Unreadable(root))

    with pytest.raises(SegmentUnreadable, match="Input/output error"):
        refused.append(snapshot_ticks(LATER))
    assert refused.append(snapshot_ticks(LATER, source="nbk")).added == 5
    assert not (root / SECOND).exists()


def test_newer_schema_is_no_damage_and_refuses_live_ticks_too(store, root):
    table = pq.read_table(root / FIRST, partitioning=None)
    pq.write_table(table.replace_schema_metadata({b"fxticker.schema_version": b"3"}), root / FIRST)

    with pytest.raises(SegmentUnreadable, match="use a newer one"):
        Store(root).append(snapshot_ticks(LATER))
    assert not (root / SECOND).exists()


# footers that are not those of the rows


DOCTORED = {
    "other pairs": {"series": ("AAA/USD",)},
    "fewer pairs": {"series": ("KGS/USD",)},
    "month without its pairs": {"month_series": ("KGS/USD",)},
    "later rows": {"last": 2_000_000_000_000_000},
    "more rows": {"rows": 6},
}


@pytest.mark.parametrize("changes", DOCTORED.values(), ids=DOCTORED.keys())
@pytest.mark.parametrize("ticks", [snapshot_ticks(LATER), snapshot_ticks()], ids=["new rows", "known rows"])
def test_append_does_not_make_a_doctored_segment_sound(store, root, changes, ticks):
    with_summary(root / FIRST, **changes)
    content = (root / FIRST).read_bytes()
    before = Store(root).check()

    with pytest.raises(SegmentUnreadable, match=FIRST):
        Store(root).append([replace(tick, origin=Origin.PAGE) for tick in ticks])
    Store(root).append(ticks)

    assert (root / FIRST).read_bytes() == content
    assert before != []
    assert {*before} <= {*Store(root).check()}
    assert [moved.name for moved in Store(root).quarantine()] == [FIRST]
    assert Store(root).check() == []


def test_doctored_sealed_segment_is_not_published_again(root):
    Store(root, segment_rows=5).append(snapshot_ticks())
    with_summary(root / FIRST, series=("AAA/USD",), month_series=("AAA/USD",))
    content, version = (root / FIRST).read_bytes(), (root / FIRST).stat().st_ino

    Store(root, segment_rows=5).append(snapshot_ticks(LATER))

    assert (root / FIRST).read_bytes() == content
    assert (root / FIRST).stat().st_ino == version


# slots that a damaged file may hold


def spans(root, *, upto=LATER + QUARTER):
    return damaged_spans(Store(root).polls, "timesca", NOON, upto)


def test_slots_of_a_month_up_to_now_are_in_a_damaged_span_if_its_file_is_damaged(store, root):
    assert spans(root) == []
    (root / POLLS).write_bytes(b"")

    upto = LATER + QUARTER + timedelta(microseconds=1)
    assert spans(root) == [Span(NOON.replace(day=1, hour=0), upto)]


def test_slots_of_the_next_month_are_in_no_damaged_span(store, root):
    (root / POLLS).write_bytes(b"")

    end = (NOON + timedelta(days=17)).replace(day=1, hour=0)
    assert spans(root, upto=NOON + timedelta(days=40)) == [Span(NOON.replace(day=1, hour=0), end)]


def test_slots_after_the_begin_of_the_next_sound_segment_are_in_no_damaged_span(store, root):
    (root / POLLS).write_bytes(b"")
    store.record([Poll("timesca", LATER, Outcome.OK)])

    assert spans(root) == [Span(NOON.replace(day=1, hour=0), LATER)]


def test_slots_that_can_be_read_are_in_no_damaged_span_though_another_column_is_damaged(store, root):
    chunk = pq.read_metadata(root / POLLS).row_group(0).column(3)
    flip(root / POLLS, (chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 1)

    assert store.check() != []
    assert spans(root) == []
    assert list(Store(root).planned_slots("timesca", LATER)) == [NOON]


def test_damaged_months_before_the_last_outcome_are_not_searched(store, root):
    store.record([Poll("timesca", NOON + timedelta(days=30), Outcome.OK)])
    (root / POLLS).write_bytes(b"")

    assert damaged_spans(store.polls, "timesca", NOON + timedelta(days=30), NOON + timedelta(days=31)) == []
