import gzip
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pandas as pd
import pytest
from builders import NOON, PRINTED_TICKS, FixedClock, cases
from daemons import Refusing
from servers import FakeFetch, fetched, fetcher, response

import fxticker as fx
from fxticker.collect.backoff import SourceState
from fxticker.collect.page_cache import CachedPage
from fxticker.collect.poll import collect_once
from fxticker.errors import (
    BadStatus,
    BodyTooLarge,
    DeadlineExceeded,
    Disallowed,
    FetchStopped,
    StoreError,
    UnexpectedContent,
    Unreachable,
    WriteFailed,
)
from fxticker.model.records import Outcome
from fxticker.model.schedule import Every
from fxticker.simulation.site import render_html, render_text
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

TODAY = date(2025, 11, 14)
CASES = cases("poll")
PAGE = CASES["page"].encode()
PAGE_SHA256 = "76a9548400605f782f880359be56e388d90e6df063af931b11f581451a13205f"
DAMAGED = PAGE + PAGE.replace(b"0.10840", b"0.10841")
CUT_SHORT = PAGE + PAGE[:60]
ARTICLE = b"<html><body><p>The som held steady against the dollar.</p></body></html>"
CHALLENGE = b"<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


def collect(folder, fetch, *, slot=NOON, clock=None, store=None, source=SOURCE, **options):
    clock = clock or FixedClock(slot)
    return collect_once(source, slot, fetch=fetch, store=store or Store(folder, clock=clock), clock=clock, **options)


def collect_in_turn(folder, fetch):
    """A poll every quarter of an hour, one for each answer of the fetch, with one state."""
    state = SourceState()
    slots = [NOON + number * timedelta(minutes=15) for number in range(len(fetch.answers))]
    return [collect(folder, fetch, slot=slot, state=state) for slot in slots]


# A successful poll


def test_successful_poll_stores_every_tick_as_printed(tmp_path):
    collect(tmp_path, FakeFetch(fetched(PAGE)))
    ticks = fx.load(tmp_path)
    assert list(zip(ticks["pair"], ticks["rate_text"], ticks["change_text"], strict=True)) == [
        ("KGS/USD", "0.01144", "0%"),
        ("KZT/USD", "0.00191", "-0%"),
        ("TJS/USD", "0.10840", "0.37%"),
        ("TMT/USD", "0.28571", "0%"),
        ("UZS/USD", "0.00008", "0%"),
    ]
    assert set(ticks["observed_at"]) == {NOON}
    assert set(ticks["time_basis"]) == {"clock"}
    assert set(ticks["origin"]) == {"live"}
    assert set(ticks["source_date"]) == {pd.Timestamp("2025-11-14")}


def test_successful_poll_is_recorded(tmp_path):
    poll = collect(tmp_path, FakeFetch(fetched(PAGE)))
    [row] = fx.load_polls(tmp_path).to_dict("records")
    assert (row["source"], row["slot"], row["started_at"], row["outcome"]) == ("timesca", NOON, NOON, "ok")
    assert (row["ticks"], row["http_status"], row["attempts"]) == (5, 200, 1)
    assert (row["body_bytes"], row["body_sha256"]) == (126, PAGE_SHA256)
    assert row["source_date"] == pd.Timestamp("2025-11-14")
    assert row["duration_ms"] >= 0
    assert pd.isna(row["detail"])
    assert (poll.outcome, poll.ticks, poll.detail) == (Outcome.OK, 5, None)


def test_observed_at_is_the_completion_of_the_fetch(tmp_path):
    clock = FixedClock(NOON, step=timedelta(seconds=1))
    collect(tmp_path, FakeFetch(fetched(PAGE)), clock=clock)
    assert set(fx.load(tmp_path)["observed_at"]) == {datetime(2025, 11, 14, 12, 0, 2, tzinfo=UTC)}
    assert set(fx.load_polls(tmp_path)["started_at"]) == {datetime(2025, 11, 14, 12, 0, 1, tzinfo=UTC)}


