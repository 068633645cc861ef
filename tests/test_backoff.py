from datetime import UTC, date, datetime, timedelta

import pytest
from builders import NOON, at_time

from fxticker.collect.backoff import COUNTS_AS_FAILURE, SourceState, backoff_end, recorded_wait
from fxticker.collect.page_cache import CachedPage
from fxticker.model.records import Outcome, Poll, Snapshot
from fxticker.model.schedule import Cron, Every

QUARTERS = Every(timedelta(minutes=15))
SNAPSHOT = Snapshot((), date(2025, 11, 14), 1)
URL = "http://ticker.test/"


def update(state, *outcomes, retry_after=None, schedule=QUARTERS):
    """What a state is after polls at noon with these outcomes."""
    for outcome in outcomes:
        state.update(Outcome(outcome), NOON, retry_after=retry_after, now=NOON, schedule=schedule)
    return state


def test_retry_after_sets_the_wait():
    state = update(SourceState(), "http_error", retry_after="1800")
    assert state.wait_until == at_time("12:30")
    assert state.wait_why == "the source sent Retry-After: no request until 2025-11-14T12:30:00Z"


def test_wait_ends_at_a_whole_second_as_slots_do():
    state = SourceState()
    now = NOON + timedelta(microseconds=1)
    state.update(Outcome.HTTP_ERROR, NOON, retry_after="1800", now=now, schedule=QUARTERS)
    assert state.wait_until == at_time("12:30:01")


@pytest.mark.parametrize("retry_after", ["1800", None])
def test_wait_is_read_back_from_the_record(retry_after):
    state = update(SourceState(), *["http_error"] * 5, retry_after=retry_after)
    polled = Poll("timesca", NOON, Outcome.HTTP_ERROR, detail=f"{state.wait_why}; status 500")
    assert recorded_wait([polled]) == recorded_wait([polled, state.backoff_outcome("timesca", NOON)])
    assert recorded_wait([polled]) == state.wait_until > NOON
    assert recorded_wait([polled, Poll("timesca", NOON, Outcome.OK)]) is None


@pytest.mark.parametrize(
    "detail",
    [
        None,
        "the page has: the source sent Retry-After: no request until 2025-11-14T12:30:00Z",
        "the source sent Retry-After: no request until 2025-13-14T12:30:00Z",
    ],
)
def test_other_details_state_no_wait(detail):
    assert recorded_wait([Poll("timesca", NOON, Outcome.HTTP_ERROR, detail=detail)]) is None
    assert recorded_wait([]) is None


def test_next_poll_ends_the_wait():
    state = update(SourceState(), "http_error", retry_after="1800")
    assert update(state, "http_error").wait_until is None


def next_polls(grid, *failures):
    return [backoff_end(count, NOON, grid) for count in failures]


def test_one_slot_is_skipped_after_three_failures_then_two_then_four():
    assert next_polls(QUARTERS, 3, 4, 5, 6, 100) == [
        at_time("12:30"),
        at_time("12:45"),
        at_time("13:15"),
        at_time("13:15"),
        at_time("13:15"),
    ]


def test_slots_of_at_most_an_hour_are_skipped():
    assert next_polls(Every(timedelta(minutes=1)), 3, 8, 9, 10_000) == [
        at_time("12:02"),
        at_time("12:33"),
        at_time("13:01"),
        at_time("13:01"),
    ]
    assert next_polls(Every(timedelta(seconds=1)), 10_000) == [datetime(2025, 11, 14, 13, 0, 1, tzinfo=UTC)]


def test_one_slot_is_skipped_on_the_widest_grid():
    assert next_polls(Every(timedelta(hours=6)), 3, 4, 100) == [datetime(2025, 11, 15, tzinfo=UTC)] * 3


def test_skipped_slots_of_an_uneven_grid_are_counted():
    assert next_polls(Cron("0,5,50 * * * *"), 3, 4) == [at_time("12:50"), at_time("13:00")]


def test_day_of_failures_costs_22_requests():
    state, slot, asked = SourceState(), NOON, []
    for _ in range(96):
        if state.wait_until is None or slot >= state.wait_until:
            asked.append(slot)
            state.update(Outcome.HTTP_ERROR, slot, retry_after=None, now=slot, schedule=QUARTERS)
        slot = QUARTERS.after(slot)
    clock_times = ["12:00", "12:15", "12:30", "13:00", "13:45", "15:00", "16:15", "17:30"]
    assert asked[:8] == [at_time(clock_time) for clock_time in clock_times]
    assert len(asked) == 22


def test_reason_has_the_number_of_failures_and_the_last_outcome():
    state = update(SourceState(), "http_error", "http_error", "timeout")
    assert (state.wait_until, state.wait_why) == (
        at_time("12:30"),
        "3 failures in a row, the last timeout: no request until 2025-11-14T12:30:00Z",
    )


@pytest.mark.parametrize("outcome", ["http_error", "blocked", "timeout", "too_large"])
def test_three_failures_in_a_row_skip_a_slot(outcome):
    assert update(SourceState(), outcome, outcome).wait_until is None
    assert update(SourceState(), outcome, outcome, outcome).wait_until == at_time("12:30")


@pytest.mark.parametrize("outcome", ["unreachable", "no_ticker", "damaged", "disallowed", "stopped", "error"])
def test_other_outcomes_skip_no_slot_and_keep_the_count(outcome):
    assert update(SourceState(), outcome, outcome, outcome, outcome).wait_until is None
    state = update(SourceState(), "http_error", "http_error", outcome)
    assert (state.failures, state.wait_until) == (2, None)
    assert update(state, "http_error").wait_until == at_time("12:30")


@pytest.mark.parametrize("outcome", ["ok", "stale"])
def test_successful_poll_ends_the_row_of_failures(outcome):
    state = update(SourceState(), "http_error", "http_error", "http_error", outcome)
    assert (state.failures, state.wait_until, state.wait_why) == (0, None, "")
    assert update(state, "http_error", "http_error").wait_until is None


def test_every_outcome_is_weighed():
    assert set(COUNTS_AS_FAILURE) == set(Outcome)


def test_longer_wait_counts():
    state = SourceState(failures=2)
    assert update(state, "http_error", retry_after="60").wait_why.startswith("3 failures in a row, the last http_error")
    assert update(state, "http_error", retry_after="7200").wait_until == at_time("14:00")


def test_only_retry_after_counts_without_a_grid():
    state = update(SourceState(), *["http_error"] * 5, schedule=None)
    assert state.wait_until is None
    assert update(state, "http_error", retry_after="60", schedule=None).wait_until == at_time("12:01")


def test_cached_page_is_used_for_its_own_address_only():
    page = CachedPage(URL, '"v1"', None, "aa", SNAPSHOT)
    assert SourceState(page).page_at(URL) is page
    assert SourceState(page).page_at("http://ticker.test/other") is None
    assert SourceState().page_at(URL) is None
