"""A poll compares the answer's Date with the machine's clock, and its Age with what the source may print."""

import json
from datetime import date, timedelta

import pytest
from builders import NOON, PRINTED_TICKS, FixedClock
from servers import FakeFetch, fetched, fetcher, response

import fxticker as fx
from fxticker.collect.backoff import SourceState
from fxticker.collect.clock_evidence import ClockEvidence
from fxticker.collect.poll import collect_once
from fxticker.errors import BadStatus, Unreachable
from fxticker.model.clock_trust import Trust
from fxticker.model.records import Outcome
from fxticker.simulation.loopback_server import date_line
from fxticker.simulation.site import render_html
from fxticker.sources import cbr
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store
from fxticker.store.wrong_clock_notes import WrongClockNote, keep_wrong_clock_note

PAGE = render_html(PRINTED_TICKS, date(2025, 11, 14)).encode()
DATELESS = render_html(PRINTED_TICKS, None).encode()
HOUR = timedelta(hours=1)
DAY_S = 86_400


def dated(instant):
    return date_line(instant).removeprefix("Date: ")


def collect(folder, fetch, **options):
    clock = FixedClock(NOON)
    return collect_once(SOURCE, NOON, fetch=fetch, store=Store(folder, clock=clock), clock=clock, **options)


def collect_off_by(folder, off, body=PAGE, **options):
    """A poll whose clock is this much ahead of the answer's Date, or behind it if negative."""
    return collect(folder, FakeFetch(fetched(body, date=dated(NOON - off))), **options)


def stored(folder):
    """Outcomes on record, and the number of ticks."""
    polls = fx.load_polls(folder)
    return [str(outcome) for outcome in polls["outcome"]], len(fx.load(folder))


@pytest.mark.parametrize("off_s", [0, 60, -60])
def test_difference_of_a_minute_is_no_remark(tmp_path, off_s):
    poll = collect_off_by(tmp_path, timedelta(seconds=off_s))
    assert (poll.outcome, poll.detail) == (Outcome.OK, None)


@pytest.mark.parametrize(
    ("off_s", "remark"),
    [
        (61, "this machine's clock is 0:01:01 ahead of the answer's Date"),
        (-3599, "this machine's clock is 0:59:59 behind the answer's Date"),
    ],
)
def test_difference_of_more_than_a_minute_gives_a_remark(tmp_path, off_s, remark):
    poll = collect_off_by(tmp_path, timedelta(seconds=off_s))
    assert (poll.outcome, poll.ticks, poll.detail) == (Outcome.OK, 5, remark)


@pytest.mark.parametrize("behind", [HOUR, 3 * HOUR, timedelta(days=4000)])
def test_clock_behind_stores_no_tick_and_records_the_outcome_clock(tmp_path, behind):
    poll = collect_off_by(tmp_path, -behind)
    assert (poll.outcome, poll.ticks) == (Outcome.CLOCK, 0)
    assert "behind the time that servers send" in poll.detail
    assert stored(tmp_path) == (["clock"], 0)


@pytest.mark.parametrize("ahead", [HOUR, 3 * HOUR, timedelta(days=365)])
def test_clock_ahead_records_nothing_and_keeps_the_evidence_with_both_times(tmp_path, ahead):
    state = SourceState()
    poll = collect_off_by(tmp_path, ahead, state=state)
    assert (poll.outcome, state.is_recorded) == (Outcome.CLOCK, False)
    assert not (tmp_path / "polls").exists()
    assert not (tmp_path / "ticks").exists()
    [piece] = (tmp_path / "evidence").rglob("*.gz")
    [notes] = (tmp_path / "doubted").rglob("*.jsonl")
    note = json.loads(notes.read_text())
    assert note["clock"] == "2025-11-14T12:00:00Z"
    assert note["confirmed"][:19] == (NOON - ahead).isoformat()[:19]
    assert note["evidence"] in piece.name
    assert Store(tmp_path).check() == []


def test_notes_of_one_day_are_in_one_file(tmp_path):
    collect_off_by(tmp_path, 3 * HOUR)
    collect_off_by(tmp_path, 4 * HOUR)
    [notes] = (tmp_path / "doubted").rglob("*.jsonl")
    assert len(notes.read_text().splitlines()) == 2


def test_notes_of_the_oldest_days_are_deleted(tmp_path):
    store = Store(tmp_path)
    for days in range(5):
        confirmed = NOON + timedelta(days=days)
        keep_wrong_clock_note(store.backend, WrongClockNote("timesca", NOON, NOON, confirmed, "0" * 64, None), days=2)
    assert sorted(path.name for path in (tmp_path / "doubted").rglob("*.jsonl")) == [
        "2025-11-17.jsonl",
        "2025-11-18.jsonl",
    ]


