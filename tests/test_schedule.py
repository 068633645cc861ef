import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from builders import NOON, cases
from hypothesis import given
from hypothesis import strategies as st

from fxticker.model.schedule import Cron, Every, every, slots_between
from fxticker.model.timestamps import EPOCH

CASES = cases("schedule")

INSTANTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001  the strategy wants its bounds naive
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
INTERVALS = st.builds(
    lambda text: every(text, "timesca"), st.sampled_from(["1s", "7s", "1min", "15min", "1h", "7h", "1d", "3d"])
)
PHASED = st.integers(1, 100_000).flatmap(
    lambda seconds: st.builds(
        lambda phase: Every(timedelta(seconds=seconds), timedelta(seconds=phase)), st.integers(0, seconds - 1)
    )
)
CRONS = st.sampled_from(
    ["* * * * *", "*/15 * * * *", "7 */6 * * *", "30 2 * * *", "0 9 * * 1-5", "5 4 1 * *", "0,1 * * * *", "0 0 29 2 *"]
).map(Cron)
SCHEDULES = INTERVALS | PHASED | CRONS


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def berlin_time(monkeypatch):
    """The machine's zone is one with daylight saving time."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@given(SCHEDULES, INSTANTS)
def test_instant_lies_between_its_slot_and_the_next(schedule, instant):
    assert schedule.at_or_before(instant) <= instant < schedule.after(instant)


@given(SCHEDULES, INSTANTS)
def test_no_slot_lies_between_a_slot_and_the_next(schedule, instant):
    slot, following = schedule.at_or_before(instant), schedule.after(instant)
    assert schedule.after(slot) == following
    assert schedule.at_or_before(following) == following
    assert schedule.at_or_before(following - timedelta(microseconds=1)) == slot


@given(SCHEDULES, INSTANTS, INSTANTS)
def test_grid_is_the_same_from_any_instant(schedule, one, other):
    slot = schedule.at_or_before(one)
    assert schedule.at_or_before(slot) == slot
    steps = islice(slots_between(schedule, min(slot, other), max(slot, other)), 50)
    assert all(schedule.at_or_before(step) == step for step in steps)


@given(SCHEDULES, INSTANTS)
def test_slots_are_aware_utc(schedule, instant):
    assert schedule.at_or_before(instant).tzinfo is UTC
    assert schedule.after(instant).tzinfo is UTC


def test_grid_of_the_ticker_never_changes():
    schedule = every("15min", "timesca")
    assert schedule == Every(timedelta(minutes=15), timedelta(minutes=11, seconds=17))
    assert schedule.at_or_before(NOON) == at("2025-11-14T11:56:17")
    assert schedule.after(NOON) == at("2025-11-14T12:11:17")


@pytest.mark.parametrize(("text", "seconds", "after_noon"), CASES["interval_is_read_with_its_unit"])
def test_interval_is_read_with_its_unit(text, seconds, after_noon):
    schedule = every(text, "timesca")
    assert schedule.interval == timedelta(seconds=seconds)
    assert schedule.after(NOON) == at(after_noon)


def test_sources_have_different_phases():
    phases = {every("15min", f"source-{number}").phase for number in range(100)}
    assert len(phases) > 80


@pytest.mark.parametrize("text", CASES["invalid_interval_is_refused"])
def test_invalid_interval_is_refused(text):
    with pytest.raises(ValueError, match=r'is no interval such as "15min"; units are s, min, h, d'):
        every(text, "timesca")


@pytest.mark.parametrize("expression", CASES["invalid_cron_expression_is_refused"])
def test_invalid_cron_expression_is_refused(expression):
    with pytest.raises(ValueError, match="no cron expression of five fields"):
        Cron(expression)


@pytest.mark.parametrize(("expression", "before", "after"), CASES["cron_expression_gives_its_instants"])
def test_cron_expression_gives_its_instants(expression, before, after):
    assert Cron(expression).at_or_before(NOON) == at(before)
    assert Cron(expression).after(NOON) == at(after)


@pytest.mark.parametrize(("before", "instant", "after"), CASES["slot_begins_exactly_at_its_instant"])
@pytest.mark.parametrize("schedule", [Cron("*/15 * * * *"), Every(timedelta(minutes=15))], ids=["cron", "every"])
def test_slot_begins_exactly_at_its_instant(schedule, before, instant, after):
    assert schedule.at_or_before(at(f"2025-11-14T{instant}")) == at(f"2025-11-14T{before}")
    assert schedule.after(at(f"2025-11-14T{instant}")) == at(f"2025-11-14T{after}")


@pytest.mark.parametrize(("start", "end"), [("2025-03-29", "2025-04-01"), ("2025-10-25", "2025-10-28")])
@pytest.mark.parametrize("schedule", [Cron("30 2 * * *"), Every(timedelta(days=1), timedelta(hours=2, minutes=30))])
def test_daylight_saving_time_does_not_move_slots(berlin_time, schedule, start, end):
    slots = list(slots_between(schedule, at(start), at(end)))
    assert [slot.strftime("%H:%M") for slot in slots] == ["02:30", "02:30", "02:30"]
    assert {later - earlier for earlier, later in pairwise(slots)} == {timedelta(days=1)}


def test_slots_between_exclude_both_ends():
    grid = Every(timedelta(minutes=15))
    assert list(slots_between(grid, NOON, NOON + timedelta(hours=1))) == [
        at("2025-11-14T12:15"),
        at("2025-11-14T12:30"),
        at("2025-11-14T12:45"),
    ]


def test_slots_between_instants_off_the_grid_are_on_the_grid():
    start, end = at("2025-11-14T12:01"), at("2025-11-14T12:31")
    assert list(slots_between(Cron("*/15 * * * *"), start, end)) == [at("2025-11-14T12:15"), at("2025-11-14T12:30")]


@pytest.mark.parametrize("end", [NOON, NOON - timedelta(days=1), NOON + timedelta(minutes=15)])
def test_there_may_be_no_slot_between(end):
    assert list(slots_between(Every(timedelta(minutes=15)), NOON, end)) == []


def test_year_of_slots_is_complete():
    grid = every("15min", "timesca")
    assert sum(1 for _ in slots_between(grid, at("2025-01-01"), at("2026-01-01"))) == 35_040


def test_grid_extends_before_the_epoch():
    assert every("15min", "timesca").at_or_before(EPOCH) == at("1969-12-31T23:56:17")
