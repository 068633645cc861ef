"""The store beside a plain dictionary, through faults and deaths; its files are read with pyarrow alone."""

import errno
import os
import tempfile
from collections import defaultdict
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, cases, snapshot_ticks, tick
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from laws import steps
from store_faults import DAMAGES, FaultyCalls

import fxticker as fx
from fxticker.errors import NoData, SegmentUnreadable, WriteFailed
from fxticker.model.records import Origin, Outcome, Poll, Retraction, TimeBasis
from fxticker.store.local import LocalStorage
from fxticker.store.store import Appended, Store

MICROSECOND = timedelta(microseconds=1)
INSTANTS = [
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2025, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC),
    *(datetime(2025, 12, 1, hour, tzinfo=UTC) for hour in range(8)),
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2200, 2, 28, tzinfo=UTC),
]
LAST_SLOT = datetime(9999, 12, 31, 23, 45, tzinfo=UTC)
SOURCES = ["timesca", "nbk"]
PAIRS = ["KGS/USD", "KZT/USD", "UZS/USD"]
TICKS = st.builds(
    tick,
    pair=st.sampled_from(PAIRS),
    rate_text=st.sampled_from(["0.00191", "0.00192", "0.0019", "0.001910"]),
    change_text=st.sampled_from(["-0%", "0%", "0.37%", None]),
    observed_at=st.sampled_from(INSTANTS),
    source=st.sampled_from(SOURCES),
    time_basis=st.sampled_from(TimeBasis),
)
FEW = st.lists(TICKS, min_size=1, max_size=6)
MANY = st.lists(TICKS, min_size=10, max_size=30)
POLLS = st.lists(
    st.builds(
        Poll,
        st.sampled_from(SOURCES),
        st.sampled_from(INSTANTS),
        st.sampled_from([Outcome.OK, Outcome.MISSED, Outcome.TIMEOUT]),
    ),
    min_size=1,
    max_size=8,
)
STEPS = st.integers(1, 40)
NUMBERS = st.sampled_from([errno.ENOSPC, errno.EIO])
MAYBE_INSTANT = st.none() | st.sampled_from(INSTANTS)


class Died(BaseException):
    """The process ends here: nothing catches it, and what was under way stays as it is."""


def tick_identity(row):
    return (row["source"], row["observed_at"], row["pair"], row["rate_text"], row["change_text"])


def poll_identity(row):
    return (row["source"], row["slot"])


def retraction_key(row):
    return (*tick_identity(row), row["retracted_at"], row["reason"])


def as_row(record, **more):
    return {field.name: getattr(record, field.name) for field in fields(record)} | more


class Segments:
    """The files of one table, as anybody may read them."""

    def __init__(self, root, table, time_column, order):
        self._root = root
        self._table = table
        self._time_column = time_column
        self._order = order
        self._known = {}

    def rows(self):
        return [row for path in self.paths() for row in self.rows_of(path)]

    def rows_of(self, path):
        return self._read(path)[1]

    def check(self, segment_rows):
        """Assert what holds of every partition at every moment."""
        for _, partition in groupby(self.paths(), key=lambda path: path.parent):
            paths = list(partition)
            aside = self._root / "quarantine" / paths[0].parent.relative_to(self._root)
            names = sorted({path.name for path in [*paths, *aside.glob("*.parquet")]})
            assert names == [f"{number:05}.parquet" for number in range(len(names))]
            for path in paths:
                is_sealed, rows = self._read(path)
                keys = [tuple(row[name] for name in self._order) for row in rows]
                assert keys == sorted(keys)
                assert {f"month={row[self._time_column]:%Y-%m}" for row in rows} == {path.parent.name}
                assert is_sealed == (len(rows) >= segment_rows)
                assert is_sealed or path == paths[-1]

    def forget(self, path):
        """Expect another file in the place of one that was moved aside."""
        self._known.pop(path)

    def paths(self):
        return sorted(self._root.glob(f"{self._table}/*/*/*"))

    def _read(self, path):
        content = path.read_bytes()
        before, facts = self._known.get(path, (None, None))
        if before != content:
            assert before is None or not facts[0], f"{path} was sealed and has changed"
            file = pq.ParquetFile(pa.BufferReader(content))
            source = path.parts[-3].removeprefix("source=")
            rows = [{"source": source, **row} for row in file.read().to_pylist()]
            time = file.metadata.row_group(0).column(file.schema_arrow.names.index(self._time_column))
            facts = ("DELTA_BINARY_PACKED" in time.encodings, rows)
            self._known[path] = (content, facts)
        return facts


