"""The ticker beside official rates."""

from datetime import UTC, date, datetime, timedelta

import pytest
from builders import tick

import fxticker as fx
from fxticker.analysis.compare import compare, lags
from fxticker.model.records import Origin, TimeBasis

DAY = timedelta(days=1)
MONDAY = datetime(2025, 1, 20, tzinfo=UTC)


def official(rate_text, day, *, source="nbt", pair="USD/TJS", **changes):
    fields = {"source_date": day.date(), "time_basis": TimeBasis.DATE, "origin": Origin.ARCHIVE}
    return tick(pair, rate_text, None, day, source=source, **fields | changes)


def shown(rate_text, at, pair="TJS/USD"):
    return tick(pair, rate_text, "0%", at, source_date=None)


def test_an_official_rate_inside_the_tickers_band_has_no_distance(store):
    store.append([official("10.9308", MONDAY), shown("0.09148", MONDAY + DAY / 2)])
    [row] = compare(store).to_dict("records")
    assert (row["day"].date(), row["pair"], row["source"]) == (date(2025, 1, 20), "TJS/USD", "nbt")
    assert row["official"] == pytest.approx(1 / 10.9308)
    assert (row["ticker_lo"], row["ticker_hi"]) == (0.091475, 0.091485)
    assert (row["ticks"], row["inside"], row["distance_pct"]) == (1, True, 0.0)


def test_the_distance_is_from_edge_to_edge_and_tells_which_is_higher(store):
    store.append([official("10.9308", MONDAY), shown("0.09140", MONDAY + DAY / 2)])
    [row] = compare(store).to_dict("records")
    assert not row["inside"]
    assert row["distance_pct"] == pytest.approx(100 * (1 / 10.93085 - 0.091405) * 10.9308, rel=1e-6)
    store.append([shown("0.09160", MONDAY + DAY * 1.5)])
    assert compare(store)["distance_pct"].iloc[1] < 0


def test_the_ticker_of_2025_01_20_was_not_the_national_banks_rate(store):
    """Both as published: NBT 10.9505 for that day, the ticker 0.09149."""
    store.append([official("10.9505", MONDAY), shown("0.09149", MONDAY + DAY / 2)])
    [row] = compare(store).to_dict("records")
    assert not row["inside"]
    assert round(row["distance_pct"], 3) == -0.18


def test_all_ticks_of_a_day_count_together(store):
    store.append(
        [
            official("10.9308", MONDAY),
            *(shown(rate, MONDAY + DAY / 3 * n) for n, rate in enumerate(("0.09140", "0.09150"))),
        ]
    )
    [row] = compare(store).to_dict("records")
    assert (row["ticker_lo"], row["ticker_hi"], row["ticks"], row["inside"]) == (0.091395, 0.091505, 2, True)


def test_a_rate_is_in_force_until_the_next_one_and_over_holidays_at_most(store):
    store.append([official("10.9308", MONDAY), official("10.9309", MONDAY + 20 * DAY)])
    store.append([shown("0.09148", MONDAY + days * DAY) for days in (14, 15, 24, 25)])
    found = compare(store)
    assert list(found["day"]) == [MONDAY + days * DAY for days in (14, 15, 24, 25)]
    assert list(found["official_at"]) == [MONDAY, MONDAY, MONDAY + 20 * DAY, MONDAY + 20 * DAY]
    assert list(found["official_age_h"]) == [24 * 14, 24 * 15, 24 * 4, 24 * 5]
    assert found["official"].notna().tolist() == [True, False, True, False]
    assert found["inside"].isna().tolist() == found["distance_pct"].isna().tolist() == [False, True, False, True]
    reasons = ["official rate older than 14 d", "official rate older than 4 d"]
    assert found["reason"].dropna().tolist() == reasons
    assert compare(store, max_age="15d")["official"].notna().all()
    assert compare(store, max_age="any", start="2025-02-14")["official"].notna().all()
    ages = "TJS/USD of nbt: official rate older than 4 d, the nearest 5 d 0 h old"
    with pytest.raises(fx.NoData, match=ages):
        compare(store, start="2025-02-14")


def test_a_bank_that_tells_only_of_changes_is_in_force_for_months(store):
    store.append([official("87.4500", MONDAY, source="nbkr", pair="USD/KGS")])
    store.append([shown("0.01144", MONDAY + 300 * DAY, "KGS/USD")])
    assert compare(store)["inside"].tolist() == [True]


