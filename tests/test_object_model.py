"""The store on object storage beside a plain dictionary: lost requests, deaths, and a writer that comes first."""

import os
import uuid

import pytest
from builders import snapshot_ticks
from hypothesis import Phase, settings
from hypothesis.stateful import precondition, rule
from laws import steps
from object_faults import FaultyObjectCalls, in_memory
from object_servers import BUCKET, environment
from test_store_model import FEW, INSTANTS, MANY, POLLS, StoreBesideAModel

from fxticker.errors import SegmentUnreadable, WriteFailed
from fxticker.store import object_put
from fxticker.store.location import storage_at
from fxticker.store.object_storage import ObjectStorage
from fxticker.store.store import Store

pytest.importorskip("obstore")
ENDPOINTS = []


class StoreOnObjectStorage(StoreBesideAModel):
    """The model with its store in memory; the objects are copied into the folder that it looks at."""

    refusals = (WriteFailed, SegmentUnreadable)  # a read can fail, too

    def __init__(self):
        super().__init__()
        self.objects, self.copied = None, {}

    def client(self):
        storage, _ = in_memory(FaultyObjectCalls)
        return storage

    @property
    def place(self):
        return Store(self.objects)

    def bring_files(self):
        self.calls.heal()
        present = {item.name: item.version for folder in TABLES for item in self.objects.list(folder)}
        for name in {*self.copied} - {*present}:
            (self.root / name).unlink()
        for name in [name for name, version in present.items() if self.copied.get(name) != version]:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(self.objects.open(name).read())
        self.copied = present

    # what object storage has besides

    @rule(batch=FEW | MANY, other=FEW)
    def be_overtaken_while_appending(self, batch, other):
        self.sent.extend([*batch, *other])
        self.calls.meanwhile = lambda: self._append_by_the_other(other)
        added = self.store.append(batch).added
        fresh = self._fresh_ticks(batch)
        assert added == len(fresh)
        self.ticks |= fresh

    @rule(batch=POLLS, other=POLLS)
    def be_overtaken_while_recording(self, batch, other):
        self.calls.meanwhile = lambda: self._record_by_the_other(other)
        added = self.store.record(batch)
        fresh = self._fresh_polls(batch)
        assert added == len(fresh)
        self.polls |= fresh

    def _append_by_the_other(self, batch):
        self.ticks |= self._fresh_ticks(batch)
        self.other.append(batch)

    def _record_by_the_other(self, batch):
        self.polls |= self._fresh_polls(batch)
        self.other.record(batch)

    @precondition(lambda self: False)
    @rule()
    def record_beside_damage_and_move_it_aside(self):
        """What a damaged segment stops is not the same here: test_object_storage.py."""

    def _opened(self):
        if self.objects is None:
            self.objects = self.client()
            self.calls = self.objects._calls
        storage = ObjectStorage(self.calls, "objects")  # a lock of its own, as in another process
        return Store(storage, clock=self.clock, segment_rows=self.segment_rows)


TABLES = ("ticks", "polls", "retractions")


class StoreOnSeaweedFS(StoreOnObjectStorage):
    """The same on a server."""

    def client(self):
        os.environ.update(environment(ENDPOINTS[0]))
        plain = storage_at(f"s3://{BUCKET}/{uuid.uuid4()}", must_exist=False)
        return ObjectStorage(FaultyObjectCalls(plain._calls._writes), str(plain))


@pytest.fixture(autouse=True, scope="module")
def _no_pauses():
    pauses_s, object_put.PAUSES_S = object_put.PAUSES_S, (0, 0)
    yield
    object_put.PAUSES_S = pauses_s


TestStoreOnObjectStorage = StoreOnObjectStorage.TestCase
TestStoreOnObjectStorage.settings = settings(
    deadline=None, max_examples=2, stateful_step_count=25, derandomize=True, database=None, phases=[Phase.generate]
)
TestStoreOnObjectStorageForLonger = pytest.mark.slow(type("Longer", (StoreOnObjectStorage,), {}).TestCase)
TestStoreOnObjectStorageForLonger.settings = settings(deadline=None, max_examples=40, stateful_step_count=40)


@pytest.mark.slow
def test_store_on_a_server_beside_a_model(seaweedfs_endpoint):
    ENDPOINTS[:] = [seaweedfs_endpoint]
    case = StoreOnSeaweedFS.TestCase
    case.settings = settings(deadline=None, max_examples=25, stateful_step_count=30)
    case("runTest").runTest()


@pytest.mark.parametrize("lasting", [False, True])
def test_append_with_a_fault_at_any_request_stores_whole_snapshots_once(lasting):
    more = [row for at in [INSTANTS[2], *INSTANTS[4:8]] for row in snapshot_ticks(at)]
    for step in steps(99, every=6):
        model = StoreOnObjectStorage()
        model.begin(segment_rows=12)
        try:
            model.append([row for at in INSTANTS[3:5] for row in snapshot_ticks(at)])
            model.be_refused_while_appending(more, step, 5, lasting)
            has_no_such_step = not model.calls.has_failed  # a put whose answer was lost succeeds
            model.check_all()
            model.append(more)
            model.check_all()
        finally:
            model.teardown()
        if has_no_such_step:
            break
    assert 10 < step < 99