def test_request_has_address_and_media_types_of_the_source(tmp_path):
    fetch = FakeFetch(fetched(PAGE))
    collect(tmp_path, fetch, source=replace(SOURCE, url="http://127.0.0.1/a", media_types=frozenset(["text/html"])))
    assert fetch.requests == [("http://127.0.0.1/a", frozenset(["text/html"]))]


@pytest.mark.parametrize(
    "page", [render_text(PRINTED_TICKS, TODAY), render_html(PRINTED_TICKS, TODAY)], ids=["text", "html"]
)
def test_repeated_ticker_gives_one_tick_per_pair(tmp_path, page):
    assert collect(tmp_path, FakeFetch(fetched(page.encode()))).ticks == 5
    assert len(fx.load(tmp_path)) == 5


def test_first_outcome_of_a_slot_is_kept(tmp_path):
    collect(tmp_path, FakeFetch(fetched(PAGE)))
    again = collect(tmp_path, FakeFetch(Unreachable("refused")))
    polls = fx.load_polls(tmp_path)
    assert again.outcome == Outcome.UNREACHABLE
    assert list(polls["outcome"]) == ["ok"]


def test_each_slot_has_its_outcome_and_ticks(tmp_path):
    collect(tmp_path, FakeFetch(fetched(PAGE)))
    collect(tmp_path, FakeFetch(fetched(PAGE)), slot=NOON + timedelta(minutes=15))
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["ok", "ok"]
    assert len(fx.load(tmp_path)) == 10


# Staleness


@pytest.mark.parametrize(("printed", "outcome"), [*CASES["page_two_days_old_is_stale"], (None, "ok")])
def test_page_two_days_old_is_stale_and_its_ticks_are_stored(tmp_path, printed, outcome):
    source_date = None if printed is None else date.fromisoformat(printed)
    poll = collect(tmp_path, FakeFetch(fetched(render_text(PRINTED_TICKS, source_date).encode())))
    assert (poll.outcome, poll.ticks, poll.source_date) == (outcome, 5, source_date)
    assert list(fx.load_polls(tmp_path)["outcome"]) == [outcome]
    assert len(fx.load(tmp_path)) == 5


def test_date_far_ahead_is_stored_and_flagged(tmp_path):
    poll = collect(tmp_path, FakeFetch(fetched(render_text(PRINTED_TICKS, date(2031, 1, 1)).encode())))
    assert poll.detail == "date far ahead: 2031-01-01"


def test_age_of_a_page_is_counted_from_the_day_of_the_fetch(tmp_path):
    before_midnight = datetime(2025, 11, 14, 23, 59, 59, tzinfo=UTC)
    page = FakeFetch(fetched(render_text(PRINTED_TICKS, date(2025, 11, 13)).encode()))
    after_midnight = FixedClock(before_midnight, step=timedelta(seconds=1))
    assert collect(tmp_path, page, slot=before_midnight).outcome == Outcome.OK
    assert collect(tmp_path, page, slot=before_midnight, clock=after_midnight).outcome == Outcome.STALE


# Failures are outcomes


@pytest.mark.parametrize(
    ("error", "outcome", "http_status", "attempts"),
    [
        (Unreachable("ConnectError: refused", attempts=3), "unreachable", None, 3),
        (Unreachable("the compressed body is cut short", http_status=200), "unreachable", 200, 1),
        (DeadlineExceeded("no complete response within 20 s", attempts=2), "timeout", None, 2),
        (BadStatus("status 403 Forbidden", http_status=403), "http_error", 403, 1),
        (BadStatus("status 503", http_status=503, attempts=3), "http_error", 503, 3),
        (BodyTooLarge("the body exceeds 5 bytes", http_status=200), "too_large", 200, 1),
        (UnexpectedContent("content type 'image/png'", http_status=200), "blocked", 200, 1),
        (FetchStopped("stopped before the response was complete"), "stopped", None, 1),
        (Disallowed("robots.txt of the site forbids the page", attempts=0), "disallowed", None, 0),
    ],
)
def test_failed_fetch_is_recorded_with_status_and_attempts(tmp_path, error, outcome, http_status, attempts):
    poll = collect(tmp_path, FakeFetch(error))
    [row] = fx.load_polls(tmp_path).to_dict("records")
    assert (row["outcome"], row["detail"], row["attempts"], row["ticks"]) == (outcome, str(error), attempts, 0)
    assert (poll.http_status, poll.body_sha256, poll.body_bytes) == (http_status, None, None)
    assert not (tmp_path / "ticks").exists()
    assert not (tmp_path / "rejected").exists()