class StoreBesideAModel(RuleBasedStateMachine):
    """Two writers that take turns, and a dictionary of what they were told is stored."""

    refusals = (WriteFailed,)

    @initialize(segment_rows=st.sampled_from([3, 7, 12, 1, 50_000]))
    def begin(self, segment_rows):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name) / "parquet"
        self.segment_rows = segment_rows
        self.clock = FixedClock()
        self.calls = FaultyCalls()
        self.ticks, self.polls, self.retractions = {}, {}, {}
        self.tick_files = Segments(self.root, "ticks", "observed_at", ["observed_at", "pair"])
        self.poll_files = Segments(self.root, "polls", "slot", ["slot"])
        self.retraction_files = Segments(
            self.root, "retractions", "observed_at", ["observed_at", "pair", "retracted_at"]
        )
        self.sent = []
        self.staging_is_clean = True
        self.store, self.other = self._opened(), self._opened()

    @property
    def place(self):
        """What readers are given."""
        return self.root

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()

    # writing

    @rule(batch=FEW)
    def append(self, batch):
        fresh = self._fresh_ticks(batch)
        self.sent.extend(batch)
        assert self.store.append(batch) == Appended(added=len(fresh), known=len(batch) - len(fresh))
        self.ticks |= fresh
        self.staging_is_clean = True

    @rule(batch=MANY)
    def import_out_of_order(self, batch):
        self.append(batch)

    @rule(at=st.sampled_from(INSTANTS), source=st.sampled_from(SOURCES))
    def append_a_snapshot(self, at, source):
        self.append(snapshot_ticks(at, source=source))

    @rule()
    def append_again_what_was_ever_sent(self):
        self.append(self.sent[::-1])

    @precondition(lambda self: self.sent)
    @rule(rate_text=st.sampled_from(["0.00193", "0.00194"]))
    def append_a_second_value_at_one_instant(self, rate_text):
        before = self.sent[-1]
        self.append([tick(before.pair, rate_text, None, before.observed_at, source=before.source)])

    @rule(batch=POLLS)
    def record(self, batch):
        fresh = self._fresh_polls(batch)
        assert self.store.record(batch) == len(fresh)
        self.polls |= fresh
        self.staging_is_clean = True

    @precondition(lambda self: self.sent)
    @rule(step=st.integers(1, 4), reason=st.none() | st.just("misread"))
    def retract(self, step, reason):
        wanted = self._retractions(self.sent[::step], reason)
        changed = self._changing(wanted)
        assert self.store.retract(wanted) == len(changed)
        self._take_retractions(changed)
        self.staging_is_clean = True

    # faults

    @precondition(lambda self: self.sent)
    @rule(step=STEPS, reason=st.none() | st.just("misread"), lasting=st.booleans())
    def die_while_retracting(self, step, reason, lasting):
        wanted = self._retractions(self.sent, reason)
        changed = self._changing(wanted)
        if self._is_acknowledged(self.store.retract, wanted, step, Died(), lasting=lasting):
            self._take_retractions(changed)
        else:
            self.bring_files()
            known = {key for keys in self.retractions.values() for key in keys}
            stored = {retraction_key(row) for row in self.retraction_files.rows()} - known
            assert {key[:5] for key in stored} <= set(changed)
            self._take_retractions(changed, only={key[:5] for key in stored})
        self.store = self._opened()

    @rule(batch=FEW | MANY, step=STEPS)
    def die_while_appending(self, batch, step):
        self._append_with_a_fault(batch, step, Died())
        self.store = self._opened()

    @rule(batch=POLLS, step=STEPS)
    def die_while_recording(self, batch, step):
        self._record_with_a_fault(batch, step, Died())
        self.store = self._opened()

    @rule(batch=FEW | MANY, step=STEPS, number=NUMBERS, lasting=st.booleans())
    def be_refused_while_appending(self, batch, step, number, lasting):
        self._append_with_a_fault(batch, step, OSError(number, os.strerror(number)), lasting=lasting)

    @rule(batch=POLLS, step=STEPS, number=NUMBERS, lasting=st.booleans())
    def be_refused_while_recording(self, batch, step, number, lasting):
        self._record_with_a_fault(batch, step, OSError(number, os.strerror(number)), lasting=lasting)

    @precondition(lambda self: self.ticks)
    @rule(damage=st.sampled_from(sorted(DAMAGES)), position=st.integers(0, 1000), batch=FEW)
    def record_beside_damage_and_move_it_aside(self, damage, position, batch):
        paths = self.tick_files.paths()
        path = paths[position % len(paths)]
        lost = {tick_identity(row) for row in self.tick_files.rows_of(path)}
        source, month = (path.parts[place].partition("=")[2] for place in (-3, -2))
        DAMAGES[damage](path)
        content = path.read_bytes()
        inside = [row for row in batch if (row.source, f"{row.observed_at:%Y-%m}") == (source, month)]
        if damage == "flipped byte in the data":  # rows of a pair at instants beyond its own need not read it
            spans = {pair: [key[1] for key in lost if key[2] == pair] for pair in {key[2] for key in lost}}
            inside = [row for row in inside if row.pair in spans]
            inside = [row for row in inside if min(spans[row.pair]) <= row.observed_at <= max(spans[row.pair])]
        self._record_beside_damage(inside, lost)
        assert path.read_bytes() == content
        assert [moved.name for moved in self.store.quarantine()] == [str(path.relative_to(self.root))]
        self.tick_files.forget(path)
        self.ticks = {key: row for key, row in self.ticks.items() if key not in lost or key in self._beside}
        self.staging_is_clean = True

    # the world around

    @rule()
    def reopen(self):
        self.store = self._opened()

    @rule()
    def let_the_other_writer_go_on(self):
        self.store, self.other = self.other, self.store

    @rule(hours=st.sampled_from([-2, -1, 1, 24]))
    def set_the_clock(self, hours):
        self.clock.at += timedelta(hours=hours)

    # reading

    @rule(
        pairs=st.none() | st.lists(st.sampled_from(PAIRS), max_size=2),
        sources=st.none() | st.lists(st.sampled_from(SOURCES), max_size=1),
        start=MAYBE_INSTANT,
        end=MAYBE_INSTANT,
        as_of_hours=st.none() | st.integers(-3, 30),
    )
    def load(self, pairs, sources, start, end, as_of_hours):
        as_of = None if as_of_hours is None else NOON + timedelta(hours=as_of_hours)
        if not self.root.exists():
            return
        self.bring_files()
        stored = {row["pair"] for row in self.ticks.values() if sources is None or row["source"] in sources}
        is_no_span = start is not None and (start > datetime.now(UTC) or (end is not None and start > end))
        if is_no_span or (stored and not {*(pairs or ())} <= stored):
            with pytest.raises(ValueError, match=r"later than now|before it begins|not stored"):
                fx.load(self.place, pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
            return
        frame = fx.load(self.place, pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
        expected = [
            (*identity, row["recorded_at"])
            for identity, row in self.ticks.items()
            if (pairs is None or row["pair"] in pairs)
            and (sources is None or row["source"] in sources)
            and (start is None or row["observed_at"] >= start)
            and (end is None or row["observed_at"] < end)
            and (as_of is None or row["recorded_at"] <= as_of)
            and not self._is_retracted(identity, as_of)
        ]
        found = rows_of(frame, "source", "observed_at", "pair", "rate_text", "change_text", "recorded_at")
        assert [row[1:3] for row in found] == sorted(row[1:3] for row in expected)
        assert len(found) == len(expected)
        assert set(found) == set(expected)

    @rule()
    def check(self):
        assert self.store.check() == []

    @precondition(lambda self: self.ticks)
    @rule()
    def load_plainly(self):
        frame = pd.read_parquet(self.root / "ticks")
        found = rows_of(frame, "source", "observed_at", "pair", "rate_text", "change_text")
        assert len(found) == len(self.ticks)
        assert set(found) == set(self.ticks)

    @precondition(lambda self: self.polls)
    @rule()
    def load_polls(self):
        found = rows_of(fx.load_polls(self.place), "slot", "source", "outcome")
        assert found == sorted((row["slot"], row["source"], row["outcome"]) for row in self.polls.values())

    @precondition(lambda self: self.ticks)
    @rule()
    def take_the_latest(self):
        months, ranks = defaultdict(set), {}
        for identity, row in self.ticks.items():
            months[row["source"]].add(month_of(row["observed_at"]))
            if not self._is_retracted(identity):
                group = (row["source"], row["pair"])
                rank = (row["observed_at"], row["time_basis"] != TimeBasis.DATE, row["recorded_at"])
                ranks[group] = max(ranks.get(group, rank), rank)
        expected = {
            (source, pair): rank
            for (source, pair), rank in ranks.items()
            if month_of(rank[0]) in sorted(months[source])[-12:]
        }
        if not expected:
            with pytest.raises(NoData):
                fx.latest(self.place)
            return
        found = rows_of(fx.latest(self.place), "source", "pair", "observed_at", "time_basis", "recorded_at")
        assert {row[:2]: (row[2], row[3] != TimeBasis.DATE, row[4]) for row in found} == expected
        assert [row[:2] for row in found] == sorted(expected)

    # what always holds

    @invariant()
    def every_identity_is_stored_once_as_it_was_first_acknowledged(self):
        if not hasattr(self, "folder"):
            return
        self.bring_files()
        assert_same_rows(self.tick_files.rows(), self.ticks, tick_identity)
        assert_same_rows(self.poll_files.rows(), self.polls, poll_identity)
        keys = [key for keys in self.retractions.values() for key in keys]
        assert sorted(map(retraction_key, self.retraction_files.rows()), key=repr) == sorted(keys, key=repr)

    @invariant()
    def files_are_as_the_contract_says(self):
        if not hasattr(self, "folder"):
            return
        self.tick_files.check(self.segment_rows)
        self.poll_files.check(self.segment_rows)
        self.retraction_files.check(self.segment_rows)
        if self.staging_is_clean:
            assert list(self.root.glob(".staging/*")) == []

    def _record_beside_damage(self, batch, lost):
        """Imports are refused, live ticks are stored, again if the damaged file had them."""
        imported = [replace(row, origin=Origin.PAGE) for row in batch]
        if batch:
            with pytest.raises(SegmentUnreadable):
                self.store.append(imported)
        known = {key: row for key, row in self.ticks.items() if key not in lost}
        rows = [as_row(row, recorded_at=self.clock.at) for row in batch]
        fresh = {tick_identity(row): row for row in rows[::-1] if tick_identity(row) not in known}
        assert self.store.append(batch).added == len(fresh)
        self._beside = fresh
        self.ticks |= fresh

    def bring_files(self):
        """Have the store's files in the folder, where they are read without fxticker."""

    def check_all(self):
        self.every_identity_is_stored_once_as_it_was_first_acknowledged()
        self.files_are_as_the_contract_says()

    def _opened(self):
        return Store(LocalStorage(self.root, self.calls), clock=self.clock, segment_rows=self.segment_rows)

    def _fresh_ticks(self, batch):
        rows = [as_row(given, recorded_at=self.clock.at) for given in batch]
        return {tick_identity(row): row for row in rows[::-1] if tick_identity(row) not in self.ticks}

    def _fresh_polls(self, batch):
        rows = [as_row(given, recorded_at=self.clock.at) for given in batch]
        return {poll_identity(row): row for row in rows[::-1] if poll_identity(row) not in self.polls}

    def _retractions(self, given, reason):
        return [
            Retraction(row.source, row.pair, row.observed_at, row.rate_text, row.change_text, 1, reason)
            for row in given
        ]

    def _changing(self, wanted):
        """The retractions that change a tick's state, by its identity, with the instant that they get."""
        changing = {tick_identity(as_row(retraction)): retraction.reason for retraction in wanted}
        changing = {key: why for key, why in changing.items() if (why is not None) != self._is_retracted(key)}
        last = {
            source: [key[5] for keys in self.retractions.values() for key in keys if key[0] == source]
            for source in SOURCES
        }
        return {
            key: (*key, max([self.clock.at, *(at + MICROSECOND for at in last[key[0]])]), why)
            for key, why in changing.items()
        }

    def _take_retractions(self, changing, only=None):
        for identity, key in changing.items():
            if only is None or identity in only:
                self.retractions.setdefault(identity, []).append(key)

    def _is_retracted(self, identity, as_of=None):
        known = [key for key in self.retractions.get(identity, []) if as_of is None or key[5] <= as_of]
        return bool(known) and known[-1][6] is not None

    def _append_with_a_fault(self, batch, step, fault, *, lasting=False):
        self.sent.extend(batch)
        fresh = self._fresh_ticks(batch)
        acknowledged = self._is_acknowledged(self.store.append, batch, step, fault, lasting=lasting)
        self.bring_files()
        self.ticks |= whole_groups(fresh, self.tick_files.rows(), tick_identity, acknowledged=acknowledged)

    def _record_with_a_fault(self, batch, step, fault, *, lasting=False):
        fresh = self._fresh_polls(batch)
        acknowledged = self._is_acknowledged(self.store.record, batch, step, fault, lasting=lasting)
        self.bring_files()
        self.polls |= whole_groups(fresh, self.poll_files.rows(), poll_identity, acknowledged=acknowledged)

    def _is_acknowledged(self, write, batch, step, fault, *, lasting):
        self.calls.fail(step, fault, lasting=lasting)
        try:
            write(batch)
        except (Died, *self.refusals):
            self.staging_is_clean = False
            return False
        finally:
            self.calls.heal()
        self.staging_is_clean = True
        return True


def rows_of(frame, *columns):
    plain = frame[list(columns)].astype(object)
    return list(plain.where(plain.notna(), None).itertuples(index=False, name=None))


def month_of(at):
    return at.year, at.month


def assert_same_rows(found, expected, identity):
    assert len(found) == len(expected)
    assert {identity(row): row for row in found} == expected


def whole_groups(fresh, stored, identity, *, acknowledged):
    """Those of the fresh rows that are stored: all if that was said, else an instant's together or none of it."""
    visible = {identity(row) for row in stored}
    if acknowledged:
        assert set(fresh) <= visible
    for _, group in groupby(sorted(fresh, key=lambda name: name[:2]), key=lambda name: name[:2]):
        assert len({name in visible for name in group}) == 1
    return {name: row for name, row in fresh.items() if name in visible}


TestStoreBesideAModel = StoreBesideAModel.TestCase
TestStoreBesideAModel.settings = settings(
    deadline=None,
    max_examples=10,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # to make a failing example small takes minutes: the slow test does that
)


class StoreBesideAModelForLonger(StoreBesideAModel):
    """The same with other examples every time."""


TestStoreBesideAModelForLonger = pytest.mark.slow(StoreBesideAModelForLonger.TestCase)
TestStoreBesideAModelForLonger.settings = settings(deadline=None, max_examples=100, stateful_step_count=40)


# a fault at every step of one append that begins a month, fills a segment and begins the next

STORED = [row for at in INSTANTS[3:5] for row in snapshot_ticks(at)]
MORE = [row for at in [INSTANTS[2], *INSTANTS[4:8]] for row in snapshot_ticks(at)]
FAULTS = {
    "death": lambda model, step: model.die_while_appending(MORE, step),
    "one refusal": lambda model, step: model.be_refused_while_appending(MORE, step, errno.EIO, lasting=False),
    "a full disk": lambda model, step: model.be_refused_while_appending(MORE, step, errno.ENOSPC, lasting=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_append_with_a_fault_at_any_step_stores_whole_snapshots_once(fault):
    for step in steps(99, every=4):
        model = StoreBesideAModel()
        try:
            model.begin(segment_rows=12)
            model.append(STORED)
            fault(model, step)
            has_no_such_step = model.staging_is_clean
            model.check_all()
            model.append(MORE)
            model.check_all()
        finally:
            model.teardown()
        if has_no_such_step:
            break
    assert 20 < step < 99


# odd instants and clocks


@pytest.mark.parametrize(("at", "month"), cases("store_model")["rows_of_any_year"])
def test_rows_of_any_year_are_stored_once_and_read_back(root, at, month):
    Store(root).append(snapshot_ticks(NOON))
    Store(root).append(snapshot_ticks(at))

    assert Store(root).append(snapshot_ticks(at)) == Appended(added=0, known=5)
    assert fx.load(root)["observed_at"].tolist() == sorted([NOON] * 5 + [at] * 5)
    assert set(pd.read_parquet(root / "ticks")["observed_at"]) == {NOON, at}
    assert [path.name for path in root.glob("ticks/*/*") if path.name != "month=2025-11"] == [month]
    assert Store(root).check() == []


def test_span_that_ends_at_the_first_possible_instant_is_empty(root):
    Store(root).append(snapshot_ticks(NOON))

    assert len(fx.load(root, end=datetime(1, 1, 1, tzinfo=UTC))) == 0


@pytest.mark.parametrize(
    ("later", "upto", "expected"),
    [(LAST_SLOT, LAST_SLOT, [LAST_SLOT, NOON]), (NOON + timedelta(days=64_000), NOON, [NOON])],
)
def test_planned_slots_reach_into_the_last_month_and_leave_out_the_far_future(root, later, upto, expected):
    Store(root).record([Poll("timesca", later, Outcome.OK), Poll("timesca", NOON, Outcome.OK)])

    assert list(Store(root).planned_slots("timesca", upto)) == expected


def test_row_keeps_its_first_recorded_at_after_the_clock_is_set_back(root):
    Store(root, clock=FixedClock(NOON)).append([tick()])

    assert Store(root, clock=FixedClock(NOON - timedelta(hours=1))).append([tick()]) == Appended(added=0, known=1)
    assert fx.load(root)["recorded_at"].tolist() == [NOON]


def test_as_of_follows_recorded_at_after_the_clock_is_set_back(root):
    Store(root, clock=FixedClock(NOON)).append([tick(rate_text="0.00191")])
    Store(root, clock=FixedClock(NOON - timedelta(hours=1))).append([tick(rate_text="0.00192")])

    assert fx.load(root, as_of=NOON - MICROSECOND)["rate_text"].tolist() == ["0.00192"]
    assert fx.load(root, as_of=NOON)["rate_text"].tolist() == ["0.00192", "0.00191"]
    assert fx.latest(root)["rate_text"].tolist() == ["0.00191"]
