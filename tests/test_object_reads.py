"""Reads of a store on object storage: of one version of each file, of the months asked for, and counted."""

import logging
import threading
import uuid
from datetime import timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from object_faults import WatchedObjectCalls, in_memory
from object_servers import BUCKET, environment

import fxticker as fx
from fxticker.store import object_file
from fxticker.store.object_calls import ObjectCalls
from fxticker.store.store import Store
from fxticker.store.traffic import Traffic

pytest.importorskip("obstore")

MINUTE = timedelta(minutes=1)
NOVEMBER = "ticks/source=timesca/month=2025-11"
SMALL_END = 2000
"""Bytes at the end of a file that are read at once: its footer, so that a load of rows takes a second request."""


class VersionedCalls(WatchedObjectCalls):
    """Requests of which each notes the version that it asks for, and the one that it got."""

    def __init__(self, objects):
        super().__init__(objects)
        self.versions = []

    def get(self, name, **options):
        part = super().get(name, **options)
        self.versions.append((name, options.get("version"), part.version))
        return part


@pytest.fixture
def calls(monkeypatch):
    """The requests of a storage in memory that holds a segment of October, and a full and an open one of November."""
    monkeypatch.setattr(object_file, "END_BYTES", SMALL_END)
    storage, calls = in_memory(VersionedCalls)
    store = stored_in(storage)
    for at in (NOON - timedelta(days=30), NOON, NOON + MINUTE, NOON + 2 * MINUTE):
        store.append(snapshot_ticks(at))
    assert [segment.name[-12:] for segment in store.ticks.segments()] == [
        "0000.parquet",
        "0000.parquet",
        "0001.parquet",
    ]
    calls.made.clear()
    calls.traffic = Traffic()
    return calls


def stored_in(storage):
    return Store(storage, clock=FixedClock(), segment_rows=10)


def asked(calls, kind):
    return [name for made, name in calls.made if made == kind]


def store_of(calls):
    from fxticker.store.object_storage import ObjectStorage

    return Store(ObjectStorage(calls, "memory"), clock=FixedClock(), segment_rows=10)


def test_load_lists_once_and_takes_two_requests_of_one_version_for_each_segment_of_its_months(calls):
    frame = fx.load(store_of(calls), start="2025-11-01")

    assert len(frame) == 15
    assert [each for each in calls.made if each[0] != "get"] == [("folders", "retractions"), ("list", "ticks")]
    assert sorted(asked(calls, "get")) == sorted([f"{NOVEMBER}/0000{n}.parquet" for n in (0, 1)] * 2)
    for name in {*asked(calls, "get")}:
        (_, first, got), (_, second, got_then) = [each for each in calls.versions if each[0] == name]
        assert (first, second, got_then) == (None, got, got)


def test_load_reads_a_segment_anew_that_is_replaced_between_its_requests(calls):
    def replace_once(kind, name):
        if kind == "get" and name == f"{NOVEMBER}/00001.parquet":
            calls.after = lambda kind, name: None
            stored_in(store_of(calls).backend).append(snapshot_ticks(NOON + 3 * MINUTE))

    calls.after = replace_once
    frame = fx.load(store_of(calls), start="2025-11-01")

    assert frame["observed_at"].drop_duplicates().tolist() == [NOON + n * MINUTE for n in range(4)]
    assert len(frame) == 20


def test_summary_of_many_pairs_is_read_anew_when_its_segment_is_replaced_between_two_reads(calls, monkeypatch):
    letters = "ABCDEFGHIJKLMNOPQRST"
    pairs = [f"{first}{second}A/USD" for first in letters for second in letters]
    store = Store(store_of(calls).backend, clock=FixedClock())
    store.append([tick(pair, observed_at=NOON + 4 * MINUTE) for pair in pairs])
    monkeypatch.setattr("fxticker.store.segment_end.END_BYTES", SMALL_END)

    def replace_once(kind, name):
        if kind == "get":
            calls.after = lambda kind, name: None
            store.append([tick("KZT/USD", observed_at=NOON + 5 * MINUTE)])

    calls.after = replace_once
    newest = store.ticks.segments()[-1]

    assert Store(store.backend).ticks.summary(newest).last == 1_763_121_900_000_000


def test_load_logs_its_requests_and_bytes(calls, caplog):
    caplog.set_level(logging.DEBUG, "fxticker")

    store = store_of(calls)
    fx.load(store, start="2025-11-01")

    received = store.backend.traffic.received_bytes
    assert received == sum(item.size_bytes for item in store.backend.list(NOVEMBER))
    [record] = caplog.records
    assert record.message.startswith(f"memory: read by 2 LIST, 4 GET, {received / 1e6:.2f} MB received, ")


def test_traffic_counts_a_list_of_many_names_as_the_requests_that_it_takes(monkeypatch):
    storage, calls = in_memory(ObjectCalls)
    for n in range(5):
        storage.put(f"a/{n}", b"x")
    monkeypatch.setattr("fxticker.store.object_calls.NAMES_A_LIST", 2)
    storage.list("a")
    storage.delete("a/0")

    assert str(calls.traffic) == "3 LIST, 5 PUT, 1 DELETE, 0.00 MB sent"


@pytest.mark.slow
def test_every_load_beside_a_writer_is_whole_and_of_one_version(seaweedfs_endpoint, monkeypatch):
    for name, value in environment(seaweedfs_endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(object_file, "END_BYTES", SMALL_END)
    location, done, acknowledged = f"s3://{BUCKET}/{uuid.uuid4()}", threading.Event(), [0]
    writer = Store(location, clock=FixedClock(), segment_rows=200)

    def write():
        while not done.is_set():
            writer.append(snapshot_ticks(NOON + acknowledged[0] * MINUTE))
            acknowledged[0] += 1

    writer.append(snapshot_ticks(NOON))
    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(40):
            before = acknowledged[0]
            frame = fx.load(location)
            counts = frame.groupby("observed_at", observed=True).size()
            assert (counts == 5).all()
            assert counts.index.tolist() == [NOON + n * MINUTE for n in range(len(counts))]
            assert before <= len(counts) <= acknowledged[0] + 1
    finally:
        done.set()
        thread.join()