def test_a_peg_is_compared_as_the_exact_rate_that_it_is(store):
    long_ago = datetime(2015, 1, 1, tzinfo=UTC)
    store.append([official("3.5", long_ago, source="tmt-peg", pair="USD/TMT", origin=Origin.CONSTANT)])
    store.append([shown("0.28490", MONDAY, "TMT/USD"), shown("0.28571", MONDAY + DAY, "TMT/USD")])
    found = compare(store)
    assert found["inside"].tolist() == [False, True]
    assert found["distance_pct"].iloc[0] == pytest.approx(100 * (1 - 0.284905 * 3.5))


def test_a_long_lag_needs_no_start(store):
    store.append(
        [official("10.9308", MONDAY), official("10.0000", MONDAY + 30 * DAY), shown("0.09148", MONDAY + 30 * DAY)]
    )
    for start in (None, "2025-02-01"):
        assert compare(store, lag_days=30, start=start)["inside"].tolist() == [True]


def test_a_rate_that_was_polled_before_its_day_counts_from_its_day_on(store):
    store.append(
        [
            official("10.9308", MONDAY),
            official(
                "10.8000",
                MONDAY + DAY * 0.6,
                time_basis=TimeBasis.CLOCK,
                origin=Origin.LIVE,
                source_date=date(2025, 1, 21),
            ),
            shown("0.09148", MONDAY + DAY * 0.9),
            shown("0.09259", MONDAY + DAY * 1.1),
        ]
    )
    assert compare(store)["inside"].tolist() == [True, True]


def test_a_revised_official_rate_counts_as_recorded_last(store):
    store.append([official("10.5000", MONDAY), shown("0.09148", MONDAY + DAY / 2)])
    before = fx.load(store)["recorded_at"].max()
    store.append([official("10.9308", MONDAY)])
    assert compare(store)["inside"].tolist() == [True]
    assert compare(store, as_of=before.to_pydatetime())["inside"].tolist() == [False]


def test_the_lag_that_agrees_best_is_found(store):
    rates = [f"10.{number}0" for number in range(10, 30)]
    store.append([official(rate, MONDAY + n * DAY) for n, rate in enumerate(rates)])
    followed = [(n, f"{1 / float(rates[n - 2]):.5f}") for n in range(5, 12)]
    store.append([shown(text, MONDAY + (n + 0.5) * DAY) for n, text in followed])
    found = lags(store)
    assert list(found.loc[found["best"], "lag_days"]) == [2]
    assert found.set_index("lag_days").loc[2, "inside"] == 1.0
    assert set(found["days"]) == {7}
    assert compare(store, lag_days=2)["inside"].all()


def test_digits_that_cannot_tell_leave_several_lags_best(store):
    store.append([official(f"12{n + 10}0.10", MONDAY + n * DAY, source="cbu", pair="USD/UZS") for n in range(20)])
    store.append([shown("0.00008", MONDAY + (n + 0.5) * DAY, "UZS/USD") for n in range(5, 9)])
    found = lags(store)
    assert found["best"].sum() > 1


def test_several_banks_and_pairs_stand_side_by_side(store):
    store.append([official("10.9308", MONDAY), official("530.51", MONDAY, source="nbk", pair="USD/KZT")])
    store.append([shown("0.09148", MONDAY), shown("0.00188", MONDAY, "KZT/USD")])
    assert [(row.pair, row.source, row.inside) for row in compare(store).itertuples()] == [
        ("KZT/USD", "nbk", True),
        ("TJS/USD", "nbt", True),
    ]
    assert list(compare(store, sources=["nbk"])["source"]) == ["nbk"]
    assert list(compare(store, pairs=["TJS/USD"])["pair"]) == ["TJS/USD"]


def test_a_frame_can_be_compared_too(store):
    store.append([official("10.9308", MONDAY), shown("0.09148", MONDAY)])
    assert len(compare(fx.load(store))) == 1


@pytest.mark.parametrize("held", [[], [official("10.9308", MONDAY)], [shown("0.09148", MONDAY)]])
def test_nothing_to_compare_is_said(store, held):
    store.append([tick(observed_at=MONDAY - 100 * DAY), *held])
    for question in (compare, lags):
        with pytest.raises(fx.NoData, match=r"no day has (both )?a tick of timesca and"):
            question(store)
