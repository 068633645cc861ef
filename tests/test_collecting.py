import errno
import gzip
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pandas as pd
import pytest
from builders import NOON, TICKER, FixedClock

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
from fxticker.fetch.client import Fetcher, Response
from fxticker.model.records import Outcome, PrintedTick
from fxticker.model.schedule import Every
from fxticker.simulation.site import render_html, render_text
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.local import FileCalls, LocalStorage
from fxticker.store.store import Store

PRINTED = [PrintedTick(*entry) for entry in TICKER]
TODAY = date(2025, 11, 14)
PAGE = b"""\
KGS/USD = 0.01144 0%
KZT/USD = 0.00191 -0%
TJS/USD = 0.10840 0.37%
UZS/USD = 0.00008 0%
TMT/USD = 0.28571 0%
14 November 2025
"""
PAGE_SHA256 = "76a9548400605f782f880359be56e388d90e6df063af931b11f581451a13205f"
DAMAGED = PAGE + PAGE.replace(b"0.10840", b"0.10841")
CUT_SHORT = PAGE + PAGE[:60]
ARTICLE = b"<html><body><p>The som held steady against the dollar.</p></body></html>"
CHALLENGE = b"<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


def showing(body, **headers):
    """A net in which every request gets this page."""
    return lambda url, *, media_types, conditions: Response(body, headers, 200, 1)


def failing(error):
    """A net in which every request ends with this error."""

    def fetch(url, *, media_types, conditions):
        raise error

    return fetch


class Site:
    """A net that gives each of these answers once, a body with headers or an error, and remembers the conditions."""

    def __init__(self, *answers):
        self.answers = answers
        self.asked = []

    def __call__(self, url, *, media_types, conditions):
        answer = self.answers[len(self.asked)]
        self.asked.append(conditions)
        if isinstance(answer, Exception):
            raise answer
        return answer