@pytest.mark.parametrize(
    ("body", "headers", "outcome"),
    [
        (ARTICLE, {}, "no_ticker"),
        (b"", {}, "no_ticker"),
        (CHALLENGE, {}, "blocked"),
        (ARTICLE, {"cf-mitigated": "challenge"}, "blocked"),
        (DAMAGED, {}, "damaged"),
        (CUT_SHORT, {}, "damaged"),
        (PAGE.replace(b"0.00191", b"0.00000"), {}, "damaged"),
        (PAGE.replace(b"0.00191", b"n/a"), {}, "damaged"),
    ],
)
def test_rejected_page_is_recorded_and_its_body_kept(tmp_path, body, headers, outcome):
    poll = collect(tmp_path, FakeFetch(fetched(body, **headers)))
    [row] = fx.load_polls(tmp_path).to_dict("records")
    assert (row["outcome"], row["ticks"], row["http_status"], row["body_bytes"]) == (outcome, 0, 200, len(body))
    assert poll.detail
    kept = tmp_path / "rejected" / "source=timesca" / "20251114T120000.000000Z.gz"
    assert gzip.decompress(kept.read_bytes()) == body
    assert not (tmp_path / "ticks").exists()


@pytest.mark.parametrize("title", ["Just a moment...", "Attention Required! | Cloudflare", "Access denied"])
def test_challenge_page_is_recognised_by_its_title(tmp_path, title):
    page = f"<html><head><title>{title}</title></head><body><div id='main'></div></body></html>"
    assert collect(tmp_path, FakeFetch(fetched(page.encode()))).outcome == Outcome.BLOCKED


def test_rejected_body_does_not_disturb_readers(tmp_path):
    collect(tmp_path, FakeFetch(fetched(PAGE)))
    collect(tmp_path, FakeFetch(fetched(DAMAGED)), slot=NOON + timedelta(minutes=15))
    assert len(fx.load(tmp_path)) == 5
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["ok", "damaged"]
    assert Store(tmp_path).check() == []


FORGED = "status 200\r\n2026-01-01 INFO timesca ok: 5 ticks\x1b[2J\x00\u2028\u202e end" + "x" * 400


def test_detail_is_one_printable_line_of_bounded_length(tmp_path):
    poll = collect(tmp_path, FakeFetch(BadStatus(FORGED, http_status=500)))
    assert poll.detail.startswith("status 200 2026-01-01 INFO timesca ok: 5 ticks\ufffd[2J\ufffd \ufffd endxxx")
    assert poll.detail.isprintable()
    assert len(poll.detail) == 300


def test_reason_phrase_cannot_forge_log_lines(tmp_path):
    def answer(_request):
        return httpx.Response(404, extensions={"reason_phrase": b"Gone\r\n2026-01-01 INFO ok\x1b[2J"})

    with fetcher(answer) as fetch:
        poll = collect(tmp_path, fetch)
    assert poll.detail == "status 404 Gone 2026-01-01 INFO ok\ufffd[2J"


@pytest.mark.parametrize("entry", ["KZT/USD = \x1b[2J\x07", "KZT/USD = 0.00191\u202e0%", "KZT/USD = 0.0\r0191\x0b-0%"])
def test_page_cannot_forge_log_lines(tmp_path, entry):
    poll = collect(tmp_path, FakeFetch(fetched(PAGE.replace(b"KZT/USD = 0.00191 -0%", entry.encode()))))
    assert poll.outcome == Outcome.DAMAGED
    assert poll.detail.isprintable()
    assert len(poll.detail) <= 300


def test_error_in_the_code_of_a_source_is_an_outcome(tmp_path):
    def parse(body, headers):
        raise ZeroDivisionError

    poll = collect(tmp_path, FakeFetch(fetched(PAGE)), source=replace(SOURCE, parse=parse))
    assert (poll.outcome, poll.detail) == (Outcome.ERROR, "ZeroDivisionError: see the log")
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["error"]


