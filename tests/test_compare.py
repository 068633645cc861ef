"""The ticker beside official rates."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from builders import tick
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.analysis.compare import compare, lags
from fxticker.cli import app
from fxticker.model.records import Origin, TimeBasis

DAY = timedelta(days=1)
MONDAY = datetime(2025, 1, 20, tzinfo=UTC)


def official(rate_text, day, *, source="nbt", pair="USD/TJS", **changes):
    fields = {"source_date": day.date(), "time_basis": TimeBasis.DATE, "origin": Origin.ARCHIVE}
    return tick(pair, rate_text, None, day, source=source, **fields | changes)


def shown(rate_text, at, pair="TJS/USD"):
    return tick(pair, rate_text, "0%", at, source_date=None)


def test_an_official_rate_inside_the_tickers_band_has_no_proven_distance(store):
    store.append([official("10.9308", MONDAY), shown("0.09148", MONDAY + DAY / 2)])
    [row] = compare(store).to_dict("records")
    assert (row["day"].date(), row["pair"], row["source"]) == (date(2025, 1, 20), "TJS/USD", "nbt")
    assert row["official"] == pytest.approx(1 / 10.9308)
    assert (row["ticker"], row["ticker_lo"], row["ticker_hi"]) == (0.09148, 0.091475, 0.091485)
    assert row["inside"]
    assert row["distance_lo_pct"] < 0 < row["distance_hi_pct"]


def test_distance_is_ticker_minus_official_in_percent_of_the_official_rate(store):
    store.append([official("10.9308", MONDAY), shown("0.09140", MONDAY + DAY / 2)])
    [row] = compare(store).to_dict("records")
    assert not row["inside"]
    assert row["distance_pct"] == pytest.approx(100 * (0.09140 * 10.9308 - 1))
    assert row["distance_lo_pct"] == pytest.approx(100 * (0.091395 * 10.93075 - 1))
    assert row["distance_hi_pct"] == pytest.approx(100 * (0.091405 * 10.93085 - 1))
    store.append([shown("0.09160", MONDAY + DAY * 1.5)])
    assert compare(store)["distance_pct"].iloc[1] > 0


def test_distance_from_a_peg_is_that_of_the_peg(store):
    long_ago = datetime(2015, 1, 1, tzinfo=UTC)
    store.append([official("3.5", long_ago, source="tmt-peg", pair="USD/TMT", origin=Origin.CONSTANT)])
    store.append([shown(text, MONDAY + DAY * n, "TMT/USD") for n, text in enumerate(("0.28490", "0.28571", "0.28615"))])
    found, pegged = compare(store), fx.peg(store, sources=["timesca"])
    assert found["inside"].tolist() == pegged["at_peg"].tolist() == [False, True, False]
    for name in ("distance_pct", "distance_lo_pct", "distance_hi_pct"):
        assert found[name].tolist() == pytest.approx(pegged[name].tolist(), abs=1e-9)
    assert found["distance_pct"].iloc[0] == pytest.approx(-0.285)


def test_the_ticker_of_2025_01_20_was_not_the_national_banks_rate(store):
    """Both as published: NBT 10.9505 for that day, the ticker 0.09149."""
    store.append([official("10.9505", MONDAY), shown("0.09149", MONDAY + DAY / 2)])
    [row] = compare(store).to_dict("records")
    assert not row["inside"]
    assert [round(row[f"distance{end}_pct"], 3) for end in ("_lo", "", "_hi")] == [0.18, 0.186, 0.192]


def test_each_tick_of_a_restless_day_is_compared_by_itself(store):
    ticks = [shown(rate, MONDAY + DAY / 3 * n) for n, rate in enumerate(("0.09140", "0.09155"))]
    store.append([official("10.9308", MONDAY), *ticks])
    assert compare(store)["inside"].tolist() == [False, False]  # the hull of both would hold it


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
    assert set(found["ticks"]) == {7}
    assert compare(store, lag_days=2)["inside"].all()


def test_lags_that_the_digits_do_not_distinguish_are_tied_and_none_is_best(store):
    store.append([official(f"12{n + 10}0.10", MONDAY + n * DAY, source="cbu", pair="USD/UZS") for n in range(20)])
    store.append([shown("0.00008", MONDAY + (n + 0.5) * DAY, "UZS/USD") for n in range(5, 9)])
    found = lags(store)
    assert (found["best"].any(), found["tied"].all()) == (False, True)


def test_all_lags_of_a_peg_are_tied(store):
    store.append([official("3.5", MONDAY + n * DAY, source="cbr", pair="USD/TMT") for n in range(20)])
    store.append([shown("0.28490", MONDAY + (n + 0.5) * DAY, "TMT/USD") for n in range(5, 9)])
    found = lags(store)
    assert (found["best"].any(), found["tied"].all()) == (False, True)


def test_score_of_a_pair_that_cannot_fail_is_that_of_chance(store):
    texts = [("10.9308", "0.09148"), ("10.8000", "0.09259"), ("10.7000", "0.09346"), ("10.6000", "0.09000")]
    for number, (of_bank, of_ticker) in enumerate(texts):
        day = MONDAY + number * DAY
        store.append([official(of_bank, day), shown(of_ticker, day + DAY / 2)])
        store.append([official(f"12{number}00.10", day, source="cbu", pair="USD/UZS")])
        store.append([shown("0.00008", day + DAY / 2, "UZS/USD")])

    cbu, nbt = fx.scores(compare(store)).to_dict("records")

    assert [(row["source"], row["ticks"], row["days"], row["inside"]) for row in (cbu, nbt)] == [
        ("cbu", 4, 4, 1.0),
        ("nbt", 4, 4, 0.75),
    ]
    assert (cbu["chance"], nbt["chance"]) == (1.0, 3 / 16)
    assert cbu["width_pct"] == pytest.approx(12.5)
    assert nbt["width_pct"] == pytest.approx(0.0109, abs=2e-4)
    assert nbt["beyond_pct"] == pytest.approx(100 * (1 - 0.090005 * 10.60005) / 4, rel=1e-3)


def test_official_rate_that_is_too_old_is_not_scored(store):
    store.append([official("10.9308", MONDAY), official("10.9309", MONDAY + 20 * DAY)])
    store.append([shown("0.09148", MONDAY + days * DAY) for days in (14, 15)])
    assert fx.scores(compare(store))["ticks"].tolist() == [1]


def test_nothing_compared_gives_no_score(store):
    store.append([official("10.9308", MONDAY), shown("0.09148", MONDAY)])
    with pytest.raises(fx.NoData):
        fx.scores(compare(store).assign(official=float("nan")))


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=8))
@law(60)
def test_chance_is_the_share_of_all_pairings_that_intersect(drawn):
    frame = pd.DataFrame(drawn, columns=["ticker", "official"])
    frame = frame.assign(source="nbt", pair="TJS/USD", day=range(len(drawn)))
    for name in ("ticker", "official"):
        frame = frame.assign(**{f"{name}_lo": frame[name] - 2.0, f"{name}_hi": frame[name] + 2.0})
    frame = frame.assign(inside=(frame["ticker"] - frame["official"]).abs() <= 4)
    frame = frame.assign(**{f"distance{end}_pct": 0.0 for end in ("", "_lo", "_hi")})
    pairings = [abs(ticker - official) <= 4 for ticker, _ in drawn for _, official in drawn]
    assert fx.scores(frame)["chance"].tolist() == [pytest.approx(sum(pairings) / len(pairings))]


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


def test_table_of_several_pairs_shows_how_far_the_ticker_is(store, tmp_path):
    sums = {"pair": "USD/UZS", "source": "cbu"}
    store.append([official("12194.21", MONDAY, **sums), official("12190.15", MONDAY + DAY, **sums)])
    store.append([official("10.9308", MONDAY), official("10.9402", MONDAY + DAY)])
    for at in (MONDAY + DAY / 2, MONDAY + DAY * 1.5):
        store.append([shown("0.09140", at), shown("0.00008", at, "UZS/USD")])
    result = CliRunner().invoke(app, ["compare", "--store", str(tmp_path / "parquet")])
    assert result.exit_code == 0, result.output
    [tjs, *_] = [line.split() for line in result.stdout.splitlines() if "TJS/USD" in line]
    assert tjs[-2:] == ["no", "-0.092"]


def test_table_of_one_pair_has_both_rates_and_the_band_of_the_distance(store, tmp_path):
    store.append([official("10.9308", MONDAY), official("10.9402", MONDAY + DAY)])
    store.append([shown("0.09140", MONDAY + DAY / 2), shown("0.09141", MONDAY + DAY * 1.5)])
    result = CliRunner().invoke(app, ["compare", "--store", str(tmp_path / "parquet")])
    headings, _, first, _ = result.stdout.splitlines()[-4:]
    assert headings.split() == ["observed_at", "official", "ticker", "inside", "dist", "%", "distance_band"]
    assert first.split()[2:] == ["0.09148461", "0.09140", "no", "-0.092", "-0.099", "to", "-0.086"]
    assert "ticker_band" in result.stderr


@pytest.mark.parametrize("pairs", [["TJS/USD"], ["TJS/USD", "UZS/USD"]])
def test_official_rate_of_another_day_never_stands_beside_a_tick_without_its_age(store, tmp_path, pairs):
    store.append([official("10.9308", MONDAY), official("12194.21", MONDAY, source="cbu", pair="USD/UZS")])
    texts = {"TJS/USD": "0.09140", "UZS/USD": "0.00008"}
    store.append([shown(texts[pair], MONDAY + DAY * days, pair) for pair in pairs for days in (0.5, 3.5)])
    result = CliRunner().invoke(app, ["compare", "--store", str(tmp_path / "parquet")])
    rows = [line.split() for line in result.stdout.splitlines() if line.startswith("2025-01-2")]
    assert [row[2 if len(pairs) == 1 else 4] for row in rows] == [*len(pairs) * ["0"], *len(pairs) * ["3"]]