def shown(body=None, **headers):
    """The answer with this body, or that the page did not change if there is none."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body or b"", named, 304 if body is None else 200, 1)


def collect(folder, fetch, *, slot=NOON, clock=None, store=None, source=SOURCE, **memory):
    clock = clock or FixedClock(slot)
    return collect_once(source, slot, fetch=fetch, store=store or Store(folder, clock=clock), clock=clock, **memory)


def collect_in_turn(folder, site, **options):
    """A poll every quarter of an hour, one for each answer of the site, with one memory."""
    state = SourceState()
    slots = [NOON + number * timedelta(minutes=15) for number in range(len(site.answers))]
    return [collect(folder, site, slot=slot, state=state, **options) for slot in slots]


def refusing_store(folder, *, what, error=errno.ENOSPC):
    """A store that cannot publish the files whose path holds a word."""
    calls = FileCalls()

    def refuse(staged, target):
        if what in str(target):
            raise OSError(error, "No space left on device")
        FileCalls.replace(staged, target)

    calls.replace = refuse
    return Store(LocalStorage(folder, calls))


# A sound page


def test_a_sound_poll_stores_every_tick_exactly_as_printed(tmp_path):
    collect(tmp_path, showing(PAGE))
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


def test_a_sound_poll_records_what_came(tmp_path):
    poll = collect(tmp_path, showing(PAGE))
    [row] = fx.load_polls(tmp_path).to_dict("records")
    assert (row["source"], row["slot"], row["started_at"], row["outcome"]) == ("timesca", NOON, NOON, "ok")
    assert (row["ticks"], row["http_status"], row["attempts"]) == (5, 200, 1)
    assert (row["body_bytes"], row["body_sha256"]) == (126, PAGE_SHA256)
    assert row["source_date"] == pd.Timestamp("2025-11-14")
    assert row["duration_ms"] >= 0
    assert pd.isna(row["detail"])
    assert (poll.outcome, poll.ticks, poll.detail) == (Outcome.OK, 5, None)


def test_a_tick_is_observed_when_the_fetch_was_complete_and_not_at_its_slot(tmp_path):
    clock = FixedClock(NOON, step=timedelta(seconds=1))
    collect(tmp_path, showing(PAGE), clock=clock)
    assert set(fx.load(tmp_path)["observed_at"]) == {datetime(2025, 11, 14, 12, 0, 2, tzinfo=UTC)}
    assert set(fx.load_polls(tmp_path)["started_at"]) == {datetime(2025, 11, 14, 12, 0, 1, tzinfo=UTC)}


def test_the_source_is_asked_at_its_address_for_its_media_types(tmp_path):
    asked = []

    def fetch(url, *, media_types, conditions):
        asked.append((url, media_types))
        return Response(PAGE, {}, 200, 1)

    collect(tmp_path, fetch, source=replace(SOURCE, url="http://127.0.0.1/a", media_types=frozenset(["text/html"])))
    assert asked == [("http://127.0.0.1/a", frozenset(["text/html"]))]


@pytest.mark.parametrize("page", [render_text(PRINTED, TODAY), render_html(PRINTED, TODAY)], ids=["text", "html"])
def test_the_repeated_ticker_gives_one_tick_a_pair(tmp_path, page):
    assert collect(tmp_path, showing(page.encode())).ticks == 5
    assert len(fx.load(tmp_path)) == 5


def test_polling_a_slot_twice_leaves_the_first_outcome(tmp_path):
    collect(tmp_path, showing(PAGE))
    again = collect(tmp_path, failing(Unreachable("refused")))
    polls = fx.load_polls(tmp_path)
    assert again.outcome == Outcome.UNREACHABLE
    assert list(polls["outcome"]) == ["ok"]


def test_two_slots_have_two_outcomes_and_their_own_ticks(tmp_path):
    collect(tmp_path, showing(PAGE))
    collect(tmp_path, showing(PAGE), slot=NOON + timedelta(minutes=15))
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["ok", "ok"]
    assert len(fx.load(tmp_path)) == 10


# The date that the page prints


@pytest.mark.parametrize(
    ("printed", "outcome"),
    [
        (date(2025, 11, 14), "ok"),
        (date(2025, 11, 13), "ok"),
        (date(2025, 11, 12), "stale"),
        (date(2024, 11, 14), "stale"),
        (date(2025, 11, 15), "ok"),
        (date(2031, 1, 1), "ok"),
        (None, "ok"),
    ],
)
def test_a_page_two_days_old_is_stale_and_its_ticks_are_stored_all_the_same(tmp_path, printed, outcome):
    poll = collect(tmp_path, showing(render_text(PRINTED, printed).encode()))
    assert (poll.outcome, poll.ticks, poll.source_date) == (outcome, 5, printed)
    assert list(fx.load_polls(tmp_path)["outcome"]) == [outcome]
    assert len(fx.load(tmp_path)) == 5


def test_a_date_far_ahead_is_stored_and_named(tmp_path):
    poll = collect(tmp_path, showing(render_text(PRINTED, date(2031, 1, 1)).encode()))
    assert poll.detail == "date far ahead: 2031-01-01"


def test_the_age_of_a_page_is_counted_from_the_day_of_the_fetch(tmp_path):
    before_midnight = datetime(2025, 11, 14, 23, 59, 59, tzinfo=UTC)
    page = showing(render_text(PRINTED, date(2025, 11, 13)).encode())
    after_midnight = FixedClock(before_midnight, step=timedelta(seconds=1))
    assert collect(tmp_path, page, slot=before_midnight).outcome == Outcome.OK
    assert collect(tmp_path, page, slot=before_midnight, clock=after_midnight).outcome == Outcome.STALE


# What goes wrong is an outcome


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
def test_a_failed_fetch_is_recorded_with_what_is_known_of_it(tmp_path, error, outcome, http_status, attempts):
    poll = collect(tmp_path, failing(error))
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
def test_a_page_that_cannot_be_read_is_recorded_and_its_body_kept(tmp_path, body, headers, outcome):
    poll = collect(tmp_path, showing(body, **headers))
    [row] = fx.load_polls(tmp_path).to_dict("records")
    assert (row["outcome"], row["ticks"], row["http_status"], row["body_bytes"]) == (outcome, 0, 200, len(body))
    assert poll.detail
    kept = tmp_path / "rejected" / "source=timesca" / "20251114T120000.000000Z.gz"
    assert gzip.decompress(kept.read_bytes()) == body
    assert not (tmp_path / "ticks").exists()


@pytest.mark.parametrize("title", ["Just a moment...", "Attention Required! | Cloudflare", "Access denied"])
def test_a_challenge_is_known_by_its_title(tmp_path, title):
    page = f"<html><head><title>{title}</title></head><body><div id='main'></div></body></html>"
    assert collect(tmp_path, showing(page.encode())).outcome == Outcome.BLOCKED


def test_a_body_that_is_kept_is_in_nobodys_way(tmp_path):
    collect(tmp_path, showing(PAGE))
    collect(tmp_path, showing(DAMAGED), slot=NOON + timedelta(minutes=15))
    assert len(fx.load(tmp_path)) == 5
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["ok", "damaged"]
    assert Store(tmp_path).check() == []


FORGED = "status 200\r\n2026-01-01 INFO timesca ok: 5 ticks\x1b[2J\x00\u2028\u202e end" + "x" * 400


def test_a_message_is_one_printable_line_of_bounded_length(tmp_path):
    poll = collect(tmp_path, failing(BadStatus(FORGED, http_status=500)))
    assert poll.detail.startswith("status 200 2026-01-01 INFO timesca ok: 5 ticks\ufffd[2J\ufffd \ufffd endxxx")
    assert poll.detail.isprintable()
    assert len(poll.detail) == 300


def test_a_server_cannot_forge_lines_of_the_log_with_its_reason_phrase(tmp_path):
    def answer(_request):
        return httpx.Response(404, extensions={"reason_phrase": b"Gone\r\n2026-01-01 INFO ok\x1b[2J"})

    with Fetcher(timeout_s=5, max_bytes=100, user_agent="test", transport=httpx.MockTransport(answer)) as fetch:
        poll = collect(tmp_path, fetch)
    assert poll.detail == "status 404 Gone 2026-01-01 INFO ok\ufffd[2J"


@pytest.mark.parametrize("entry", ["KZT/USD = \x1b[2J\x07", "KZT/USD = 0.00191\u202e0%", "KZT/USD = 0.0\r0191\x0b-0%"])
def test_a_page_cannot_forge_lines_of_the_log_with_its_figures(tmp_path, entry):
    poll = collect(tmp_path, showing(PAGE.replace(b"KZT/USD = 0.00191 -0%", entry.encode())))
    assert poll.outcome == Outcome.DAMAGED
    assert poll.detail.isprintable()
    assert len(poll.detail) <= 300


def test_a_fault_of_the_sources_code_is_an_outcome_of_its_own(tmp_path):
    def parse(body, headers):
        raise ZeroDivisionError

    poll = collect(tmp_path, showing(PAGE), source=replace(SOURCE, parse=parse))
    assert (poll.outcome, poll.detail) == (Outcome.ERROR, "ZeroDivisionError: see the log")
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["error"]


def test_a_percentage_that_no_earlier_rate_can_give_is_flagged_and_stored(tmp_path):
    poll = collect(tmp_path, showing(PAGE.replace(b"0.37%", b"0.38%")))
    assert poll.outcome == Outcome.OK
    assert poll.detail == "percentage inconsistent with the rate: TJS/USD"
    assert len(fx.load(tmp_path)) == 5


# A page that did not change


def test_a_page_that_did_not_change_shows_its_ticks_now(tmp_path):
    site = Site(shown(PAGE, etag='"v1"', last_modified="Fri, 14 Nov 2025 11:59:00 GMT"), shown())
    _, poll = collect_in_turn(tmp_path, site)
    assert site.asked == [{}, {"if-none-match": '"v1"', "if-modified-since": "Fri, 14 Nov 2025 11:59:00 GMT"}]
    assert (poll.outcome, poll.ticks, poll.http_status) == (Outcome.OK, 5, 304)
    assert (poll.body_sha256, poll.body_bytes, poll.source_date) == (PAGE_SHA256, None, TODAY)
    assert poll.detail is None
    ticks = fx.load(tmp_path, pairs=["TJS/USD"])
    assert list(ticks["observed_at"]) == [NOON, NOON + timedelta(minutes=15)]
    assert list(ticks["rate_text"]) == ["0.10840", "0.10840"]


def test_not_modified_is_recorded_as_such(tmp_path):
    collect_in_turn(tmp_path, Site(shown(PAGE, etag='"v1"'), shown()))
    row = fx.load_polls(tmp_path).to_dict("records")[1]
    assert (row["outcome"], row["ticks"], row["http_status"], row["body_sha256"]) == ("ok", 5, 304, PAGE_SHA256)
    assert pd.isna(row["body_bytes"])


def test_a_page_that_never_changes_grows_old(tmp_path):
    site = Site(shown(PAGE, etag='"v1"'), shown(), shown())
    state = SourceState()
    days = [NOON, NOON + timedelta(days=1), NOON + timedelta(days=2)]
    assert [collect(tmp_path, site, slot=day, state=state).outcome for day in days] == ["ok", "ok", "stale"]
    assert len(fx.load(tmp_path)) == 15


def test_not_modified_may_come_any_number_of_times(tmp_path):
    site = Site(shown(PAGE, etag='"v1"'), *[shown(etag='"v2"')] * 5)
    assert [poll.ticks for poll in collect_in_turn(tmp_path, site)] == [5] * 6
    assert site.asked[1:] == [{"if-none-match": '"v1"'}] * 5


def test_a_page_that_changed_replaces_the_one_that_was_known(tmp_path):
    changed = PAGE.replace(b"0.10840", b"0.10841").replace(b"0.37%", b"0%")
    site = Site(shown(PAGE, etag='"v1"'), shown(changed, etag='"v2"'), shown())
    collect_in_turn(tmp_path, site)
    assert site.asked[2] == {"if-none-match": '"v2"'}
    assert list(fx.load(tmp_path, pairs=["TJS/USD"])["rate_text"]) == ["0.10840", "0.10841", "0.10841"]


def test_a_page_without_validators_is_asked_for_without_conditions(tmp_path):
    site = Site(shown(PAGE, etag='"v1"'), shown(PAGE), shown(PAGE))
    collect_in_turn(tmp_path, site)
    assert site.asked == [{}, {"if-none-match": '"v1"'}, {}]


def test_hostile_validators_are_not_sent_back(tmp_path):
    site = Site(shown(PAGE, etag='"a\r\nHost: elsewhere.test"', last_modified="x" * 1001), shown(PAGE))
    collect_in_turn(tmp_path, site)
    assert site.asked == [{}, {}]


def test_a_failed_fetch_keeps_what_is_known(tmp_path):
    site = Site(shown(PAGE, etag='"v1"'), Unreachable("refused"), shown())
    assert [poll.outcome for poll in collect_in_turn(tmp_path, site)] == ["ok", "unreachable", "ok"]
    assert site.asked[2] == {"if-none-match": '"v1"'}


@pytest.mark.parametrize("body", [ARTICLE, DAMAGED, CHALLENGE])
def test_nothing_is_kept_of_a_page_that_cannot_be_read_nor_of_the_one_before(tmp_path, body):
    site = Site(shown(PAGE, etag='"v1"'), shown(body, etag='"v2"'), shown(PAGE))
    collect_in_turn(tmp_path, site)
    assert site.asked == [{}, {"if-none-match": '"v1"'}, {}]


def test_nothing_is_kept_of_a_page_on_which_the_sources_code_fails(tmp_path):
    def parse(body, headers):
        raise ZeroDivisionError

    state = SourceState(CachedPage(SOURCE.url, '"v1"', None, PAGE_SHA256, SOURCE.parse(PAGE, {})))
    collect(tmp_path, Site(shown(PAGE, etag='"v2"')), state=state, source=replace(SOURCE, parse=parse))
    assert state.page is None


def test_validators_of_one_address_are_not_sent_to_another(tmp_path):
    site = Site(shown(PAGE, etag='"v1"'), shown(PAGE.replace(b"0.00191", b"0.19100")))
    state = SourceState()
    collect(tmp_path, site, state=state)
    elsewhere = replace(SOURCE, url="https://elsewhere.test/")
    poll = collect(tmp_path, site, slot=NOON + timedelta(minutes=15), state=state, source=elsewhere)
    assert site.asked == [{}, {}]
    assert "rate jump" not in (poll.detail or "")


def test_polls_without_a_memory_ask_for_the_whole_page(tmp_path):
    site = Site(shown(PAGE, etag='"v1"'), shown(PAGE, etag='"v1"'))
    collect(tmp_path, site)
    collect(tmp_path, site, slot=NOON + timedelta(minutes=15))
    assert site.asked == [{}, {}]


def test_a_whole_conversation_about_a_page_that_does_not_change(tmp_path):
    def answer(request):
        if request.headers.get("if-none-match") == '"v1"':
            return httpx.Response(304)
        return httpx.Response(200, headers={"etag": '"v1"', "content-type": "text/html"}, stream=_Body(PAGE))

    state = SourceState()
    with Fetcher(timeout_s=5, max_bytes=10_000, user_agent="test", transport=httpx.MockTransport(answer)) as fetch:
        first = collect(tmp_path, fetch, state=state)
        second = collect(tmp_path, fetch, slot=NOON + timedelta(minutes=15), state=state)
        alone = collect(tmp_path, fetch, slot=NOON + timedelta(minutes=30))
    assert [(poll.outcome, poll.http_status) for poll in (first, second, alone)] == [
        ("ok", 200),
        ("ok", 304),
        ("ok", 200),
    ]


class _Body(httpx.AsyncByteStream):
    def __init__(self, body):
        self.body = body

    async def __aiter__(self):
        yield self.body


def test_not_modified_that_was_not_asked_for_is_a_failure(tmp_path):
    transport = httpx.MockTransport(lambda request: httpx.Response(304))
    with Fetcher(timeout_s=5, max_bytes=10_000, user_agent="test", transport=transport) as fetch:
        poll = collect(tmp_path, fetch, state=SourceState())
    assert (poll.outcome, poll.http_status, poll.detail) == (Outcome.HTTP_ERROR, 304, "status 304 Not Modified")


# When the source may be asked again


def test_a_source_that_asks_to_be_left_alone_is(tmp_path):
    state = SourceState()
    error = BadStatus("status 429 Too Many Requests", http_status=429, retry_after="1800")
    collect(tmp_path, failing(error), state=state)
    assert state.wait_until == NOON + timedelta(minutes=30)


def test_repeated_failures_leave_slots_of_the_grid_out_until_a_good_poll(tmp_path):
    state, grid = SourceState(), Every(timedelta(minutes=15))
    for number in range(3):
        assert state.wait_until is None
        slot = NOON + number * timedelta(minutes=15)
        collect(tmp_path, failing(BadStatus("status 500", http_status=500)), slot=slot, state=state, schedule=grid)
    assert state.wait_until == NOON + timedelta(minutes=60)
    assert state.wait_why == "3 failures in a row, the last http_error"
    collect(tmp_path, showing(PAGE), slot=NOON + timedelta(minutes=60), state=state, schedule=grid)
    assert (state.failures, state.wait_until) == (0, None)


# What a person should look at


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        (PAGE, PAGE, None),
        (PAGE, PAGE.replace(b"TMT/USD = 0.28571 0%\n", b""), "pair missing: TMT/USD"),
        (PAGE.replace(b"TMT/USD = 0.28571 0%\n", b""), PAGE, "new pair: TMT/USD"),
        (PAGE, PAGE.replace(b"0.00191", b"0.19100"), "rate jump: KZT/USD 0.00191 -> 0.19100"),
        (PAGE, PAGE.replace(b"0.00191", b"0.00382"), "rate jump: KZT/USD 0.00191 -> 0.00382"),
        (PAGE, PAGE.replace(b"0.00191", b"0.00381"), None),
        (PAGE, PAGE.replace(b"0.00008", b"0.00004"), "rate jump: UZS/USD 0.00008 -> 0.00004"),
        (PAGE, PAGE.replace(b"0.00008", b"0.00005"), None),
    ],
)
def test_what_differs_oddly_from_the_last_snapshot_is_flagged_and_stored(tmp_path, before, after, detail):
    _, poll = collect_in_turn(tmp_path, Site(shown(before), shown(after)))
    assert (poll.outcome, poll.detail) == (Outcome.OK, detail)
    assert poll.ticks == after.count(b"/USD")


ODD = b"""\
KGS/USD = 0.00144 0%
KZT/USD = 0.19100 -0%
TJS/USD = 0.10840 0.38%
UZS/USD = 0.00008 0%
AFN/USD = 0.01512 0%
14 November 2025
"""


def test_all_that_is_odd_stands_in_one_line_the_gravest_first(tmp_path):
    _, poll = collect_in_turn(tmp_path, Site(shown(PAGE), shown(ODD)))
    assert poll.detail.split("; ") == [
        "rate jump: KGS/USD 0.01144 -> 0.00144, KZT/USD 0.00191 -> 0.19100",
        "pair missing: TMT/USD",
        "new pair: AFN/USD",
        "percentage inconsistent with the rate: TJS/USD",
    ]


def test_a_page_of_nothing_but_new_pairs_is_flagged_in_a_line_of_bounded_length(tmp_path):
    page = "".join(f"A{chr(65 + number)}A/USD = 0.01512 0%\n" for number in range(26)) + "14 November 2025\n"
    _, poll = collect_in_turn(tmp_path, Site(shown(ODD), shown(page.replace("AAA/", "AZN/").encode())))
    assert poll.detail.startswith(
        "pair missing: KGS/USD, KZT/USD, TJS/USD, UZS/USD, AFN/USD; new pair: AZN/USD, ABA/USD"
    )
    assert len(poll.detail) <= 300


def test_the_first_poll_after_a_start_compares_with_nothing(tmp_path):
    [poll] = collect_in_turn(tmp_path, Site(shown(PAGE.replace(b"0.00191", b"0.19100"))))
    assert poll.detail is None


def test_a_jump_is_flagged_once(tmp_path):
    jumped = PAGE.replace(b"0.00191", b"0.19100")
    polls = collect_in_turn(tmp_path, Site(shown(PAGE), shown(jumped, etag='"v1"'), shown(), shown(jumped)))
    assert [poll.detail for poll in polls] == [None, "rate jump: KZT/USD 0.00191 -> 0.19100", None, None]


def test_a_snapshot_is_compared_over_a_failed_fetch(tmp_path):
    site = Site(shown(PAGE), Unreachable("refused"), shown(PAGE.replace(b"0.00191", b"0.19100")))
    assert collect_in_turn(tmp_path, site)[2].detail == "rate jump: KZT/USD 0.00191 -> 0.19100"


# A store that refuses


def test_nothing_is_recorded_if_the_ticks_cannot_be_stored(tmp_path):
    with pytest.raises(WriteFailed, match="No space left"):
        collect(tmp_path, showing(PAGE), store=refusing_store(tmp_path, what="ticks"))
    assert fx.load_polls(tmp_path).empty
    assert fx.load(tmp_path).empty


def test_the_outcome_stands_if_a_rejected_body_cannot_be_kept(tmp_path):
    collect(tmp_path, showing(ARTICLE), store=refusing_store(tmp_path, what="rejected"))
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["no_ticker"]


@pytest.mark.parametrize("fetch", [showing(PAGE), failing(Unreachable("refused"))], ids=["sound", "failed"])
def test_a_poll_raises_if_its_outcome_cannot_be_stored(tmp_path, fetch):
    with pytest.raises(StoreError):
        collect(tmp_path, fetch, store=refusing_store(tmp_path, what="polls"))
    assert fx.load_polls(tmp_path).empty


def test_polling_again_after_the_store_recovered_adds_no_tick_twice(tmp_path):
    with pytest.raises(StoreError):
        collect(tmp_path, showing(PAGE), store=refusing_store(tmp_path, what="polls"))
    collect(tmp_path, showing(PAGE))
    assert len(fx.load(tmp_path)) == 5
    assert list(fx.load_polls(tmp_path)["outcome"]) == ["ok"]