def test_inconsistent_percentage_is_flagged_and_stored(tmp_path):
    poll = collect(tmp_path, FakeFetch(fetched(PAGE.replace(b"0.37%", b"0.38%"))))
    assert poll.outcome == Outcome.OK
    assert poll.detail == "percentage inconsistent with the rate: TJS/USD"
    assert len(fx.load(tmp_path)) == 5


# Conditional requests


def test_unchanged_page_gives_ticks_of_now(tmp_path):
    fetch = FakeFetch(fetched(PAGE, etag='"v1"', last_modified="Fri, 14 Nov 2025 11:59:00 GMT"), fetched())
    _, poll = collect_in_turn(tmp_path, fetch)
    assert fetch.conditions == [{}, {"if-none-match": '"v1"', "if-modified-since": "Fri, 14 Nov 2025 11:59:00 GMT"}]
    assert (poll.outcome, poll.ticks, poll.http_status) == (Outcome.OK, 5, 304)
    assert (poll.body_sha256, poll.body_bytes, poll.source_date) == (PAGE_SHA256, None, TODAY)
    assert poll.detail is None
    ticks = fx.load(tmp_path, pairs=["TJS/USD"])
    assert list(ticks["observed_at"]) == [NOON, NOON + timedelta(minutes=15)]
    assert list(ticks["rate_text"]) == ["0.10840", "0.10840"]


def test_not_modified_is_recorded_with_status_304(tmp_path):
    collect_in_turn(tmp_path, FakeFetch(fetched(PAGE, etag='"v1"'), fetched()))
    row = fx.load_polls(tmp_path).to_dict("records")[1]
    assert (row["outcome"], row["ticks"], row["http_status"], row["body_sha256"]) == ("ok", 5, 304, PAGE_SHA256)
    assert pd.isna(row["body_bytes"])


def test_page_that_never_changes_becomes_stale(tmp_path):
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'), fetched(), fetched())
    state = SourceState()
    days = [NOON, NOON + timedelta(days=1), NOON + timedelta(days=2)]
    assert [collect(tmp_path, fetch, slot=day, state=state).outcome for day in days] == ["ok", "ok", "stale"]
    assert len(fx.load(tmp_path)) == 15


def test_not_modified_may_come_any_number_of_times(tmp_path):
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'), *[fetched(etag='"v2"')] * 5)
    assert [poll.ticks for poll in collect_in_turn(tmp_path, fetch)] == [5] * 6
    assert fetch.conditions[1:] == [{"if-none-match": '"v1"'}] * 5


def test_changed_page_replaces_the_cached_one(tmp_path):
    changed = PAGE.replace(b"0.10840", b"0.10841").replace(b"0.37%", b"0%")
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'), fetched(changed, etag='"v2"'), fetched())
    collect_in_turn(tmp_path, fetch)
    assert fetch.conditions[2] == {"if-none-match": '"v2"'}
    assert list(fx.load(tmp_path, pairs=["TJS/USD"])["rate_text"]) == ["0.10840", "0.10841", "0.10841"]


def test_page_without_validators_is_requested_without_conditions(tmp_path):
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'), fetched(PAGE), fetched(PAGE))
    collect_in_turn(tmp_path, fetch)
    assert fetch.conditions == [{}, {"if-none-match": '"v1"'}, {}]


def test_hostile_validators_are_not_sent_back(tmp_path):
    fetch = FakeFetch(fetched(PAGE, etag='"a\r\nHost: elsewhere.test"', last_modified="x" * 1001), fetched(PAGE))
    collect_in_turn(tmp_path, fetch)
    assert fetch.conditions == [{}, {}]


def test_failed_fetch_keeps_the_cached_page(tmp_path):
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'), Unreachable("refused"), fetched())
    assert [poll.outcome for poll in collect_in_turn(tmp_path, fetch)] == ["ok", "unreachable", "ok"]
    assert fetch.conditions[2] == {"if-none-match": '"v1"'}


