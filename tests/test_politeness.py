from datetime import UTC, date, datetime, timedelta

import pytest
from builders import NOON
from hypothesis import given
from hypothesis import strategies as st

from fxticker.collect.backoff import WEIGHED, SourceState, backoff_end
from fxticker.collect.page_cache import CachedPage, cached_page
from fxticker.fetch.retry_after import retry_instant
from fxticker.model.records import Outcome, Snapshot
from fxticker.model.schedule import Cron, Every

QUARTERS = Every(timedelta(minutes=15))
SHOWN = Snapshot((), date(2025, 11, 14), 1)
URL = "http://ticker.test/"


def at(clock_time):
    return datetime.fromisoformat(f"2025-11-14T{clock_time}:00+00:00")


def update(state, *outcomes, retry_after=None, schedule=QUARTERS):
    """What a state is after polls at noon with these outcomes."""
    for outcome in outcomes:
        state.update(Outcome(outcome), NOON, retry_after=retry_after, now=NOON, schedule=schedule)
    return state


# What a source asks for


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("120", at("12:02")),
        (" 120 ", at("12:02")),
        ("1", NOON + timedelta(seconds=1)),
        ("86400", NOON + timedelta(days=1)),
        ("86401", NOON + timedelta(days=1)),
        ("9" * 99, NOON + timedelta(days=1)),
        ("Fri, 14 Nov 2025 12:30:00 GMT", at("12:30")),
        ("Friday, 14-Nov-25 12:30:00 GMT", at("12:30")),
        ("Fri Nov 14 12:30:00 2025", at("12:30")),
        ("Fri, 14 Nov 2025 14:30:00 +0200", at("12:30")),
        ("Mon, 14 Nov 2050 12:30:00 GMT", NOON + timedelta(days=1)),
    ],
)
def test_a_retry_after_is_read_in_seconds_and_as_a_date_and_taken_for_a_day_at_most(text, instant):
    assert retry_instant(text, NOON) == instant
    assert retry_instant(text, NOON).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0",
        "-120",
        "120.5",
        "1e3",
        "٣",
        "soon",
        "120, 240",
        "9" * 101,
        "Fri, 14 Nov 2025 12:00:00 GMT",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 21 Oct 99999 07:28:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Fri, 14 Nov 2025 12:30:00 +99999999999",
        "Fri, 44 Nov 2025 12:30:00 GMT",
    ],
)
def test_a_retry_after_that_is_past_or_senseless_is_ignored(text):
    assert retry_instant(text, NOON) is None


@given(
    st.text(max_size=120) | st.from_regex(r"[A-Za-z]{3}, [0-9]{1,5} [A-Za-z]{3} [0-9]{1,6} [0-9:]{1,9} [+\-A-Z0-9]*")
)
def test_no_retry_after_does_harm(text):
    instant = retry_instant(text, NOON)
    assert instant is None or NOON < instant <= NOON + timedelta(days=1)


def test_a_source_that_names_a_time_is_left_alone_until_then():
    state = update(SourceState(), "http_error", retry_after="1800")
    assert state.wait_until == at("12:30")
    assert state.wait_why == "the source asked to be left alone until 2025-11-14T12:30:00Z"


def test_the_next_poll_ends_the_wait_that_an_earlier_one_was_told():
    state = update(SourceState(), "http_error", retry_after="1800")
    assert update(state, "http_error").wait_until is None


# What repeated failures suggest


def asked_again(grid, *failures):
    return [backoff_end(count, NOON, grid) for count in failures]


def test_one_slot_is_left_out_after_the_third_failure_and_then_two_and_four():
    assert asked_again(QUARTERS, 3, 4, 5, 6, 100) == [at("12:30"), at("12:45"), at("13:15"), at("13:15"), at("13:15")]


def test_slots_of_an_hour_are_left_out_at_most():
    assert asked_again(Every(timedelta(minutes=1)), 3, 8, 9, 10_000) == [
        at("12:02"),
        at("12:33"),
        at("13:01"),
        at("13:01"),
    ]
    assert asked_again(Every(timedelta(seconds=1)), 10_000) == [datetime(2025, 11, 14, 13, 0, 1, tzinfo=UTC)]


def test_one_slot_is_left_out_on_the_widest_grid():
    assert asked_again(Every(timedelta(hours=6)), 3, 4, 100) == [datetime(2025, 11, 15, tzinfo=UTC)] * 3


