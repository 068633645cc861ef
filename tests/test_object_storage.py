"""A store on object storage: lost answers are settled, conditions decide, and errors are those of a store."""

import errno
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import NOON, FixedClock, snapshot_ticks
from object_faults import LOST, LosingCalls, in_memory

import fxticker as fx
from fxticker.errors import Conflict, MissingExtra, SegmentUnreadable, StoreError, StoreLocked, WriteFailed
from fxticker.model.records import Origin, Outcome, Poll
from fxticker.store import object_file, object_put
from fxticker.store.backend import ABSENT
from fxticker.store.deferred import Stretch, read_deferred, write_deferred
from fxticker.store.location import storage_at
from fxticker.store.recorders import Recorder, remove_recorder, write_recorder
from fxticker.store.rewrite import rewrite
from fxticker.store.store import Appended, Store

pytest.importorskip("obstore")

MINUTE = timedelta(minutes=1)
FIRST = "ticks/source=timesca/month=2025-11/00000.parquet"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(object_put, "PAUSES_S", (0, 0))


@pytest.fixture
def storage():
    return in_memory()[0]


# puts without a clear answer


@pytest.mark.parametrize("lost", [["answer"], ["request"], ["request", "answer"], ["answer", "answer"]])
def test_put_whose_answer_was_lost_is_done_once(lost):
    storage, calls = in_memory(LosingCalls)
    first = storage.put("a/1", b"first")
    calls.lost = lost

    version = storage.put("a/1", b"second", expected=first)

    assert [(item.size_bytes, item.version) for item in storage.list("a")] == [(6, version)]


def test_put_whose_answer_was_lost_and_that_another_replaced_is_a_conflict(storage):
    first = storage.put("a/1", b"first")
    calls = storage._calls

    def replaced_and_lost(kind, name):
        calls.after = lambda kind, name: None
        storage.put("a/1", b"third")
        raise LOST

    calls.after = replaced_and_lost

    with pytest.raises(Conflict, match="a/1: another writer changed it meanwhile"):
        storage.put("a/1", b"second", expected=first)


def test_put_that_never_arrives_fails_after_three_tries_and_changes_nothing():
    storage, calls = in_memory(LosingCalls)
    first = storage.put("a/1", b"first")
    calls.made.clear()
    calls.lost = ["request"] * 3

    with pytest.raises(WriteFailed, match="nothing of this write is acknowledged") as raised:
        storage.put("a/1", b"second", expected=first)

    assert not isinstance(raised.value, Conflict)
    assert [kind for kind, _ in calls.made] == ["put", "get"] * 3
    assert storage.open("a/1").read() == b"first"


def test_put_to_a_storage_that_is_gone_fails_at_once(storage):
    storage._calls.before = _refused

    with pytest.raises(WriteFailed, match="memory/a/1: connection refused"):
        storage.put("a/1", b"body", expected=ABSENT)

    assert len(storage._calls.made) == 2


def _refused(kind, name):
    raise OSError(errno.EIO, "connection refused")


# reading


def test_only_the_end_of_a_large_object_is_read_until_the_rest_is_asked_for(storage, monkeypatch):
    monkeypatch.setattr(object_file, "END_BYTES", 100)
    storage.put("a/1", bytes(range(250)) * 4)
    calls = storage._calls

    with storage.open("a/1") as file:
        file.seek(950)
        assert file.read(10) == bytes(range(200, 210))
        assert calls.received_bytes == 100
        file.seek(0)
        assert file.read() == bytes(range(250)) * 4
    assert calls.received_bytes == 1000
    assert [kind for kind, _ in calls.made] == ["put", "get", "get"]


def test_object_replaced_between_its_two_reads_is_read_anew_or_refused(storage, monkeypatch):
    monkeypatch.setattr(object_file, "END_BYTES", 2)
    storage.put("a/1", b"first body")
    whole, begun = storage.open("a/1"), storage.open("a/1")
    begun.seek(8)
    assert begun.read(2) == b"dy"

    storage.put("a/1", b"SECOND BODY")

    assert whole.read_buffer().to_pybytes() == b"SECOND BODY"
    begun.seek(0)
    with pytest.raises(OSError, match="replaced while it was read"):
        begun.read()


# a store


def test_store_is_read_as_one_on_a_disk_is(storage):
    store = Store(storage, clock=FixedClock(), segment_rows=10)
    for n in range(5):
        store.append(snapshot_ticks(NOON + n * MINUTE))
        store.record([Poll("timesca", NOON + n * MINUTE, Outcome.OK)])

    assert fx.load(store)["observed_at"].nunique() == 5
    assert len(fx.load_polls(store)) == 5
    assert [segment.number for segment in store.ticks.segments()] == [0, 1, 2]
    assert store.check() == []
    assert store.daemon() is None


