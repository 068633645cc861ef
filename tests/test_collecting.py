import errno
import gzip
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pandas as pd
import pytest
from builders import NOON, TICKER, FixedClock

import fxticker as fx
from fxticker.collecting import collect_once
from fxticker.demo.site import render_html, render_text
from fxticker.errors import (
    BadStatus,
    BodyTooLarge,
    DeadlineExceeded,
    FetchStopped,
    StoreError,
    UnexpectedContent,
    Unreachable,
    WriteFailed,
)
from fxticker.fetching import Fetcher, Response
from fxticker.models import Outcome, PrintedTick
from fxticker.sources.timesca import SOURCE
from fxticker.store import Store
from fxticker.store.medium import FileCalls, LocalMedium

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
    return lambda url, *, media_types: Response(body, headers, 200, 1)


def failing(error):
    """A net in which every request ends with this error."""

    def fetch(url, *, media_types):
        raise error

    return fetch


def collect(folder, fetch, *, slot=NOON, clock=None, store=None, source=SOURCE):
    clock = clock or FixedClock(slot)
    return collect_once(source, slot, fetch=fetch, store=store or Store(folder, clock=clock), clock=clock)


def refusing_store(folder, *, what, error=errno.ENOSPC):
    """A store that cannot publish the files whose path holds a word."""
    calls = FileCalls()

    def refuse(staged, target):
        if what in str(target):
            raise OSError(error, "No space left on device")
        FileCalls.replace(staged, target)

    calls.replace = refuse
    return Store(LocalMedium(folder, calls))


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

    def fetch(url, *, media_types):
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
        (DeadlineExceeded("no whole answer within 20 s", attempts=2), "timeout", None, 2),
        (BadStatus("status 403 Forbidden", http_status=403), "http_error", 403, 1),
        (BadStatus("status 503", http_status=503, attempts=3), "http_error", 503, 3),
        (BodyTooLarge("the body passes 5 bytes", http_status=200), "too_large", 200, 1),
        (UnexpectedContent("content type 'image/png'", http_status=200), "blocked", 200, 1),
        (FetchStopped("stopped while the answer was awaited"), "stopped", None, 1),
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
