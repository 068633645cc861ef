"""HTTP API in the shape of Frankfurter's version 1."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, cases, snapshot_ticks, tick
from web_client import EVENING, Client

from fxticker.model.records import Retraction, TimeBasis
from fxticker.store.store import Store

CASES = cases("web_v1")


@pytest.fixture(scope="module")
def client(history_store):
    return Client(history_store)


@pytest.mark.parametrize("case", CASES["answer"], ids=lambda case: case["path"])
def test_answer_has_the_shape_of_frankfurter(client, case):
    answer = client.get(case["path"])
    assert answer.status_code == 200
    found = answer.json()
    assert {name: found[name] for name in case["body"]} == case["body"]


@pytest.mark.parametrize("case", CASES["error"], ids=lambda case: case["path"])
def test_error_has_the_status_and_text_of_frankfurter(client, case):
    answer = client.get(case["path"])
    assert (answer.status_code, answer.json()["message"]) == (case["status"], case["message"])
    assert case.get("detail", "") in answer.json().get("detail", "")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_rate_without_a_young_tick_is_missing_and_never_one(store):
    store.append([tick(observed_at=NOON), tick("KGS/USD", "0.01144", observed_at=NOON - timedelta(days=20))])
    client = Client(store, NOON)
    answer = client.get("/v1/latest?base=USD&symbols=KZT,KGS,UZS").json()
    assert answer["rates"] == {"KZT": 524.0}
    assert answer["missing"] == {"KGS": "timesca: 20 d 0 h old, limit 7 d", "UZS": "nothing is stored for it"}
    assert client.get("/v1/latest?base=USD&symbols=KGS").status_code == 404


def test_official_rate_answers_before_the_ticker_and_is_named(store):
    store.append(snapshot_ticks(NOON))
    official = {"source": "cbu", "time_basis": TimeBasis.DATE, "source_date": NOON.date()}
    store.append([tick("USD/UZS", "11900.25", None, NOON.replace(hour=0), **official)])
    answer = Client(store, NOON + timedelta(hours=1)).get("/v1/latest?base=USD&symbols=UZS,KZT").json()
    assert answer["rates"] == {"KZT": 524.0, "UZS": 11900.25}
    assert answer["sources"] == {"KZT": "timesca", "UZS": "cbu"}


def test_range_stays_with_the_source_that_has_both_of_its_ends(store):
    days = [NOON + timedelta(days=number) for number in range(10)]
    store.append([row for day in days for row in snapshot_ticks(day)])
    official = {"source": "cbu", "time_basis": TimeBasis.DATE}
    store.append([tick("USD/UZS", "11900.25", None, day, source_date=day.date(), **official) for day in days[5:]])
    client = Client(store, days[-1] + timedelta(hours=1))
    whole = client.get("/v1/2025-11-14..?base=USD&symbols=UZS").json()["rates"]
    assert {rates["UZS"] for rates in whole.values()} == {12500.0}
    assert len(whole) == 10
    later = client.get("/v1/2025-11-20..?base=USD&symbols=UZS").json()["rates"]
    assert {rates["UZS"] for rates in later.values()} == {11900.25}


def test_range_is_not_of_a_source_that_showed_nothing_in_it(store):
    store.append(snapshot_ticks(NOON))
    friday = NOON - timedelta(days=2)
    official = {"source": "cbu", "time_basis": TimeBasis.DATE, "source_date": friday.date()}
    store.append([tick("USD/UZS", "11900.25", None, friday, **official)])
    client = Client(store, NOON + timedelta(hours=1))
    assert client.get("/v1/latest?base=USD&symbols=UZS").json()["sources"] == {"UZS": "cbu"}
    day = client.get(f"/v1/{NOON:%Y-%m-%d}..?base=USD&symbols=UZS").json()
    assert (day["rates"], day["sources"]) == ({f"{NOON:%Y-%m-%d}": {"UZS": 12500.0}}, {"UZS": "timesca"})


def test_range_that_no_source_has_whole_is_of_the_one_with_most_months_of_it(store):
    days = [datetime(2025, month, 20, 12, tzinfo=UTC) for month in (9, 10, 11)]
    store.append([row for day in days for row in snapshot_ticks(day)])
    official = {"source": "cbu", "time_basis": TimeBasis.DATE}
    store.append([tick("USD/UZS", "11900.25", None, days[-1], source_date=days[-1].date(), **official)])
    found = Client(store, days[-1] + timedelta(days=1)).get("/v1/2025-09-01..2025-11-21?base=USD&symbols=UZS").json()
    assert found["rates"] == {f"{day:%Y-%m-%d}": {"UZS": 12500.0} for day in days}


@pytest.mark.parametrize(
    "path",
    ["/v1/2026-02-20..?base=USD&", "/time-series.json?start=2026-02-20&end=2026-02-25&"],
)
def test_range_says_why_a_currency_is_missing(client, path):
    asked = client.get(f"{path}symbols=KZT,EUR").json()
    assert asked["missing"] == {"EUR": "nothing is stored for it"}
    assert "missing" not in client.get(f"{path}symbols=KZT").json()
    assert "missing" not in client.get(path).json()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/latest?base=USD&",
        "/v1/2026-02-20..?base=USD&",
        "/latest.json?",
        "/convert.json?amount=1&from=USD&to=UZS&",
        "/fixer/latest?base=USD&",
        "/fixer/convert?amount=1&from=USD&to=UZS&",
    ],
)
def test_limit_that_a_shape_does_not_have_is_refused_and_not_ignored(client, path):
    assert client.get(f"{path}unknown=1&unknown=2").status_code == 200
    refused = client.get(f"{path}max_width=1%25")
    assert refused.status_code in (400, 422)
    assert "/v2/rates" in refused.text


def test_day_without_a_look_is_absent(store):
    store.append([*snapshot_ticks(NOON), *snapshot_ticks(NOON + timedelta(days=3))])
    answer = Client(store, NOON + timedelta(days=4)).get("/v1/2025-11-14..2025-11-18?base=USD").json()
    assert list(answer["rates"]) == ["2025-11-14", "2025-11-17"]
    assert (answer["start_date"], answer["end_date"]) == ("2025-11-14", "2025-11-17")


def test_etag_is_of_the_content_and_a_correction_changes_it(store):
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON + timedelta(days=2), relist_s=0)
    first = client.get("/v1/2025-11-14?base=USD")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["last-modified"]
    again = client.get("/v1/2025-11-14?base=USD", if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    row = tick()
    store.retract([Retraction(row.source, row.pair, row.observed_at, row.rate_text, row.change_text, 1, "misread")])
    later = client.get("/v1/2025-11-14?base=USD", if_none_match=first.headers["etag"])
    assert later.status_code == 200
    assert "KZT" not in later.json()["rates"]


def test_new_rows_are_seen_without_a_restart(store):
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON + timedelta(hours=1), relist_s=0)
    assert client.get("/v1/latest?base=USD&symbols=KZT").json()["rates"] == {"KZT": 524.0}
    store.append([tick("KZT/USD", "0.00200", observed_at=NOON + timedelta(minutes=15))])
    assert client.get("/v1/latest?base=USD&symbols=KZT").json()["rates"] == {"KZT": 500.0}


def test_latest_may_be_kept_until_the_next_slot_and_a_minute_at_most(store):
    from fxticker.sources.registry import scheduled

    store.append(snapshot_ticks(datetime.now(UTC)))
    for planned, longest in (((), 60), ((scheduled("timesca", every="1s"),), 1)):
        client = Client(store, None, planned=planned)
        kept, _, seconds = client.get("/v1/latest?base=USD").headers["cache-control"].partition("max-age=")
        assert kept == "public, " if seconds else kept == "no-cache"
        assert int(seconds or 0) <= longest


def test_frozen_now_is_stated_and_hides_what_is_later(history_store):
    client = Client(history_store, datetime(2025, 12, 8, 18, tzinfo=UTC))
    answer = client.get("/v1/latest?base=USD")
    assert answer.json()["date"] == "2025-12-08"
    assert answer.headers["x-fxticker-now"] == "2025-12-08T18:00:00Z"
    assert answer.headers["cache-control"] == "no-cache"
    assert client.get("/v1/2025-12-20?base=USD").status_code == 404
    assert client.get("/").json()["is_now_frozen"] is True


def test_empty_store_answers_that_nothing_is_stored(tmp_path):
    Store(tmp_path / "parquet").append([])
    client = Client(tmp_path / "parquet", EVENING)
    assert client.get("/v1/latest").status_code == 404
    assert client.get("/v1/2026-01-01..").status_code == 404
    assert client.get("/v1/currencies").json() == {}