@pytest.mark.parametrize("off", [-3 * HOUR, 3 * HOUR])
def test_synchronised_clock_makes_the_date_a_remark(tmp_path, off):
    poll = collect_off_by(tmp_path, off, clock_evidence=ClockEvidence(is_synchronised=lambda _now: True))
    assert (poll.outcome, poll.ticks) == (Outcome.OK, 5)
    assert "which is in doubt" in poll.detail


def test_answers_without_a_usable_date_are_judged_by_those_that_are(tmp_path):
    evidence = ClockEvidence()
    evidence.compare("other", {"date": dated(NOON + 3 * HOUR)}, NOON, timedelta(0))
    poll = collect(tmp_path, FakeFetch(fetched(PAGE)), clock_evidence=evidence)
    assert (poll.outcome, stored(tmp_path)) == (Outcome.CLOCK, (["clock"], 0))


@pytest.mark.parametrize("error", [Unreachable("refused"), BadStatus("status 503", http_status=503)])
def test_failed_poll_of_a_clock_ahead_is_not_recorded(tmp_path, error):
    evidence = ClockEvidence()
    evidence.compare("other", {"date": dated(NOON - 2 * HOUR)}, NOON, timedelta(0))
    collect(tmp_path, FakeFetch(error), clock_evidence=evidence)
    assert not (tmp_path / "polls").exists()


def test_skipped_slot_of_a_clock_ahead_is_not_recorded(tmp_path):
    evidence = ClockEvidence()
    evidence.compare("other", {"date": dated(NOON - 2 * HOUR)}, NOON, timedelta(0))
    collect(tmp_path, FakeFetch(), state=SourceState(wait_until=NOON + HOUR), clock_evidence=evidence)
    assert not (tmp_path / "polls").exists()


@pytest.mark.parametrize(("status", "kind"), [(503, "text/html"), (200, "image/png")])
def test_error_has_a_usable_date_too(tmp_path, status, kind):
    def answer(_request):
        return response(b"", status=status, content_type=kind, date=dated(NOON + 3 * HOUR))

    evidence = ClockEvidence()
    with fetcher(answer) as fetch:
        poll = collect(tmp_path, fetch, clock_evidence=evidence)
    assert evidence.trust(NOON) is Trust.BEHIND
    assert poll.outcome in (Outcome.HTTP_ERROR, Outcome.BLOCKED)
    assert poll.detail.startswith("this machine's clock is 3:00:00 behind")


def test_page_of_a_wrong_time_is_not_cached(tmp_path):
    state = SourceState()
    collect_off_by(tmp_path, -3 * HOUR, state=state)
    assert state.page is None


def test_nothing_is_written_if_earlier_slots_cannot_be_settled(tmp_path):
    state = SourceState()
    collect_off_by(tmp_path, timedelta(0), state=state, before_write=lambda: False)
    assert not state.is_recorded
    assert not (tmp_path / "ticks").exists()


def test_earlier_slots_are_settled_after_the_answer_and_before_the_first_write(tmp_path):
    evidence, seen = ClockEvidence(), []

    def before_write():
        seen.append((evidence.trust(NOON), (tmp_path / "ticks").exists(), (tmp_path / "polls").exists()))
        return True

    collect_off_by(tmp_path, timedelta(0), clock_evidence=evidence, before_write=before_write)
    assert seen == [(Trust.CONFIRMED, False, False)]


# Age


@pytest.mark.parametrize(
    ("age_s", "outcome"),
    [(0, "ok"), (2 * DAY_S - 1, "ok"), (2 * DAY_S, "stale"), (999_999, "stale"), ("9" * 30, "stale"), ("soon", "ok")],
)
def test_copy_older_than_the_limit_of_the_source_is_stale(tmp_path, age_s, outcome):
    poll = collect(tmp_path, FakeFetch(fetched(DATELESS, age=str(age_s), date=dated(NOON - 4000 * HOUR))))
    assert (poll.outcome, poll.ticks) == (outcome, 5)
    assert ("a cache's copy" in (poll.detail or "")) == (outcome == "stale")


def test_confirmation_by_an_old_copy_is_stale_too(tmp_path):
    state = SourceState()
    collect(tmp_path, FakeFetch(fetched(DATELESS, etag='"1"')), state=state)
    poll = collect(tmp_path, FakeFetch(fetched(None, age="999999")), state=state)
    assert (poll.http_status, poll.outcome) == (304, Outcome.STALE)


def test_age_is_counted_in_the_days_that_the_source_publishes():
    from fxticker.collect.page_outcome import is_old_copy

    week = timedelta(days=7)
    assert is_old_copy(3 * week, NOON, cbr.SOURCE)
    assert not is_old_copy(timedelta(days=cbr.SOURCE.stale_after_days), NOON, cbr.SOURCE)
    assert not is_old_copy(None, NOON, cbr.SOURCE)
