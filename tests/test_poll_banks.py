"""Polls of banks, with their recorded responses over HTTP."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from builders import FixedClock, tick
from servers import FakeFetch, RawServer, fetched, fetcher

import fxticker as fx
from fxticker.collect.backoff import SourceState
from fxticker.collect.checks import outcome_of
from fxticker.collect.poll import collect_once
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import every
from fxticker.monitoring.health import health_of
from fxticker.simulation.loopback_server import answering
from fxticker.sources.registry import ScheduledSource, source_of
from fxticker.store.read_recent import read_recent
from fxticker.store.store import Store

PAYLOADS = Path(__file__).parent / "payloads"
SLOT = datetime(2026, 5, 24, 12, tzinfo=UTC)
LATER = SLOT + timedelta(hours=6)


def payload(name):
    return (PAYLOADS / name).read_bytes()


def poll(source, url, store, *, slot=SLOT, state=None):
    clock = FixedClock(slot)
    with fetcher() as fetch:
        return collect_once(
            replace(source_of(source), url=url), slot, fetch=fetch, store=store, clock=clock, state=state
        )


@pytest.mark.parametrize(
    ("source", "body", "kind", "ticks"),
    [
        ("cbu", "cbu_all_2026-04-01.json", "application/json", [("USD/UZS", "12194.21", 1, 12194.21)]),
        ("nbk", "nbk_get_rates_2026-04-01.xml", "text/xml; charset=UTF-8", [("USD/KZT", "478.77", 1, 478.77)]),
        ("nbkr", "nbkr_daily_2026-05-24.xml", "application/xml", [("USD/KGS", "87,4500", 1, 87.45)]),
        ("nbt", "nbt_daily_2026-05-18.xml", "text/xml;charset=UTF-8", [("USD/TJS", "9.3450", 1, 9.345)]),
        (
            "fawazahmed0",
            "fawazahmed0_usd_2026-09-29.json",
            "application/json; charset=utf-8",
            [
                ("USD/KGS", "87.45712429", 1, 87.45712429),
                ("USD/KZT", "441.23394101", 1, 441.23394101),
                ("USD/TJS", "9.23251007", 1, 9.23251007),
                ("USD/TMT", "3.49982316", 1, 3.49982316),
                ("USD/UZS", "11792.22406441", 1, 11792.22406441),
            ],
        ),
        (
            "cbr",
            "cbr_daily_2026-04-25.xml",
            "application/xml; charset=windows-1251",
            [
                ("KGS/RUB", "86,4125", 100, 0.864125),
                ("KZT/RUB", "16,3172", 100, 0.163172),
                ("TJS/RUB", "80,0866", 10, 8.00866),
                ("TMT/RUB", "21,5792", 1, 21.5792),
                ("USD/RUB", "75,5273", 1, 75.5273),
                ("UZS/RUB", "62,8322", 10000, 0.00628322),
            ],
        ),
    ],
)
def test_bank_is_polled_from_http_to_the_store(tmp_path, source, body, kind, ticks):
    store = Store(tmp_path)
    with RawServer(answering(payload(body), media_type=kind)) as server:
        poll(source, server.url, store)
    stored = fx.load(tmp_path)
    columns = (stored["pair"], stored["rate_text"], stored["nominal"], stored["rate"])
    assert list(zip(*columns, strict=True)) == ticks
    assert set(stored["observed_at"]) == {SLOT}
    assert set(stored["time_basis"]) == {"clock"}
    assert set(stored["origin"]) == {"live"}
    assert stored["change_text"].isna().all()
    [row] = fx.load_polls(tmp_path).to_dict("records")
    assert (row["ticks"], row["http_status"]) == (len(ticks), 200)


def test_effective_date_ahead_is_stored_as_printed(tmp_path):
    friday = datetime(2026, 5, 22, 12, tzinfo=UTC)
    body = payload("nbkr_daily_2026-05-24.xml")
    with RawServer(answering(body, media_type="application/xml")) as server:
        poll("nbkr", server.url, Store(tmp_path), slot=friday)
    [row] = fx.load_polls(tmp_path).to_dict("records")
    assert (row["outcome"], row["source_date"]) == ("ok", pd.Timestamp("2026-05-24"))
    assert set(fx.load(tmp_path)["source_date"]) == {pd.Timestamp("2026-05-24")}


def test_not_modified_of_a_bank_repeats_its_rates(tmp_path):
    fields = ['ETag: "212-665"', "Last-Modified: Sat, 23 May 2026 10:20:45 GMT"]

    changed = answering(payload("nbkr_daily_2026-05-24.xml"), *fields, media_type="application/xml")
    unchanged = answering(b"", status="304 Not Modified")
    store, state = Store(tmp_path), SourceState()
    with RawServer(changed) as server:
        poll("nbkr", server.url, store, state=state)
        server.answer = unchanged
        poll("nbkr", server.url, store, slot=LATER, state=state)
        request = server.requests[1].lower()
    assert 'if-none-match: "212-665"' in request
    assert "if-modified-since: sat, 23 may 2026 10:20:45 gmt" in request
    assert list(fx.load(tmp_path)["observed_at"]) == [SLOT, LATER]
    assert [(row["http_status"], row["outcome"]) for row in fx.load_polls(tmp_path).to_dict("records")] == [
        (200, "ok"),
        (304, "ok"),
    ]


@pytest.mark.parametrize(
    ("body", "kind", "outcome"),
    [
        (b"<html><body>wait</body></html>", "text/html", "blocked"),
        (b"<html><body>wait</body></html>", "application/xml", "blocked"),
        (b"", "application/xml", "damaged"),
        (b"<CurrencyRates Date='24.05.2026'></CurrencyRates>", "application/xml", "no_ticker"),
        (b"<!DOCTYPE a><CurrencyRates/>", "application/xml", "damaged"),
    ],
)
def test_response_without_rates_is_an_outcome(tmp_path, body, kind, outcome):
    with RawServer(answering(body, media_type=kind)) as server:
        assert poll("nbkr", server.url, Store(tmp_path)).outcome == outcome
    assert fx.load(tmp_path).empty


def test_bank_that_robots_txt_forbids_gets_no_request(tmp_path):
    robots = answering(b"User-agent: *\nDisallow: /\n", media_type="text/plain")
    with RawServer(robots) as server, fetcher() as fetch:
        bank = replace(source_of("nbkr"), url=f"{server.url}XML/daily.xml")
        result = collect_once(bank, SLOT, fetch=RobotsFetcher(fetch), store=Store(tmp_path), clock=FixedClock(SLOT))
        assert [request.split()[1] for request in server.requests] == ["/robots.txt"]
    assert result.outcome is Outcome.DISALLOWED


# Staleness


@pytest.mark.parametrize(
    ("source", "printed", "polled", "outcome"),
    [
        ("timesca", date(2025, 11, 14), datetime(2025, 11, 15, tzinfo=UTC), Outcome.OK),
        ("timesca", date(2025, 11, 14), datetime(2025, 11, 16, tzinfo=UTC), Outcome.STALE),
        # Over a weekend, and over holidays of a week.
        ("cbu", date(2025, 11, 14), datetime(2025, 11, 17, 9, tzinfo=UTC), Outcome.OK),
        ("cbu", date(2025, 11, 14), datetime(2025, 11, 21, 9, tzinfo=UTC), Outcome.OK),
        ("cbu", date(2025, 11, 14), datetime(2025, 11, 24, 9, tzinfo=UTC), Outcome.STALE),
        ("nbk", date(2025, 11, 15), datetime(2025, 11, 22, 9, tzinfo=UTC), Outcome.OK),
        ("nbk", date(2025, 11, 15), datetime(2025, 11, 25, 9, tzinfo=UTC), Outcome.STALE),
        ("nbkr", date(2025, 11, 10), datetime(2025, 11, 14, tzinfo=UTC), Outcome.OK),
        ("nbkr", date(2025, 11, 10), datetime(2025, 11, 15, tzinfo=UTC), Outcome.STALE),
        ("nbt", date(2025, 11, 10), datetime(2025, 11, 13, tzinfo=UTC), Outcome.STALE),
        ("cbr", date(2025, 12, 31), datetime(2026, 1, 12, tzinfo=UTC), Outcome.OK),
        # Set today for Monday.
        ("cbu", date(2025, 11, 17), datetime(2025, 11, 14, 12, tzinfo=UTC), Outcome.OK),
    ],
)
def test_staleness_counts_publishing_days_of_the_source(source, printed, polled, outcome):
    assert outcome_of(printed, polled, source_of(source)) is outcome


@pytest.mark.parametrize(("source", "is_healthy"), [("nbkr", True), ("nbt", True), ("cbu", False), ("timesca", False)])
def test_constant_rate_is_a_problem_only_for_sources_whose_rate_moves(tmp_path, source, is_healthy):
    store = Store(tmp_path)
    store.append([tick("USD/KGS", "87,4500", None, SLOT - timedelta(days), source=source) for days in (20, 10, 0)])
    store.record([Poll(source, SLOT, Outcome.OK, started_at=SLOT)])
    plan = ScheduledSource(source_of(source), every("6h", source))
    assert (health_of(plan, read_recent(store, source, SLOT), SLOT).problem is None) == is_healthy


# Anomalies


def polled_in_turn(folder, source, *bodies):
    """Details of polls that get these bodies, one after another."""
    state, store = SourceState(), Store(folder)
    return [
        collect_once(
            source_of(source),
            SLOT + number * timedelta(hours=6),
            fetch=FakeFetch(fetched(body)),
            store=store,
            clock=FixedClock(SLOT + number * timedelta(hours=6)),
            state=state,
        ).detail
        for number, body in enumerate(bodies)
    ]


def test_inconsistent_difference_of_a_bank_is_flagged(tmp_path):
    first, second = payload("cbu_all_2026-04-01.json"), payload("cbu_all_2026-04-02.json")
    assert polled_in_turn(tmp_path / "a", "cbu", first, first, second) == [None, None, None]
    assert polled_in_turn(tmp_path / "b", "cbu", first, second.replace(b"-52.11", b"-52.12")) == [
        None,
        "printed difference is not that of the rates: USD/UZS",
    ]


def test_changed_nominal_is_no_rate_jump(tmp_path):
    body = payload("cbr_daily_2026-04-25.xml")
    fewer = body.replace(b"<Nominal>10000<", b"<Nominal>1000<")
    same = fewer.replace(b"62,8322", b"6,28322")
    assert polled_in_turn(tmp_path / "a", "cbr", body, same) == [None, None]
    assert polled_in_turn(tmp_path / "b", "cbr", body, fewer) == [
        None,
        "rate jump: UZS/RUB 62,8322 for 10000 -> 62,8322 for 1000",
    ]
