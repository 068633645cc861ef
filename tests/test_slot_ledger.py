"""Slots that passed without a poll get one outcome each, whatever the clock did; a poll that died is recovered."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks
from daemons import PAGE, QUARTER, SECOND, at, daemon_of, distances, outcomes, planned, run_daemon, settle_at_start
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from servers import FakeFetch, fetched
from store_faults import BadSectors

import fxticker as fx
from fxticker.collect.poll import collect_once
from fxticker.daemon.slot_ledger import SlotLedger
from fxticker.errors import SegmentUnreadable
from fxticker.model.records import Origin, Outcome, Poll, TimeBasis
from fxticker.model.schedule import Every
from fxticker.monitoring.observer import Observer
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.arrow import records_of
from fxticker.store.deferred import Stretch, read_deferred, write_deferred
from fxticker.store.read_span import read_span
from fxticker.store.store import Store
from fxticker.store.wrong_clock_notes import WrongClockNote, keep_wrong_clock_note


def missed(slot):
    return Poll("timesca", slot, Outcome.MISSED)


class RecordedBatches:
    """A store's `record` that also keeps each batch."""

    def __init__(self, store):
        self.store = store
        self.batches = []

    def __call__(self, polls):
        self.batches.append([(f"{poll.slot:%H:%M}", str(poll.outcome)) for poll in polls])
        return self.store.record(polls)


@pytest.fixture
def recording(store):
    return RecordedBatches(store)


def begun(store, recording, now):
    """A ledger after the slots that passed have their outcomes, and the first slot to be polled."""
    ledger = SlotLedger("timesca", store, recording)
    following = ledger.recover(SOURCE, QUARTER, now)
    ledger.settle(QUARTER, following, missed)
    return ledger, following


def test_all_passed_slots_are_written_at_once(store, recording):
    store.record([Poll("timesca", at("11:00"), Outcome.OK)])
    _, following = begun(store, recording, at("12:00:10"))
    assert recording.batches == [[("11:15", "missed"), ("11:30", "missed"), ("11:45", "missed")]]
    assert following == NOON


def test_months_of_absence_are_one_write(store, recording):
    store.record([Poll("timesca", NOON - timedelta(days=180), Outcome.OK)])
    begun(store, recording, at("12:00:10"))
    assert [len(batch) for batch in recording.batches] == [17_279]


def test_poll_that_read_its_page_after_the_next_slot_is_recovered(store, recording):
    store.record([Poll("timesca", at("11:30"), Outcome.OK)])
    store.append(snapshot_ticks(at("12:00:20")))
    _, following = begun(store, recording, at("12:01:00"))
    assert recording.batches == [[("11:45", "ok")]]
    assert following == NOON


@pytest.mark.parametrize("name", ["00000.parquet~", "00000.parquet"])
def test_poll_is_recovered_beside_a_file_of_retractions_that_cannot_be_read(store, recording, tmp_path, name):
    store.record([Poll("timesca", at("11:45"), Outcome.OK)])
    store.append(snapshot_ticks(at("12:00:20")))
    folder = tmp_path / "parquet" / "retractions" / "source=timesca" / "month=2025-11"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"no segment")
    begun(store, recording, at("12:16:00"))
    assert recording.batches == [[("12:00", "ok")]]


def test_recovered_poll_has_the_ticks_of_one_page_only(store, recording):
    store.record([Poll("timesca", at("11:30"), Outcome.OK)])
    store.append(snapshot_ticks(at("11:45:20")) + snapshot_ticks(at("11:50:20")))
    begun(store, recording, at("12:00:10"))
    assert recording.batches == [[("11:45", "ok")]]
    assert [row["ticks"] for row in records_of(read_span(store.polls))] == [0, 5]


def test_slots_recorded_by_a_clock_ahead_get_no_second_outcome(store, recording):
    store.record([Poll("timesca", at(text), Outcome.OK) for text in ("11:00", "11:30", "13:00")])
    ledger, _ = begun(store, recording, at("11:01:00"))
    ledger.settle(QUARTER, at("12:00"), missed)
    assert recording.batches == [[("11:15", "missed"), ("11:45", "missed")]]
    assert not ledger.is_settled(NOON)
    assert ledger.is_settled(at("13:00"))


