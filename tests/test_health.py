from datetime import timedelta

import pytest
from builders import NOON, cases

from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Cron, Every
from fxticker.monitoring.health import Problem, health_of, problem_of
from fxticker.sources.registry import ScheduledSource, source_of
from fxticker.store.read_recent import PairSeen, Recent

CASES = cases("health")
MINUTE = timedelta(minutes=1)
QUARTER = ScheduledSource(source_of("timesca"), Every(15 * MINUTE))
WORKDAYS = ScheduledSource(source_of("timesca"), Cron("0 9 * * 1-5"))


def before(minutes):
    return NOON - minutes * MINUTE


def polls(*outcomes):
    """One outcome each quarter of an hour, the last at noon; an empty one leaves the slot without record."""
    slots = [NOON - 15 * MINUTE * n for n in range(len(outcomes))][::-1]
    return [Poll("timesca", slot, Outcome(name)) for slot, name in zip(slots, outcomes, strict=True) if name]


def recent(*rows, last_ok=NOON, last_stale=None, pairs=()):
    return Recent(rows, last_ok, last_stale, pairs, NOON - timedelta(days=31))


def gaps_of(*rows, now=NOON, plan=QUARTER):
    return health_of(plan, recent(*rows), now).gaps_24h


# Well or not


def test_source_is_healthy_until_three_slots_have_passed():
    assert problem_of(QUARTER, before(45), None, NOON) is None
    assert problem_of(QUARTER, before(45), None, NOON + timedelta(microseconds=1)) == Problem(
        "no successful poll since 2025-11-14T11:15:00Z", NOON
    )


def test_poll_between_slots_counts_from_the_slot_before():
    assert problem_of(QUARTER, before(40), None, NOON) is None
    assert problem_of(QUARTER, before(61), None, NOON).since == before(30)


def test_staleness_counts_slots_of_a_cron_grid():
    friday, tuesday = NOON.replace(hour=9), NOON.replace(day=18, hour=23)
    assert problem_of(WORKDAYS, friday, None, tuesday) is None
    assert problem_of(WORKDAYS, friday, None, tuesday + timedelta(hours=11)) == Problem(
        "no successful poll since 2025-11-14T09:00:00Z", NOON.replace(day=19, hour=9)
    )


def test_source_without_a_successful_poll_is_not_healthy():
    assert problem_of(QUARTER, None, None, NOON) == Problem("no recent successful poll", None)


def test_stale_page_is_a_problem_until_a_successful_poll():
    stale = Problem("the page prints an old date", before(15), "old")
    assert problem_of(QUARTER, before(30), before(15), NOON) == stale
    assert problem_of(QUARTER, None, before(15), NOON) == stale
    assert problem_of(QUARTER, before(0), before(15), NOON) is None


def test_successful_poll_in_the_future_is_a_problem():
    problem = problem_of(QUARTER, NOON + timedelta(days=1), None, NOON)
    assert problem == Problem(
        "the last successful poll is in the future, 2025-11-15T12:00:00Z: a clock was wrong", None, "ahead"
    )


def test_clock_corrected_by_seconds_is_no_problem():
    assert problem_of(QUARTER, NOON, None, NOON - timedelta(seconds=2)) is None


# The record


def test_health_summarises_the_last_day():
    pair = PairSeen("KZT/USD", 0.00191, "0.00191", NOON, before(75), before(75))
    yesterday = Poll("timesca", NOON - timedelta(days=1), Outcome.TIMEOUT)
    rows = recent(yesterday, *polls(Outcome.OK, Outcome.TIMEOUT, Outcome.OK), pairs=[pair])
    health = health_of(QUARTER, rows, NOON + MINUTE)
    assert (health.source, health.problem, health.last_ok) == ("timesca", None, NOON)
    assert health.last == Poll("timesca", NOON, Outcome.OK)
    assert health.next_slot == NOON + 15 * MINUTE
    assert health.outcomes_24h == {Outcome.OK: 2, Outcome.TIMEOUT: 1}
    assert health.pairs == [pair]


def test_poll_in_the_future_is_not_the_last():
    rows = recent(*polls(Outcome.OK), Poll("timesca", NOON + timedelta(days=9), Outcome.MISSED))
    health = health_of(QUARTER, rows, NOON)
    assert health.last.slot == NOON
    assert health.outcomes_24h == {Outcome.OK: 1}


def test_source_without_rowshas_an_empty_summary():
    health = health_of(QUARTER, recent(last_ok=None), NOON)
    assert (health.last, health.outcomes_24h, health.gaps_24h) == (None, {}, 0)
    assert health.problem.reason == "no recent successful poll"


@pytest.mark.parametrize(("outcomes", "count"), CASES["gaps_are_runs_without_a_successful_poll_and_silences"])
def test_gaps_are_runs_without_a_successful_poll_and_silences(outcomes, count):
    assert gaps_of(*polls(*outcomes)) == count


def test_silence_up_to_now_is_a_gap():
    assert gaps_of(*polls(Outcome.OK), now=NOON + 45 * MINUTE) == 0
    assert gaps_of(*polls(Outcome.OK), now=NOON + 46 * MINUTE) == 1
    assert gaps_of(*polls(Outcome.OK), now=NOON + timedelta(days=40)) == 1


def test_gap_of_the_day_before_is_not_counted():
    assert gaps_of(*polls(Outcome.TIMEOUT, *[Outcome.OK] * 97), now=NOON) == 0


def test_nights_of_a_cron_grid_are_no_gaps():
    rows = [Poll("timesca", NOON.replace(day=day, hour=9), Outcome.OK) for day in (13, 14)]
    assert gaps_of(*rows, now=NOON, plan=WORKDAYS) == 0


def test_rates_unchanged_for_a_week_are_a_problem():
    since = NOON - timedelta(days=7)
    assert problem_of(QUARTER, NOON, None, NOON, since) is None
    assert problem_of(QUARTER, NOON, None, NOON, since - MINUTE) == Problem(
        "no rate or percentage has changed since 2025-11-07T11:59:00Z", since - MINUTE, "frozen"
    )


@pytest.mark.parametrize(("source", "days", "is_well"), CASES["limit_for_unchanged_rates_is_per_source"])
def test_limit_for_unchanged_rates_is_per_source(source, days, is_well):
    plan = ScheduledSource(source_of(source), Every(15 * MINUTE))
    assert (problem_of(plan, NOON, None, NOON, NOON - timedelta(days)) is None) == is_well