@pytest.mark.parametrize("body", [ARTICLE, DAMAGED, CHALLENGE])
def test_rejected_page_empties_the_cache(tmp_path, body):
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'), fetched(body, etag='"v2"'), fetched(PAGE))
    collect_in_turn(tmp_path, fetch)
    assert fetch.conditions == [{}, {"if-none-match": '"v1"'}, {}]


def test_error_in_the_code_of_a_source_empties_the_cache(tmp_path):
    def parse(body, headers):
        raise ZeroDivisionError

    state = SourceState(CachedPage(SOURCE.url, '"v1"', None, PAGE_SHA256, SOURCE.parse(PAGE, {})))
    collect(tmp_path, FakeFetch(fetched(PAGE, etag='"v2"')), state=state, source=replace(SOURCE, parse=parse))
    assert state.page is None


def test_validators_are_not_sent_to_another_address(tmp_path):
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'), fetched(PAGE.replace(b"0.00191", b"0.19100")))
    state = SourceState()
    collect(tmp_path, fetch, state=state)
    elsewhere = replace(SOURCE, url="https://elsewhere.test/")
    poll = collect(tmp_path, fetch, slot=NOON + timedelta(minutes=15), state=state, source=elsewhere)
    assert fetch.conditions == [{}, {}]
    assert "rate jump" not in (poll.detail or "")


def test_poll_without_state_is_unconditional(tmp_path):
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'), fetched(PAGE, etag='"v1"'))
    collect(tmp_path, fetch)
    collect(tmp_path, fetch, slot=NOON + timedelta(minutes=15))
    assert fetch.conditions == [{}, {}]


def test_unchanged_page_is_polled_with_a_real_client(tmp_path):
    def answer(request):
        if request.headers.get("if-none-match") == '"v1"':
            return response(status=304)
        return response(PAGE, etag='"v1"')

    state = SourceState()
    with fetcher(answer) as fetch:
        first = collect(tmp_path, fetch, state=state)
        second = collect(tmp_path, fetch, slot=NOON + timedelta(minutes=15), state=state)
        alone = collect(tmp_path, fetch, slot=NOON + timedelta(minutes=30))
    assert [(poll.outcome, poll.http_status) for poll in (first, second, alone)] == [
        ("ok", 200),
        ("ok", 304),
        ("ok", 200),
    ]


def test_not_modified_without_conditions_is_a_failure(tmp_path):
    with fetcher(lambda request: response(status=304)) as fetch:
        poll = collect(tmp_path, fetch, state=SourceState())
    assert (poll.outcome, poll.http_status, poll.detail) == (Outcome.HTTP_ERROR, 304, "status 304 Not Modified")


# Retry-After and back-off


def test_retry_after_sets_the_wait(tmp_path):
    state = SourceState()
    error = BadStatus("status 429 Too Many Requests", http_status=429, retry_after="1800")
    collect(tmp_path, FakeFetch(error), state=state)
    assert state.wait_until == NOON + timedelta(minutes=30)


def test_repeated_failures_skip_slots_until_a_successful_poll(tmp_path):
    state, grid = SourceState(), Every(timedelta(minutes=15))
    for number in range(3):
        assert state.wait_until is None
        slot = NOON + number * timedelta(minutes=15)
        collect(tmp_path, FakeFetch(BadStatus("status 500", http_status=500)), slot=slot, state=state, schedule=grid)
    assert state.wait_until == NOON + timedelta(minutes=60)
    assert state.wait_why == "3 failures in a row, the last http_error: no request until 2025-11-14T13:00:00Z"
    collect(tmp_path, FakeFetch(fetched(PAGE)), slot=NOON + timedelta(minutes=60), state=state, schedule=grid)
    assert (state.failures, state.wait_until) == (0, None)


# Anomalies


@pytest.mark.parametrize(("before", "after", "detail"), CASES["anomaly_is_flagged_and_stored"])
def test_anomaly_is_flagged_and_stored(tmp_path, before, after, detail):
    pages = [CASES["page"].replace(*edit).encode() for edit in (before, after)]
    _, poll = collect_in_turn(tmp_path, FakeFetch(*map(fetched, pages)))
    assert (poll.outcome, poll.detail or "") == (Outcome.OK, detail)
    assert poll.ticks == pages[1].count(b"/USD")