def test_after_a_clock_set_back_polling_goes_on_at_the_first_open_slot(store, recording):
    store.record([Poll("timesca", at(text), Outcome.OK) for text in ("10:45", "11:00", "11:15", "11:30")])
    ledger, _ = begun(store, recording, at("11:31:00"))
    assert ledger.resync(QUARTER, at("10:46:00"))
    assert not ledger.resync(QUARTER, at("10:46:00"))
    assert ledger.next_open(QUARTER, at("10:46:00")) == at("11:45")
    ledger.settle(QUARTER, at("11:45"), missed)
    assert recording.batches == []


def test_after_a_clock_set_back_slots_are_settled_from_the_last_recorded_one(store, recording):
    store.record([Poll("timesca", at(text), Outcome.OK) for text in ("10:30", "12:00")])
    ledger, _ = begun(store, recording, at("12:01:00"))
    ledger.resync(QUARTER, at("11:00:10"))
    ledger.settle(QUARTER, at("11:00"), missed)
    assert recording.batches == [[("10:45", "missed")]]
    assert not ledger.is_settled(at("11:00"))


def test_clock_set_back_before_all_records_has_missed_nothing(store, recording):
    store.record([Poll("timesca", NOON, Outcome.OK)])
    ledger, _ = begun(store, recording, at("12:01:00"))
    ledger.resync(QUARTER, at("03:01:00"))
    ledger.settle(QUARTER, at("03:00"), missed)
    assert recording.batches == []
    assert not ledger.is_settled(at("03:00"))


def test_another_grid_begins_when_it_comes_into_force(store, recording):
    store.record([Poll("timesca", NOON, Outcome.OK)])
    ledger, _ = begun(store, recording, at("12:01:00"))
    ledger.begin_grid(at("12:07:00"))
    ledger.settle(Every(timedelta(minutes=1)), at("12:10"), missed)
    assert recording.batches == [[("12:08", "missed"), ("12:09", "missed")]]


def test_recording_a_long_absence_can_pause_and_go_on(store, recording):
    store.record([Poll("timesca", at("10:30"), Outcome.OK)])
    is_to_pause = iter([False, True, False])
    ledger = SlotLedger("timesca", store, recording, lambda: next(is_to_pause), batch_slots=2)

    assert not ledger.settle(QUARTER, ledger.recover(SOURCE, QUARTER, at("12:00:10")), missed)
    assert [len(batch) for batch in recording.batches] == [2, 2]
    assert ledger.settle(QUARTER, NOON, missed)
    assert recording.batches[2:] == [[("11:45", "missed")]]


