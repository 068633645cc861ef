"""Amounts: exact, with their band, by ticks that are not too old."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from builders import NOON, snapshot_ticks, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from true_rates import frame_of, shown, true_and_printed

import fxticker as fx
from fxticker.analysis.convert import age_text, convert
from fxticker.errors import StaleRate
from fxticker.model.records import Origin, TimeBasis

BY_ORDER = "market rate, by the order official, ticker, peg"
SOON = NOON + timedelta(hours=2)


@pytest.fixture
def ticks():
    return frame_of(snapshot_ticks())


def test_amount_is_converted_by_the_stored_rate_and_its_band(ticks):
    found = convert(ticks, "1500.00", "KZT", "USD", at=SOON)

    assert found.amount == Fraction("2.865")
    assert (found.amount_lo, found.amount_hi) == (Fraction("2.8575"), Fraction("2.8725"))
    assert (found.currency, found.at, found.age) == ("USD", SOON, timedelta(hours=2))
    [leg] = found.legs
    assert (leg.source, leg.pair, leg.rate_text, leg.observed_at) == ("timesca", "KZT/USD", "0.00191", NOON)


def test_amount_is_converted_through_dollars_by_two_ticks(ticks):
    found = convert(ticks, 1, "KZT", "UZS", at=SOON)

    assert found.amount == Fraction(191, 8)
    assert (found.amount_lo, found.amount_hi) == (Fraction(1905, 85), Fraction(1915, 75))
    assert [leg.pair for leg in found.legs] == ["KZT/USD", "UZS/USD"]


@pytest.mark.parametrize(
    ("given", "amounts", "ticks_used"),
    [
        (
            ("1500", "KZT", "UZS"),
            "35812 UZS, between 33617 and 38300",
            "KZT/USD 0.00191 and UZS/USD 0.00008",
        ),
        ((Decimal(1), "USD", "TMT"), "3.50005 TMT, between 3.49999 and 3.50012", "TMT/USD 0.28571"),
        (("1e12", "TMT", "USD"), "285710000000 USD, between 285705000000 and 285715000000", "TMT/USD 0.28571"),
    ],
)
def test_conversion_is_told_with_as_many_digits_as_its_band_supports(ticks, given, amounts, ticks_used):
    told = str(convert(ticks, *given, at=SOON))

    assert told == f"{amounts}: by {ticks_used} of timesca at 2025-11-14 12:00 UTC, 2 h 0 min old; {BY_ORDER}"


def test_facts_are_plain_texts_and_instants(ticks):
    assert convert(ticks, "1500", "KZT", "USD", at=SOON).facts() == {
        "amount": "2.865",
        "amount_lo": "2.857",
        "amount_hi": "2.873",
        "currency": "USD",
        "at": SOON,
        "age_s": 7200.0,
        "kind": "market",
        "order": "official, ticker, peg",
        "legs": [{"source": "timesca", "pair": "KZT/USD", "rate_text": "0.00191", "observed_at": NOON, "nominal": 1}],
    }


def test_store_gives_the_conversion_of_its_frame(history_store):
    frame = fx.load(history_store)
    given = {"at": "2025-11-14", "max_age": timedelta(days=30)}

    for pair in (("KZT", "UZS"), ("USD", "TJS")):
        assert convert(history_store, 100, *pair, **given) == convert(frame, 100, *pair, **given)


def test_hull_of_a_date_is_told_by_its_bounds():
    ticks = frame_of([shown("UZS/USD", text, time_basis=TimeBasis.DATE) for text in ("0.00008", "0.00010")])

    found = convert(ticks, 1, "USD", "UZS", at=SOON + timedelta(days=1), max_age="2D")

    assert "by UZS/USD 0.000075 to 0.000105 of timesca" in str(found)
    assert found.legs[0].rate_text is None


@pytest.mark.parametrize(
    ("given", "amounts"),
    [
        (("10.25", "USD", "TMT"), ("35.875", "35.875", "35.875")),
        (
            (1, "TMT", "USD"),
            ("0.285714285714285714285714", "0.285714285714285714285714", "0.285714285714285714285715"),
        ),
    ],
)
def test_amount_by_a_constant_is_exact(given, amounts):
    ticks = frame_of([shown("USD/TMT", "3.5", origin=Origin.CONSTANT)])

    found = convert(ticks, *given, at=SOON)

    assert found.amount_lo == found.amount == found.amount_hi
    assert (found.facts()["amount"], found.facts()["amount_lo"], found.facts()["amount_hi"]) == amounts


def official(pair, rate_text, source, day):
    dated = {"time_basis": TimeBasis.CLOCK, "origin": Origin.LIVE, "source_date": date(2025, 11, day)}
    return shown(pair, rate_text, source=source, **dated)


def test_cross_rate_of_two_banks_is_exact_and_names_the_source_and_day_of_each():
    banks = [official("USD/KZT", "524.35", "nbk", 13), official("USD/UZS", "11994.21", "cbu", 14)]
    found = convert(frame_of([*snapshot_ticks(), *banks]), 1000, "KZT", "UZS", at=SOON)

    assert found.amount == 1000 * Fraction("11994.21") / Fraction("524.35")
    assert found.amount_lo == 1000 * Fraction("11994.205") / Fraction("524.355")
    assert found.amount_hi == 1000 * Fraction("11994.215") / Fraction("524.345")
    assert found.age == timedelta(hours=14)
    assert str(found) == (
        "22874.44 UZS, between 22874.20 and 22874.67: by USD/KZT 524.35 of nbk on 2025-11-13 and USD/UZS 11994.21 of "
        "cbu on 2025-11-14, 14 h 0 min old; official rate, by the order official, ticker, peg"
    )


def test_rate_of_a_bank_for_tomorrow_converts_nothing_today():
    ticks = frame_of([official("USD/KZT", "524.35", "nbk", 14), official("USD/KZT", "530.00", "nbk", 15)])

    assert convert(ticks, 1, "USD", "KZT", at=SOON, source="nbk").amount == Fraction("524.35")
    assert convert(ticks, 1, "USD", "KZT", at=SOON + timedelta(days=1), source="nbk").amount == 530


@law(20)
@given(st.integers(100, 400), st.integers(5, 9), st.integers(2, 9), st.sampled_from(["official,ticker", "ticker"]))
def test_conversion_is_by_the_rate_that_is_stated(kzt, uzs, bank, order):
    ticker = [shown("KZT/USD", f"0.00{kzt}"), shown("UZS/USD", f"0.0000{uzs}")]
    ticks = frame_of([*ticker, official("USD/KZT", f"{bank}00.75", "nbk", 14)])
    for pair in (("USD", "KZT"), ("KZT", "UZS")):
        found = convert(ticks, 1, *pair, at=SOON, order=order)
        [stated] = fx.rate(ticks, "/".join(pair), at=SOON, order=order).to_dict("records")
        assert float(found.amount) == pytest.approx(stated["rate"], rel=1e-12)
        assert stated["rate_lo"] <= found.amount_lo * (1 + Fraction(1, 10**14))
        assert found.amount_hi <= stated["rate_hi"] * (1 + 1e-14)
        assert stated["source"] == "+".join(dict.fromkeys(leg.source for leg in found.legs))


# what is refused


def test_rate_older_than_allowed_is_refused_with_its_age(ticks):
    with pytest.raises(
        StaleRate,
        match=r"timesca last showed KZT/UZS at 2025-11-14 12:00 UTC, and that is 1 d 1 h old .* is 1 d; max_age",
    ) as found:
        convert(ticks, 1, "KZT", "UZS", at=NOON + timedelta(days=1, seconds=1), max_age="1D")

    assert found.value.age == timedelta(days=1, seconds=1)
    assert (found.value.pair, found.value.source) == ("KZT/UZS", "timesca")
    assert isinstance(found.value, fx.NoData)


@pytest.mark.parametrize("max_age", ["1D", "24h", timedelta(days=1)])
def test_rate_just_as_old_as_allowed_is_used(ticks, max_age):
    assert convert(ticks, 1, "USD", "KZT", at=NOON + timedelta(days=1), max_age=max_age).age == timedelta(days=1)


def test_without_an_instant_the_age_is_that_of_now(ticks):
    with pytest.raises(StaleRate):
        convert(ticks, 1, "USD", "KZT")

    fresh = frame_of([shown("KZT/USD", "0.002", datetime.now(UTC))])
    assert convert(fresh, 1, "USD", "KZT").amount == 500


def test_rate_that_was_not_shown_yet_is_no_data(ticks):
    with pytest.raises(fx.NoData, match="no source has a rate of KZT/UZS at 2025-11-14 11:00 UTC"):
        convert(ticks, 1, "KZT", "UZS", at=NOON - timedelta(hours=1))


def test_first_source_of_the_order_answers_unless_one_is_named():
    ticks = frame_of([tick("KZT/USD", "0.002"), tick("KZT/USD", "0.004", source="nbk"), tick("TJS/USD", "0.1")])

    assert convert(ticks, 1, "USD", "KZT", at=SOON).amount == 250
    assert convert(ticks, 1, "USD", "KZT", at=SOON, order="ticker,official").amount == 500
    named = convert(ticks, 1, "USD", "KZT", at=SOON, source="timesca")
    assert (named.amount, named.kind, named.order) == (500, "market", None)
    with pytest.raises(ValueError, match="either a source or an order"):
        convert(ticks, 1, "USD", "KZT", at=SOON, source="nbk", order="ticker")
    assert convert(ticks, 1, "USD", "TJS", at=SOON).amount == 10


@pytest.mark.parametrize(
    "amount", [1.5, True, None, "", "x", "0", "-1", "nan", "inf", "1e24", "1e-24", "1." + 60 * "1"]
)
def test_amount_that_is_none_is_refused(ticks, amount):
    with pytest.raises(ValueError, match="amount"):
        convert(ticks, amount, "KZT", "USD", at=SOON)


@pytest.mark.parametrize("max_age", ["soon", "", "-1D", "nat", timedelta(days=-1)])
def test_age_that_is_no_duration_is_refused(ticks, max_age):
    with pytest.raises(ValueError, match="a duration is such as"):
        convert(ticks, 1, "KZT", "USD", at=SOON, max_age=max_age)


@pytest.mark.parametrize("pair", [("KZT", "XAU"), ("KZT", "KZT"), ("KZT", "")])
def test_currency_that_nothing_stored_gives_is_refused(ticks, pair):
    with pytest.raises(ValueError, match=r"neither stored nor derivable|no pair"):
        convert(ticks, 1, *pair, at=SOON)


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(0), "0 min"),
        (timedelta(minutes=61), "1 h 1 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
    ],
)
def test_age_is_told_in_its_largest_two_units(age, text):
    assert age_text(age) == text


# what the band holds

PRINTED = true_and_printed()


@given(PRINTED, PRINTED, st.decimals("0.01", 10**9, places=2))
@law(60)
def test_true_amount_lies_in_the_band_and_in_what_is_printed_of_it(kzt, uzs, amount):
    ticks = frame_of([shown("KZT/USD", kzt[1]), shown("UZS/USD", uzs[1])])
    true = {("KZT", "USD"): kzt[0], ("USD", "KZT"): 1 / kzt[0], ("KZT", "UZS"): kzt[0] / uzs[0]}
    for pair, rate in true.items():
        found = convert(ticks, amount, *pair, at=NOON)
        assert found.amount_lo <= Fraction(amount) * rate <= found.amount_hi
        assert Fraction(found.facts()["amount_lo"]) <= found.amount_lo
        assert found.amount_hi <= Fraction(found.facts()["amount_hi"])


def test_a_peg_counts_only_where_it_is_named_or_alone():
    peg = tick("USD/TMT", "3.5", None, datetime(2015, 1, 1, tzinfo=UTC), source="tmt-peg", origin=Origin.CONSTANT)
    both = frame_of([*snapshot_ticks(), peg])
    assert [leg.source for leg in convert(both, 1, "USD", "TMT", at=SOON).legs] == ["timesca"]
    for found in (convert(both, 2, "USD", "TMT", at=SOON, source="tmt-peg"), convert(frame_of([peg]), 2, "USD", "TMT")):
        assert [leg.source for leg in found.legs] == ["tmt-peg"]
        assert found.amount == found.amount_lo == found.amount_hi == 7


def test_a_rate_of_a_day_is_as_old_as_the_end_of_that_day_is_past():
    bank = frame_of([tick("USD/KZT", "478.77", None, datetime(2025, 11, 13, tzinfo=UTC), time_basis=TimeBasis.DATE)])
    found = convert(bank, 1, "USD", "KZT", at=NOON)
    assert timedelta(hours=12) <= found.age < timedelta(hours=12, seconds=1)
    with pytest.raises(StaleRate, match=r"on 2025-11-13, and that is 1 d 1 h old .* the limit is 1 d"):
        convert(bank, 1, "USD", "KZT", at=datetime(2025, 11, 15, 0, 1, tzinfo=UTC), max_age="1D")


def test_instants_are_shown_in_the_zone_that_was_asked_for(history_store):
    result = fx.convert(history_store, "1500", "KZT", "UZS", at="2026-02-25", tz="Asia/Tashkent")
    assert " at 2026-02-25 17:00 Asia/Tashkent, 6 h 59 min old" in str(result)
    assert str(result.facts()["at"]) == "2026-02-25 23:59:59.999999+05:00"