def test_command_that_no_recorder_may_run_beside_is_refused_while_one_was_seen_lately(storage):
    now = datetime.now(UTC)
    write_recorder(storage, Recorder("a", 1, now, now, now + MINUTE))
    write_recorder(storage, Recorder("b", 1, now, now - 2 * MINUTE, now - MINUTE))

    with pytest.raises(StoreLocked, match=r"held by the recorder a \(seen at"):
        [*rewrite(Store(storage))]

    remove_recorder(storage, "a")
    assert [*rewrite(Store(storage))] == []


def test_append_that_was_done_though_its_answer_was_lost_is_acknowledged():
    storage, calls = in_memory(LosingCalls)
    store = Store(storage)
    store.append(snapshot_ticks(NOON))
    calls.lost = ["answer"]

    assert store.append(snapshot_ticks(NOON + MINUTE)) == Appended(added=5, known=0)
    assert len(fx.load(store)) == 10


def test_unreadable_newest_segment_stops_its_source_until_it_is_moved_aside(storage):
    Store(storage).append([*snapshot_ticks(NOON), *snapshot_ticks(NOON, source="nbk")])
    storage.put(FIRST, b"not a table")
    store = Store(storage)

    with pytest.raises(SegmentUnreadable, match="00000"):
        store.append(snapshot_ticks(NOON + MINUTE))
    assert store.append(snapshot_ticks(NOON + MINUTE, source="nbk")).added == 5
    assert [item.name for item in storage.list("ticks/source=timesca")] == [FIRST]

    assert [moved.name for moved in store.quarantine()] == [FIRST]
    assert store.append(snapshot_ticks(NOON + MINUTE)).added == 5


def test_unreadable_sealed_segment_stops_no_live_tick(storage):
    store = Store(storage, segment_rows=5)
    for n in range(2):
        store.append(snapshot_ticks(NOON + n * MINUTE))
    storage.put(FIRST, b"not a table")

    rows = snapshot_ticks(NOON + 2 * MINUTE)
    assert {row.origin for row in rows} == {Origin.LIVE}
    assert Store(storage, segment_rows=5).append(rows).added == 5


def test_steady_poll_takes_two_requests_for_its_ticks_and_two_for_its_outcome(storage):
    store = Store(storage)
    for n in range(3):
        storage._calls.made.clear()
        store.append(snapshot_ticks(NOON + n * MINUTE))
        store.record([Poll("timesca", NOON + n * MINUTE, Outcome.OK)])

    assert [kind for kind, _ in storage._calls.made] == ["list", "put", "list", "put"]


def test_deferred_slots_that_another_recorder_changed_are_not_replaced(storage):
    first, second = (Stretch(NOON + n * MINUTE, NOON + (n + 1) * MINUTE, "why") for n in (0, 5))
    write_deferred(storage, "timesca", [first])

    with pytest.raises(Conflict):
        write_deferred(storage, "timesca", [second])
    assert read_deferred(storage, "timesca") == [first]

    write_deferred(storage, "timesca", [first, second], replaced=[first])
    write_deferred(storage, "timesca", [], replaced=[first, second])
    assert read_deferred(storage, "timesca") == []


# locations


@pytest.mark.parametrize("url", ["s3://", "s3://B", "s3://user:secret@bucket", "s3://bucket/a//b", "s3://bucket/../x"])
def test_url_that_names_no_bucket_is_refused(url):
    with pytest.raises(StoreError, match="must be s3://bucket or s3://bucket/prefix") as raised:
        storage_at(url, must_exist=False)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "location",
    [Path("s3://bucket/prefix"), "S3://secret@bucket", "gs://secret", " s3://secret@bucket", "s3:secret"],
)
def test_other_url_is_refused_and_makes_no_folder(tmp_path, monkeypatch, location):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="must be a folder, or a URL that begins with s3://") as raised:
        Store(location).append(snapshot_ticks())
    assert "secret" not in str(raised.value)
    assert [*tmp_path.iterdir()] == []


def test_store_that_does_not_exist_or_cannot_be_reached_is_named(storage, monkeypatch):
    assert not storage.exists()
    Store(storage).append(snapshot_ticks())
    assert storage.exists()

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word-that-is-secret")
    with pytest.raises(StoreError, match=r"s3://bucket/prefix: cannot be read \(.*127\.0\.0\.1:9") as raised:
        fx.load("s3://bucket/prefix")
    assert "word-that-is-secret" not in str(raised.value)


def test_missing_client_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore.store", None)

    with pytest.raises(MissingExtra, match=r"pip install 'fxticker\[s3\]'"):
        fx.load("s3://bucket/prefix")