@law(40)
@given(st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_law_of_the_ledger(tmp_path_factory, steps):
    """Once the clock is confirmed every slot has one outcome, whatever was deferred and however often it restarted."""
    store = Store(tmp_path_factory.mktemp("law") / "parquet")
    slot, ledger = NOON, None
    for gap, is_confirmed, restarts in [*steps, (1, True, False)]:
        slot += gap * QUARTER.interval
        if restarts or ledger is None:
            ledger = SlotLedger("timesca", store, store.record)
            ledger.recover(SOURCE, QUARTER, slot)
        assert ledger.settle(QUARTER, slot, missed, is_confirmed=is_confirmed)
        store.record([Poll("timesca", slot, Outcome.OK)])
        ledger.mark_settled(slot)
    recorded = [*store.planned_slots("timesca", slot)][::-1]
    first = NOON + steps[0][0] * QUARTER.interval
    assert recorded == [first + number * QUARTER.interval for number in range(len(recorded))]
    assert recorded[-1] == slot
    assert [*store.backend.list("deferred")] == []


# What happened while no daemon ran


def settled(folder, *recorded, ticks=(), now="12:00:10"):
    """Outcomes of the day of `NOON` in a store after a daemon's start, given slots recorded as ok and ticks."""
    store = Store(folder)
    store.record([Poll("timesca", at(clock_time), Outcome.OK) for clock_time in recorded])
    store.append(ticks)
    settle_at_start(folder, planned(), now=at(now))
    return [(slot.time().isoformat(), outcome) for slot, outcome in outcomes(folder) if slot.date() == NOON.date()]


@pytest.mark.parametrize(
    ("recorded", "now", "added"),
    [
        (["11:00:00"], "12:00:10", ["11:15:00", "11:30:00", "11:45:00"]),
        (["11:45:00"], "12:10:00", ["12:00:00"]),
        (["11:00:00", "11:40:23.000417"], "12:00:10", ["11:15:00", "11:30:00", "11:45:00"]),
    ],
    ids=["all that passed", "current slot too late to poll", "manual snapshots hide none"],
)
def test_slots_without_a_daemon_are_recorded_as_missed_at_start(tmp_path, recorded, now, added):
    expected = [*((slot, "ok") for slot in recorded), *((slot, "missed") for slot in added)]
    assert settled(tmp_path, *recorded, now=now) == sorted(expected)


def test_starting_twice_records_a_missed_slot_once(tmp_path):
    first = settled(tmp_path, "11:30:00")
    assert first == [("11:30:00", "ok"), ("11:45:00", "missed")]
    assert settled(tmp_path, now="12:00:20") == first


def test_first_start_records_no_missed_slot(tmp_path):
    settle_at_start(tmp_path, planned(), now=at("12:00:10"))
    assert not (tmp_path / "polls").exists()


class StopsOnceStarted(Observer):
    """Stops the daemon as soon as the slots that passed are recorded."""

    def started(self, sources):
        self.daemon.stop()


def test_stop_interrupts_the_recording_of_a_long_absence(tmp_path):
    Store(tmp_path).record([Poll("timesca", datetime(2023, 11, 14, 12, tzinfo=UTC), Outcome.OK)])
    settle_at_start(tmp_path, planned(), now=NOON)
    assert fx.load_polls(tmp_path)["outcome"].value_counts().to_dict() == {"missed": 20_000, "ok": 1}


def test_two_years_without_a_daemon_are_recorded_slot_by_slot(tmp_path):
    Store(tmp_path).record([Poll("timesca", datetime(2023, 11, 14, 12, tzinfo=UTC), Outcome.OK)])
    ending = StopsOnceStarted()
    clock = FixedClock(NOON)
    with daemon_of(Store(tmp_path, clock=clock), planned(), clock=clock, observers=[ending]) as (daemon, _):
        ending.daemon = daemon
        daemon.run()
    polls = fx.load_polls(tmp_path)
    assert polls["outcome"].value_counts().to_dict() == {"missed": 70_175, "ok": 1}
    assert set(polls["slot"].diff().dropna()) == {timedelta(minutes=15)}


def test_missed_slots_and_following_polls_leave_no_gap(tmp_path, site):
    seeded = Every(SECOND).at_or_before(datetime.now(UTC)) - 5 * SECOND
    store = Store(tmp_path)
    store.record([Poll("timesca", seeded, Outcome.OK)])
    taken = run_daemon(store, planned(site.url, Every(SECOND)), polls=1)
    stored = outcomes(tmp_path)
    assert stored[0] == (seeded, "ok")
    assert stored[-1] == (taken[0].slot, "ok")
    assert {outcome for _, outcome in stored[1:-1]} == {"missed"}
    assert distances(tmp_path) == {SECOND}


def test_recorded_slot_is_not_polled_again_after_a_restart(tmp_path, info_log):
    Store(tmp_path).record([Poll("timesca", NOON, Outcome.TIMEOUT)])
    assert settled(tmp_path) == [("12:00:00", "timeout")]
    assert "next slot 2025-11-14T12:15:00" in info_log.text


def test_outcomes_in_the_future_do_not_stop_polling(tmp_path, info_log):
    Store(tmp_path).record([Poll("timesca", datetime(2031, 1, 1, tzinfo=UTC), Outcome.OK)])
    assert settled(tmp_path, "11:30:00") == [("11:30:00", "ok"), ("11:45:00", "missed")]
    assert "next slot 2025-11-14T12:00:00" in info_log.text


def test_outcomes_of_another_source_do_not_count(tmp_path):
    Store(tmp_path).record([Poll("other", at("11:00:00"), Outcome.OK)])
    assert settled(tmp_path) == [("11:00:00", "ok")]


def test_manual_snapshot_in_a_new_month_does_not_hide_missed_slots(tmp_path):
    last = Poll("timesca", datetime(2025, 10, 31, 23, 30, tzinfo=UTC), Outcome.OK)
    asked = Poll("timesca", datetime(2025, 11, 1, 0, 20, 17, 417, tzinfo=UTC), Outcome.OK)
    Store(tmp_path).record([last, asked])
    settle_at_start(tmp_path, planned(), now=datetime(2025, 11, 1, 0, 30, tzinfo=UTC))
    assert [(f"{slot:%d %H:%M:%S}", outcome) for slot, outcome in outcomes(tmp_path)] == [
        ("31 23:30:00", "ok"),
        ("31 23:45:00", "missed"),
        ("01 00:00:00", "missed"),
        ("01 00:15:00", "missed"),
        ("01 00:20:17", "ok"),
    ]


# A process that died between ticks and outcome


def test_slot_with_stored_ticks_is_recovered_as_ok(tmp_path):
    recovered = settled(tmp_path, "11:30:00", ticks=snapshot_ticks(at("11:45:02")))
    assert recovered == [("11:30:00", "ok"), ("11:45:00", "ok")]
    assert "the process ended before this outcome was" in fx.load_polls(tmp_path)["detail"].iloc[1]


def test_current_slot_with_stored_ticks_is_not_polled_again(tmp_path, info_log):
    recovered = settled(tmp_path, "11:45:00", ticks=snapshot_ticks(at("12:00:02")))
    assert recovered == [("11:45:00", "ok"), ("12:00:00", "ok")]
    assert "next slot 2025-11-14T12:15:00" in info_log.text


def test_poll_interrupted_before_storing_ticks_is_missed(tmp_path):
    recorded = settled(tmp_path, "11:15:00", ticks=snapshot_ticks(at("11:15:02")), now="11:45:10")
    assert recorded == [("11:15:00", "ok"), ("11:30:00", "missed")]


def test_first_poll_ever_is_recovered_if_its_process_was_interrupted(tmp_path):
    assert settled(tmp_path, ticks=snapshot_ticks(at("12:00:02"))) == [("12:00:00", "ok")]


@pytest.mark.parametrize(("printed", "outcome"), [("2025-11-14", "ok"), ("2025-11-01", "stale")])
def test_recovered_outcome_has_date_and_count_of_the_stored_ticks(tmp_path, printed, outcome):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    store.append(snapshot_ticks(at("11:45:02"), source_date=datetime.fromisoformat(printed).date()))
    settle_at_start(tmp_path, planned(), now=at("12:00:10"))
    recovered = fx.load_polls(tmp_path).iloc[1]
    assert (recovered["outcome"], recovered["ticks"]) == (outcome, 5)
    assert f"{recovered['source_date']:%Y-%m-%d}" == printed


def test_recovery_by_a_source_of_wrong_types_does_not_end_the_daemon(tmp_path):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    store.append(snapshot_ticks(at("11:45:02"), source_date=at("11:45:02").date()))
    settle_at_start(tmp_path, planned(stale_after_days="2"), now=at("12:00:10"))
    assert fx.load_polls(tmp_path)["outcome"].iloc[1] == "error"


@pytest.mark.parametrize(
    "foreign",
    [
        {"source": "other"},
        *({"origin": Origin.PAGE, "time_basis": basis} for basis in (TimeBasis.DATE, TimeBasis.CAPTURE)),
    ],
    ids=["another source", "page with a date", "page with a time"],
)
def test_ticks_of_other_sources_and_imported_pages_are_not_recovered_as_a_poll(tmp_path, foreign):
    recorded = settled(tmp_path, "11:30:00", ticks=snapshot_ticks(at("11:45:02"), **foreign))
    assert recorded == [("11:30:00", "ok"), ("11:45:00", "missed")]


def test_slot_with_an_imported_page_is_polled(tmp_path, info_log):
    page = snapshot_ticks(at("12:00:02"), origin=Origin.PAGE, time_basis=TimeBasis.CAPTURE)
    assert settled(tmp_path, "11:45:00", ticks=page) == [("11:45:00", "ok")]
    assert "next slot 2025-11-14T12:00:00" in info_log.text


def test_manual_snapshot_is_not_recovered_as_a_poll(tmp_path):
    clock = FixedClock(at("11:50:00.000417"))
    store = Store(tmp_path, clock=clock)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    collect_once(SOURCE, clock.at, fetch=FakeFetch(fetched(PAGE)), store=store, clock=clock)
    assert settled(tmp_path) == [("11:30:00", "ok"), ("11:45:00", "missed"), ("11:50:00.000417", "ok")]


def test_bad_sector_in_a_file_of_one_source_is_named(tmp_path):
    stored = Store(tmp_path).backend
    note = WrongClockNote("timesca", NOON, NOON, NOON, "0" * 64, None)
    with stored.write_lock(1):
        keep_wrong_clock_note(stored, note)
    write_deferred(stored, "timesca", [Stretch(NOON, NOON + timedelta(days=2), None)])
    with pytest.raises(SegmentUnreadable, match="deferred/source=timesca"):
        read_deferred(BadSectors(stored, "deferred"), "timesca")
    with pytest.raises(SegmentUnreadable, match="doubted/source=timesca"):
        keep_wrong_clock_note(BadSectors(stored, "doubted"), note)