def test_anomalies_are_one_line_with_the_gravest_first(tmp_path):
    _, poll = collect_in_turn(tmp_path, FakeFetch(fetched(PAGE), fetched(CASES["odd_page"].encode())))
    assert poll.detail.split("; ") == [
        "rate jump: KGS/USD 0.01144 -> 0.00144, KZT/USD 0.00191 -> 0.19100",
        "pair missing: TMT/USD",
        "new pair: AFN/USD",
        "percentage inconsistent with the rate: TJS/USD",
    ]


def test_line_of_anomalies_has_bounded_length(tmp_path):
    page = "".join(f"A{chr(65 + number)}A/USD = 0.01512 0%\n" for number in range(26)) + "14 November 2025\n"
    _, poll = collect_in_turn(
        tmp_path, FakeFetch(fetched(CASES["odd_page"].encode()), fetched(page.replace("AAA/", "AZN/").encode()))
    )
    assert poll.detail.startswith(
        "pair missing: KGS/USD, KZT/USD, TJS/USD, UZS/USD, AFN/USD; new pair: AZN/USD, ABA/USD"
    )
    assert len(poll.detail) <= 300


def test_first_poll_compares_with_nothing(tmp_path):
    [poll] = collect_in_turn(tmp_path, FakeFetch(fetched(PAGE.replace(b"0.00191", b"0.19100"))))
    assert poll.detail is None


def test_date_that_cannot_be_read_is_named_at_the_first_poll(tmp_path):
    [poll] = collect_in_turn(tmp_path, FakeFetch(fetched(PAGE.replace(b"14 November 2025", b"14 November"))))
    assert (poll.outcome, poll.source_date, poll.detail) == (Outcome.OK, None, "date unreadable: '14 November'")


def test_jump_is_flagged_once(tmp_path):
    jumped = PAGE.replace(b"0.00191", b"0.19100")
    polls = collect_in_turn(
        tmp_path, FakeFetch(fetched(PAGE), fetched(jumped, etag='"v1"'), fetched(), fetched(jumped))
    )
    assert [poll.detail for poll in polls] == [None, "rate jump: KZT/USD 0.00191 -> 0.19100", None, None]


def test_snapshots_are_compared_across_a_failed_fetch(tmp_path):
    fetch = FakeFetch(fetched(PAGE), Unreachable("refused"), fetched(PAGE.replace(b"0.00191", b"0.19100")))
    assert collect_in_turn(tmp_path, fetch)[2].detail == "rate jump: KZT/USD 0.00191 -> 0.19100"


# A store that fails


def test_nothing_is_recorded_if_the_ticks_cannot_be_stored(tmp_path):
    with pytest.raises(WriteFailed, match="No space left"):
        collect(tmp_path, FakeFetch(fetched(PAGE)), store=Store(LocalStorage(tmp_path, Refusing("ticks"))))
    assert fx.load_polls(tmp_path).empty
    assert fx.load(tmp_path).empty


def test_outcome_is_recorded_if_a_rejected_body_cannot_be_kept(tmp_path):
    collect(tmp_path, FakeFetch(fetched(ARTICLE)), store=Store(LocalStorage(tmp_path, Refusing("rejected"))))
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["no_ticker"]


@pytest.mark.parametrize(
    "fetch", [FakeFetch(fetched(PAGE)), FakeFetch(Unreachable("refused"))], ids=["sound", "failed"]
)
def test_poll_raises_if_its_outcome_cannot_be_stored(tmp_path, fetch):
    with pytest.raises(StoreError):
        collect(tmp_path, fetch, store=Store(LocalStorage(tmp_path, Refusing("polls"))))
    assert fx.load_polls(tmp_path).empty


def test_second_poll_after_a_store_failure_adds_no_tick_twice(tmp_path):
    with pytest.raises(StoreError):
        collect(tmp_path, FakeFetch(fetched(PAGE)), store=Store(LocalStorage(tmp_path, Refusing("polls"))))
    collect(tmp_path, FakeFetch(fetched(PAGE)))
    assert len(fx.load(tmp_path)) == 5
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["ok"]
