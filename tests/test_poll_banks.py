"""Polls of banks, with their recorded responses over HTTP."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from builders import FixedClock, cases, tick
from servers import FakeFetch, RawServer, fetched, fetcher

import fxticker as fx
from fxticker.collect.backoff import SourceState
from fxticker.collect.page_outcome import outcome_of
from fxticker.collect.poll import collect_once
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import every
from fxticker.monitoring.health import health_of
from fxticker.simulation.loopback_server import answering
from fxticker.sources.registry import ScheduledSource, source_of
from fxticker.store.read_recent import read_recent
from fxticker.store.store import Store

CASES = cases("poll_banks")
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


@pytest.mark.parametrize("bank", CASES["bank_is_polled_from_http_to_the_store"])
def test_bank_is_polled_from_http_to_the_store(tmp_path, bank):
    with RawServer(answering(payload(bank["body"]), media_type=bank["kind"])) as server:
        poll(bank["source"], server.url, Store(tmp_path))
    stored = fx.load(tmp_path)
    columns = (stored["pair"], stored["rate_text"], stored["nominal"], stored["rate"])
    assert [list(row) for row in zip(*columns, strict=True)] == bank["ticks"]
    assert set(stored["observed_at"]) == {SLOT}
    assert set(stored["time_basis"]) == {"clock"}
    assert set(stored["origin"]) == {"live"}
    assert stored["change_text"].isna().all()
    [row] = fx.load_polls(tmp_path).to_dict("records")
    assert (row["ticks"], row["http_status"]) == (len(bank["ticks"]), 200)


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


@pytest.mark.parametrize(("body", "kind", "outcome"), CASES["response_without_rates_is_an_outcome"])
def test_response_without_rates_is_an_outcome(tmp_path, body, kind, outcome):
    with RawServer(answering(body.encode(), media_type=kind)) as server:
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
    ("source", "printed", "polled", "outcome"), CASES["staleness_counts_publishing_days_of_the_source"]
)
def test_staleness_counts_publishing_days_of_the_source(source, printed, polled, outcome):
    dates = date.fromisoformat(printed), datetime.fromisoformat(polled)
    assert outcome_of(*dates, source_of(source)) is Outcome(outcome)


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


def test_broken_item_of_another_currency_is_in_the_detail_and_the_dollar_stored(tmp_path):
    body = payload("nbk_get_rates_2026-04-01.xml").replace(b"<title>KGS</title>", b"")
    [detail] = polled_in_turn(tmp_path, "nbk", body)
    assert detail == "not read: 1 of the list's items without a currency's code (number 2)"
    assert list(fx.load(tmp_path)["rate_text"]) == ["478.77"]
    assert list(fx.load_polls(tmp_path)["ticks"]) == [1]


def test_currency_that_is_left_out_is_in_the_detail(tmp_path):
    sound = payload("cbr_daily_2026-04-25.xml")
    details = polled_in_turn(tmp_path, "cbr", sound, sound.replace(b"62,8322", b"62-8322"))
    assert details == [None, "not read: UZS/RUB: not a number: '62-8322'; pair missing: UZS/RUB"]


def test_three_decimals_behind_a_comma_are_stored_with_their_band(tmp_path):
    body = payload("nbkr_daily_2026-05-24.xml").replace(b"87,4500", b"87,420")
    [detail] = polled_in_turn(tmp_path, "nbkr", body)
    assert detail is None
    [row] = fx.load(tmp_path, bands=True).to_dict("records")
    assert (row["rate"], row["rate_text"], row["rate_lo"], row["rate_hi"]) == (87.42, "87,420", 87.4195, 87.4205)
    assert Store(tmp_path).check() == []


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
        "rate jump: UZS/RUB 62,8322 per 10,000 -> 62,8322 per 1,000",
    ]
