"""Two writers without a lock between them: the version that a write names decides, and the loser begins again."""

from datetime import timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks

from fxticker.errors import Conflict
from fxticker.model.records import Outcome, Poll
from fxticker.store.local import LocalStorage
from fxticker.store.store import Appended, Store

MINUTE = timedelta(minutes=1)


class Overtaken(LocalStorage):
    """A storage in which another writer acts before each of the next writes of a segment."""

    def __init__(self, root, other_writes=()):
        super().__init__(root)
        self.other_writes = list(other_writes)

    def put(self, name, data, *, expected=None):
        if self.other_writes and name.endswith(".parquet"):
            self.other_writes.pop(0)()
        return super().put(name, data, expected=expected)

    def write_lock(self, timeout_s):
        return self.daemon_lock()  # any lock but that of the other writer


def overtaken_store(root, *writes, segment_rows=50_000):
    return Store(Overtaken(root, writes), clock=FixedClock(), segment_rows=segment_rows)


def identities(store):
    return [
        (row["pair"], row["observed_at"])
        for segment in store.ticks.segments()
        for row in store.ticks.open(segment).read().to_pylist()
    ]


def test_append_overtaken_by_another_adds_its_rows_to_those_of_the_other(root):
    other = Store(root)
    store = overtaken_store(root, lambda: other.append(snapshot_ticks(NOON)))

    assert store.append(snapshot_ticks(NOON + MINUTE)) == Appended(added=5, known=0)

    found = identities(store)
    assert len(found) == len(set(found)) == 10
    assert store.check() == []


def test_rows_that_another_writer_stored_first_are_known(root):
    other = Store(root)
    other.append(snapshot_ticks(NOON - MINUTE))
    store = overtaken_store(root, lambda: other.append(snapshot_ticks(NOON)))

    assert store.append(snapshot_ticks(NOON)) == Appended(added=0, known=5)
    assert len(identities(store)) == 10


def test_slot_that_another_recorder_settled_first_keeps_that_outcome(root):
    other = Store(root)
    store = overtaken_store(root, lambda: other.record([Poll("timesca", NOON, Outcome.OK)]))

    assert store.record([Poll("timesca", NOON, Outcome.MISSED)]) == 0

    [segment] = store.polls.segments()
    assert store.polls.open(segment).read(["outcome"])["outcome"].to_pylist() == ["ok"]


def test_append_overtaken_between_two_segments_counts_the_rows_of_both_tries(root):
    first = snapshot_ticks(NOON)
    others = [lambda: None, lambda: Store(root, segment_rows=5).append(snapshot_ticks(NOON + 5 * MINUTE))]
    store = overtaken_store(root, *others, segment_rows=5)

    assert store.append([*first, *snapshot_ticks(NOON + MINUTE)]) == Appended(added=10, known=0)

    found = identities(store)
    assert len(found) == len(set(found)) == 15
    assert len(store.ticks.segments()) == 3
    assert store.check() == []


def test_writer_that_is_always_overtaken_gives_up_with_a_named_error(root):
    other = Store(root)
    writes = [lambda n=n: other.append(snapshot_ticks(NOON + n * MINUTE)) for n in range(1, 100)]
    store = overtaken_store(root, *writes)

    with pytest.raises(Conflict, match="another writer changed it meanwhile"):
        store.append(snapshot_ticks(NOON))

    assert NOON not in {instant for _, instant in identities(store)}
