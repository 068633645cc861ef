"""HTTP API in the shape of Frankfurter's version 2, and what is added to it."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from tempfile import TemporaryDirectory

import pytest
from builders import NOON, FixedClock, cases, snapshot_ticks, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from web_client import Client

from fxticker.model.records import Origin, Outcome, Poll, TimeBasis
from fxticker.store.store import Store
from fxticker.web.iso4217 import currencies

CASES = cases("web_v2")
OFFICIAL = {"time_basis": TimeBasis.DATE, "change_text": None}


@pytest.fixture(scope="module")
def client(history_store):
    return Client(history_store)


@pytest.mark.parametrize("case", CASES["answer"], ids=lambda case: case["path"])
def test_rows_have_the_fields_of_frankfurter_and_the_band(client, case):
    answer = client.get(case["path"])
    assert answer.status_code == 200
    found = answer.json()
    rows = found if isinstance(found, list) else [found]
    assert [{name: row[name] for name in case["rows"][0]} for row in rows] == case["rows"]


@pytest.mark.parametrize("case", CASES["error"], ids=lambda case: case["path"])
def test_error_has_status_and_text_of_frankfurter(client, case):
    answer = client.get(case["path"])
    body = answer.json()
    assert (answer.status_code, body["status"], body["message"]) == (case["status"], case["status"], case["message"])
    assert case.get("detail", "") in body.get("detail", "")


def test_lines_and_csv_have_the_rows_of_the_array(client):
    query = "base=USD&quotes=KZT,UZS&from=2025-12-07&to=2025-12-10"
    rows = client.get(f"/v2/rates?{query}").json()
    assert [(row["date"], row["quote"]) for row in rows[:3]] == [
        ("2025-12-07", "KZT"),
        ("2025-12-07", "UZS"),
        ("2025-12-08", "KZT"),
    ]
    lines = client.get(f"/v2/rates?{query}", accept="application/x-ndjson")
    assert (lines.headers["content-type"], lines.headers["vary"]) == ("application/x-ndjson", "Accept")
    assert [json.loads(line) for line in lines.text.splitlines()] == rows
    plain = client.get(f"/v2/rates.csv?{query}").text
    assert plain.splitlines()[:2] == ["date,base,quote,rate", "2025-12-07,USD,KZT,505.0"]
    banded = csv.DictReader(io.StringIO(client.get(f"/v2/rates.csv?{query}&expand=band").text))
    assert [(row["rate_lo"], row["source"]) for row in banded] == [(row["rate_lo"], row["source"]) for row in rows]


def test_long_list_loses_no_name(client):
    assert client.get(f"/v2/rates?base=USD&quotes={'UZS,' * 300}KZT").json()[0]["quote"] == "KZT"


def test_too_wide_band_is_missing_with_its_reason(client):
    answer = client.get("/v2/rates?base=USD&quotes=KZT,UZS&max_width=1%25")
    assert [row["quote"] for row in answer.json()] == ["KZT"]
    assert answer.headers["x-fxticker-missing"] == "UZS: timesca: the band is 12.5 % wide, max_width is 1 %"
    assert client.get("/v2/rates?base=USD&quotes=UZS&max_width=12.6%25").json()[0]["rate"] == 12500.0


@pytest.mark.parametrize("path", ["/v2/rates?base=USD&max_width=0%25", "/v2/drift?base=USD&from=2026-02-20&max_age=1h"])
def test_error_has_the_reason_of_each_currency(client, path):
    detail = client.get(path).json()["detail"]
    assert [detail.count(f"USD/{code}") for code in ("KGS", "KZT", "TJS", "TMT", "UZS")] == [1] * 5


def test_list_of_what_is_missing_is_cut_visibly(client):
    missing = client.get(f"/v2/rates?base=USD&quotes={','.join(currencies())}").headers["x-fxticker-missing"]
    assert (len(missing), missing[-3:]) == (2000, "...")


@pytest.mark.parametrize("form", ["rates", "rates.csv"])
@pytest.mark.parametrize("group", ["", "&group=day"])
def test_range_names_what_is_missing_from_it(client, form, group):
    query = f"base=USD&quotes=EUR,KZT,UZS&from=2026-02-20{group}"
    whole = client.get(f"/v2/{form}?{query}")
    assert whole.headers["x-fxticker-missing"] == "EUR: nothing is stored for it"
    narrow = client.get(f"/v2/{form}?{query}&max_width=0.498%25")
    wide = "UZS: timesca: the band is 12.5 % wide, max_width is 0.498 %, in 3 of 3 rows"
    partly = "KZT: timesca: the band is 0.5 % wide, max_width is 0.498 %, in 2 of 3 rows"
    assert narrow.headers["x-fxticker-missing"] == f"EUR: nothing is stored for it; {partly}; {wide}"
    assert "x-fxticker-missing" not in client.get(f"/v2/{form}?base=USD&quotes=KZT&from=2026-02-20{group}").headers
    long = client.get(f"/v2/{form}?base=USD&quotes=EUR,KZT&from=2024-09-01{group}")
    assert long.headers["x-fxticker-missing"] == "EUR: nothing is stored for it"


def test_provider_by_order_or_by_name_and_all_of_them_beside_it(store):
    store.append(snapshot_ticks(NOON))
    bank = {"source": "cbu", **OFFICIAL, "observed_at": NOON.replace(hour=0)}
    store.append([tick("USD/UZS", "11900.25", source_date=NOON.date(), **bank)])
    client = Client(store, NOON + timedelta(hours=1))
    by_order = client.get("/v2/rate/USD/UZS?expand=providers").json()
    assert (by_order["rate"], by_order["rate_text"], by_order["source"]) == (11900.25, "11900.25", "cbu")
    assert by_order["providers"] == [
        {"key": "cbu", "date": "2025-11-14", "rate": 11900.25},
        {"key": "timesca", "date": "2025-11-14", "rate": 12500.0, "excluded": True},
    ]
    assert client.get("/v2/rate/USD/UZS?providers=TIMESCA").json()["rate"] == 12500.0
    assert (
        client.get("/v2/rates.csv?base=USD&quotes=UZS&expand=providers")
        .text.splitlines()[1]
        .endswith("CBU:11900.25|TIMESCA:12500.0*")
    )


def test_official_cross_rate_of_two_banks_runs_through_a_range(store):
    days = [NOON.replace(hour=0) + timedelta(days=number) for number in range(3)]
    for source, pair, text in (("nbk", "USD/KZT", "520.5"), ("cbu", "USD/UZS", "11900.25")):
        store.append(
            [tick(pair, text, source=source, observed_at=day, source_date=day.date(), **OFFICIAL) for day in days]
        )
    rows = Client(store, days[-1] + timedelta(hours=5)).get("/v2/rates?base=KZT&quotes=UZS&from=2025-11-14").json()
    assert [row["date"] for row in rows] == ["2025-11-14", "2025-11-15", "2025-11-16"]
    assert {(row["source"], row["rate_text"]) for row in rows} == {("nbk+cbu", None)}
    assert all(
        Decimal(row["rate_lo"]) < Decimal("11900.25") / Decimal("520.5") < Decimal(row["rate_hi"]) for row in rows
    )


def test_rate_in_force_until_the_next_one_has_a_row_every_day(store):
    peg = {"source": "tmt-peg", **OFFICIAL, "origin": Origin.CONSTANT, "observed_at": datetime(2015, 1, 1, tzinfo=UTC)}
    store.append([tick("USD/TMT", "3.5", source_date=None, **peg)])
    client = Client(store, NOON)
    rows = client.get("/v2/rates?base=TMT&quotes=USD&from=2025-11-12").json()
    assert [(row["date"], row["rate"]) for row in rows] == [(f"2025-11-{day}", 0.2857142857) for day in (12, 13, 14)]
    peg = client.get("/v2/currency/TMT").json()["peg"]
    assert (peg["rate"], peg["authority"]) == (3.5, "Central Bank of Turkmenistan")


def test_as_of_answers_with_what_was_known_then(tmp_path):
    clock = FixedClock(NOON)
    store = Store(tmp_path / "parquet", clock=clock)
    store.append([tick(rate_text="0.00191")])
    clock.at = NOON + timedelta(hours=2)
    store.append([tick(rate_text="0.00200")])
    client = Client(store, NOON + timedelta(hours=3))
    paths = ("", "&as_of=2025-11-14T13:00Z", "&asOf=2025-11-14T13:00:00%2B00:00", "&as_of=2025-11-14T13:00:00+00:00")
    rates = [client.get(f"/v2/rates?base=KZT&quotes=USD&date=2025-11-14{path}").json()[0]["rate"] for path in paths]
    assert rates == [0.002, 0.00191, 0.00191, 0.00191]
    assert client.get("/v2/rate/KZT/USD?as_of=2025-11-14T11:00Z").status_code == 404


def test_instant_is_included_and_nothing_after_it(store):
    store.append([tick(), tick(rate_text="0.00200", observed_at=NOON + timedelta(minutes=15))])
    client = Client(store, NOON + timedelta(hours=1))
    rows = [client.get(f"/v2/rate/KZT/USD?at=2025-11-14T12:{minute}Z").json() for minute in ("00", "14", "15")]
    assert [row["rate"] for row in rows] == [0.00191, 0.00191, 0.002]
    assert rows[1]["observed_at"] == "2025-11-14T12:00:00Z"


def test_groups_have_their_looks_and_coverage_and_none_without_a_look(store):
    slots = [NOON + timedelta(minutes=15 * number) for number in (0, 1, 2, 3, 12)]
    store.append([row for slot in slots for row in snapshot_ticks(slot)])
    store.record([Poll("timesca", slot, Outcome.OK) for slot in slots])
    store.record([Poll("timesca", NOON + timedelta(minutes=180 + 15), Outcome.TIMEOUT)])
    client = Client(store, NOON + timedelta(days=1))
    hours = client.get("/v2/rates?base=USD&quotes=KZT&from=2025-11-14&group=hour").json()
    assert [(row["start_at"], row["looks"], row["coverage"], row["whole"]) for row in hours] == [
        ("2025-11-14T12:00:00Z", 4, 1.0, True),
        ("2025-11-14T15:00:00Z", 1, 0.5, False),
    ]
    month = client.get("/v2/rates?base=USD&quotes=KZT&from=2025-11-14&group=month").json()
    assert [(row["date"], row["looks"], row["rate"]) for row in month] == [("2025-11-01", 5, 524.0)]
    printed = client.get("/v2/rates?base=KZT&quotes=USD&from=2025-11-14&group=week").json()
    assert [(row["date"], row["rate_text"]) for row in printed] == [("2025-11-10", "0.00191")]


def test_currencies_and_providers_state_their_days(client, history_store):
    currencies = {row["iso_code"]: row for row in client.get("/v2/currencies").json()}
    assert currencies["KZT"]["end_date"] == "2026-02-25"
    assert {*currencies} == {"KGS", "KZT", "TJS", "TMT", "USD", "UZS"}
    assert [len(client.get(f"/v2/currencies?{query}").json()) for query in ("scope=x", "foo=1")] == [6, 6]
    assert client.get("/v2/currencies?providers=ECB").json() == []
    earlier = Client(history_store, datetime(2025, 12, 8, 18, tzinfo=UTC))
    assert earlier.get("/v2/currencies").json()[0]["end_date"] == "2025-12-08"
    provider = client.get("/v2/providers").json()[0]
    assert (provider["key"], provider["pivot_currency"], provider["publishes_missed"]) == ("timesca", "USD", 0)
    assert client.get("/v2/currency/kzt").json()["providers"] == ["timesca"]


def test_missed_publications_are_counted_from_the_last_successful_poll(store):
    store.append(snapshot_ticks(NOON))
    store.record([Poll("timesca", NOON, Outcome.OK), Poll("timesca", NOON + timedelta(days=2), Outcome.TIMEOUT)])
    provider = Client(store, NOON + timedelta(days=4)).get("/v2/providers").json()[0]
    assert (provider["publishes_missed"], provider["last_ok_at"]) == (3, "2025-11-14T12:00:00Z")


PRINTED = st.tuples(st.integers(1, 10**6), st.integers(0, 7)).map(lambda made: f"{Decimal(made[0]).scaleb(-made[1]):f}")
STORES = st.dictionaries(
    st.tuples(st.sampled_from(["timesca", "nbk", "cbu"]), st.sampled_from(["KZT/USD", "USD/UZS", "KGS/USD"])),
    st.tuples(PRINTED, st.sampled_from([1, 10, 1000])),
    min_size=1,
)

DOUBLES = Fraction(1, 10**12)
"""What doubles may add to a number, relative to it."""


@law(40)
@given(STORES, st.sampled_from(["USD", "KZT", "UZS"]), st.sampled_from([None, 0.1, 5.0]))
def test_every_rate_of_a_random_store_is_honest(printed, base, width):
    with TemporaryDirectory() as folder:
        store = Store(f"{folder}/parquet")
        store.append(
            tick(pair, text, None, NOON, source=source, nominal=nominal, rate=float(Fraction(text) / nominal))
            for (source, pair), (text, nominal) in printed.items()
        )
        limit = "" if width is None else f"&max_width={width}%25"
        answer = Client(store, NOON).get(f"/v2/rates?base={base}{limit}")
        for row in answer.json() if answer.status_code == 200 else ():
            rate, lo, hi = (Fraction(str(row[name])) for name in ("rate", "rate_lo", "rate_hi"))
            quarter = (hi - lo) / 4
            assert lo + quarter <= rate * (1 + DOUBLES)
            assert rate * (1 - DOUBLES) <= hi - quarter
            assert width is None or 200 * (hi - lo) / (hi + lo) <= width * (1 + 1e-8)
            if row["rate_text"] is not None:
                assert rate == Fraction(str(float(Fraction(row["rate_text"]) / row["nominal"])))