def test_slots_of_an_uneven_grid_are_counted_and_not_reckoned():
    assert asked_again(Cron("0,5,50 * * * *"), 3, 4) == [at("12:50"), at("13:00")]


def test_a_day_of_failures_is_as_the_policy_says():
    state, slot, asked = SourceState(), NOON, []
    for _ in range(96):
        if state.wait_until is None or slot >= state.wait_until:
            asked.append(slot)
            state.update(Outcome.HTTP_ERROR, slot, retry_after=None, now=slot, schedule=QUARTERS)
        slot = QUARTERS.after(slot)
    clock_times = ["12:00", "12:15", "12:30", "13:00", "13:45", "15:00", "16:15", "17:30"]
    assert asked[:8] == [at(clock_time) for clock_time in clock_times]
    assert len(asked) == 22


def test_the_reason_says_how_often_and_what():
    state = update(SourceState(), "http_error", "http_error", "timeout")
    assert (state.wait_until, state.wait_why) == (at("12:30"), "3 failures in a row, the last timeout")


@pytest.mark.parametrize("outcome", ["http_error", "blocked", "timeout", "too_large"])
def test_three_bad_answers_in_a_row_leave_a_slot_out(outcome):
    assert update(SourceState(), outcome, outcome).wait_until is None
    assert update(SourceState(), outcome, outcome, outcome).wait_until == at("12:30")


@pytest.mark.parametrize("outcome", ["unreachable", "no_ticker", "damaged", "disallowed", "stopped", "error"])
def test_what_is_not_the_servers_failure_leaves_no_slot_out_and_ends_no_row(outcome):
    assert update(SourceState(), outcome, outcome, outcome, outcome).wait_until is None
    state = update(SourceState(), "http_error", "http_error", outcome)
    assert (state.failures, state.wait_until) == (2, None)
    assert update(state, "http_error").wait_until == at("12:30")


@pytest.mark.parametrize("outcome", ["ok", "stale"])
def test_one_good_poll_ends_the_row(outcome):
    state = update(SourceState(), "http_error", "http_error", "http_error", outcome)
    assert (state.failures, state.wait_until, state.wait_why) == (0, None, "")
    assert update(state, "http_error", "http_error").wait_until is None


def test_every_outcome_is_weighed():
    assert set(WEIGHED) == set(Outcome)


def test_the_longer_of_two_waits_counts():
    state = SourceState(failures=2)
    assert update(state, "http_error", retry_after="60").wait_why == "3 failures in a row, the last http_error"
    assert update(state, "http_error", retry_after="7200").wait_until == at("14:00")


def test_without_a_grid_only_what_the_source_asked_for_is_waited():
    state = update(SourceState(), *["http_error"] * 5, schedule=None)
    assert state.wait_until is None
    assert update(state, "http_error", retry_after="60", schedule=None).wait_until == at("12:01")


# What is known of a page


def conditions(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return cached_page(URL, named, sha256="aa", snapshot=SHOWN).conditions


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', '""', '"' + "x" * 998 + '"'])
def test_an_entity_tag_is_sent_back_as_it_came(etag):
    assert conditions(etag=etag) == {"if-none-match": etag}


@pytest.mark.parametrize(
    "etag",
    [
        "",
        "*",
        "v1",
        '"v1',
        '"v1", "v2"',
        '"v\r\nHost: elsewhere"',
        '"v\x00"',
        '"v\x7f"',
        '"v\x85"',
        '"é"',
        '"' + "x" * 999 + '"',
    ],
)
def test_an_entity_tag_that_is_none_is_taken_for_absent(etag):
    assert conditions(etag=etag) == {}


def test_a_date_is_sent_back_as_it_came():
    stamp = "Fri, 14 Nov 2025 12:00:00 GMT"
    assert conditions(last_modified=stamp) == {"if-modified-since": stamp}
    assert conditions(etag='"v1"', last_modified=stamp) == {"if-none-match": '"v1"', "if-modified-since": stamp}


@pytest.mark.parametrize("stamp", ["", "Fri\r\nCookie: a", "Fri\n", "\x1b[2J", "né", "x" * 1001])
def test_a_date_that_cannot_be_sent_is_taken_for_absent(stamp):
    assert conditions(last_modified=stamp) == {}


def test_a_page_is_known_at_its_own_address_only():
    page = CachedPage(URL, '"v1"', None, "aa", SHOWN)
    assert SourceState(page).page_at(URL) is page
    assert SourceState(page).page_at("http://ticker.test/other") is None
    assert SourceState().page_at(URL) is None
