"""The rate of one source by a stated order, with what the others have."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from laws import law
from rate_ticks import AT, DAY, PAIRS, TICKS, market, official, true_paths
from true_rates import frame_of

import fxticker as fx
from fxticker.analysis.rate import rate
from fxticker.cli import app
from fxticker.sources.rate_order import Leg, SourceOrder


@pytest.fixture
def ticks():
    return frame_of(TICKS)


def only(frame):
    [row] = frame.to_dict("records")
    return row


def test_cross_rate_of_two_banks_names_both_and_is_theirs(ticks):
    row = only(rate(ticks, "KZT/UZS", at=AT))
    assert (row["source"], row["kind"], row["legs"]) == ("nbk+cbu", "official", "USD/KZT of nbk, USD/UZS of cbu")
    assert row["rate"] == pytest.approx(12194.21 / 478.77)
    assert row["rate_lo"] < 12194.21 / 478.77 < row["rate_hi"]
    assert (row["others"], row["contradictions"], row["age_h"]) == ("timesca agrees", 0, 0)


def test_cross_rate_of_two_banks_names_both_value_dates():
    dated = [official("USD/KZT", "478.77", "nbk", date(2026, 3, 30)), official("USD/UZS", "12194.21", "cbu")]
    row = only(rate(frame_of(dated), "KZT/UZS", at=AT))
    assert (str(row["value_date"].date()), row["leg_dates"]) == ("2026-03-30", "2026-03-30+2026-04-01")
    assert pd.isna(only(rate(frame_of(dated), "KZT", at=AT))["leg_dates"])


def test_order_decides_and_not_the_width_of_a_band(ticks):
    assert only(rate(ticks, "KZT", at=AT))["source"] == "nbk"
    assert only(rate(ticks, "KZT", at=AT, order=["ticker", "official"]))["source"] == "timesca"
    assert only(rate(ticks, "TMT", at=AT))["source"] == "timesca"
    peg = only(rate(ticks, "TMT", at=AT, order="peg,ticker"))
    assert (peg["source"], peg["kind"], peg["value_date"]) == ("tmt-peg", "peg", np.datetime64("2015-01-01"))


def test_contradiction_is_named_with_its_sign_and_size(ticks):
    row = only(rate(ticks, "TMT/USD", at=AT))
    assert (row["others"], row["contradictions"]) == ("tmt-peg contradicts by +0.28 %", 1)  # 2/7 to 0.284905
    turned = only(rate(ticks, "USD/TMT", at=AT, order="peg"))
    assert turned["others"] == "timesca contradicts by +0.28 %"


def test_source_beyond_its_age_is_passed_over_and_named(ticks):
    row = only(rate(ticks, "KZT", at=AT + 10 * DAY, order="ticker,official"))
    assert (row["source"], row["passed_over"]) == ("nbk", "timesca: 10 d 0 h old, limit 7 d")
    converted = str(fx.convert(ticks, 1, "KZT", "USD", at=AT + 10 * DAY, order="ticker,official"))
    assert converted.endswith("by the order ticker, official; passed over: timesca: 10 d 0 h old, limit 7 d")
    with pytest.raises(fx.NoData, match=r"nbk: 29 d 12 h old, limit 14 d; timesca: 30 d 0 h old, limit 7 d; max_age"):
        rate(ticks, "KZT", at=AT + 30 * DAY)


def test_pair_without_a_rate_is_a_row_with_the_reason(ticks):
    frame = rate(ticks, ["KZT", "TMT"], at=AT + 30 * DAY)
    assert [*frame["pair"]] == ["KZT/USD", "TMT/USD"]
    assert np.isnan(frame["rate"][0])
    assert "no source has a rate of KZT/USD" in frame["reason"][0]
    assert frame["source"][1] == "tmt-peg"


def test_series_uses_one_source_throughout_or_fails_naming_what_is_missing(ticks):
    days = [market("KZT/USD", f"0.0020{number}", AT + number * DAY) for number in range(1, 10)]
    frame = rate(frame_of([*TICKS, *days]), "KZT", start=AT, end=AT + 20 * DAY, every="7D", order="official,ticker")
    assert [*frame["source"].unique()] == ["nbk"]
    longer = {"start": AT, "end": AT + 16 * DAY}
    frame = rate(frame_of([*TICKS, *days]), "KZT", **longer)
    assert [*frame["source"].unique()] == ["timesca"]
    assert frame["passed_over"][0].startswith(
        "nbk: lacks 2 of 17 instants, the last 2026-04-17 11:59, the first 2026-04-16 23:59"
    )
    with pytest.raises(
        fx.NoData,
        match=r"at all 17 instants .* timesca: lacks 10 of 17 instants, the last .* the first 2026-04-08",
    ):
        rate(ticks, "KZT", **longer, sources="timesca")


def test_days_are_looked_up_at_their_ends_and_instants_as_they_are():
    ticks = frame_of([market("KZT/USD", "0.00209"), market("KZT/USD", "0.00211", AT + DAY)])
    daily = rate(ticks, "KZT", start="2026-04-01", end="2026-04-02")
    assert [*daily["rate"]] == [0.00209, 0.00211]
    hourly = rate(ticks, "KZT", start=AT, end=AT + DAY, every="12h")
    assert [*hourly["at"]] == [AT, AT + DAY / 2]
    assert [*hourly["age_h"]] == [0, 12]


def test_frame_of_the_ticker_needs_no_value_dates_and_an_empty_store_has_no_rate(store):
    ticks = frame_of([market("KZT/USD", "0.00209")]).drop(columns="source_date")
    assert only(rate(ticks, "KZT", at=AT))["source"] == "timesca"
    store.append([])
    with pytest.raises(fx.NoData, match="no source has a rate of KZT/USD"):
        rate(store, "KZT", at=AT)


def test_days_are_those_of_a_time_zone():
    texts = ("0.00209", "0.00210", "0.00211", "0.00212")
    ticks = frame_of([market("KZT/USD", text, AT + number * DAY / 2) for number, text in enumerate(texts)])
    frame = rate(ticks, "KZT", start="2026-04-01", end="2026-04-02", tz="Asia/Tashkent")
    assert [*frame["rate"]] == [0.00209, 0.00211]
    assert [str(at)[:16] for at in frame["at"]] == ["2026-04-01 23:59", "2026-04-02 23:59"]
    assert str(frame["at"].dt.tz) == "Asia/Tashkent"


def test_rate_of_tomorrow_is_not_in_force_today():
    more = frame_of([*TICKS, official("USD/KZT", "480.00", "nbk", date(2026, 4, 2))])
    assert only(rate(more, "USD/KZT", at=AT))["rate"] == 478.77
    assert only(rate(more, "USD/KZT", at="2026-04-02"))["rate"] == 480


def test_bank_of_russia_repeats_the_others_and_comes_after_them():
    ticks = frame_of(
        [
            *TICKS,
            official("USD/RUB", "80.0000", "cbr"),
            official("KZT/RUB", "16.7095", "cbr", nominal=100),
            official("UZS/RUB", "65.6049", "cbr", nominal=10000),
        ]
    )
    row = only(rate(ticks, "KZT/UZS", at=AT))
    assert row["source"] == "nbk+cbu"
    assert row["others"].startswith("cbr ")
    assert only(rate(ticks, "USD/KZT", at=AT))["source"] == "nbk"
    assert only(rate(ticks, "KZT/RUB", at=AT))["source"] == "cbr"


def test_source_without_a_place_in_the_order_never_answers():
    ticks = frame_of([official("USD/KZT", "478.77", "fawazahmed0")])
    with pytest.raises(fx.NoData, match="fawazahmed0 has no place in the order official, ticker, peg"):
        rate(ticks, "KZT", at=AT)
    assert only(rate(ticks, "KZT", at=AT, order="official,fawazahmed0"))["kind"] == "market"


@pytest.mark.parametrize("order", ["offical", "", "ticker,ticker", []])
def test_order_that_names_nothing_known_is_refused(ticks, order):
    with pytest.raises(ValueError, match="order names"):
        rate(ticks, "KZT", at=AT, order=order)


@pytest.mark.parametrize(
    "given", [{"end": AT}, {"every": "1h"}, {"at": AT, "start": AT}, {"start": AT, "every": "0h", "end": AT + DAY}]
)
def test_instant_and_series_are_told_apart(ticks, given):
    with pytest.raises(ValueError, match=r"series|step"):
        rate(ticks, "KZT", **given)


def test_rank_is_that_of_the_leg_that_stands_last():
    order = SourceOrder()
    ranked = (
        (Leg("nbk", is_derived=False), Leg("cbu", is_derived=False)),
        (Leg("cbr", is_derived=True),),
        (Leg("timesca", is_derived=False),),
        (Leg("nbk", is_derived=False), Leg("timesca", is_derived=False)),
        (Leg("nbk", is_derived=False), Leg("tmt-peg", is_derived=False)),
    )
    assert tuple(sorted({*ranked}, key=order.rank)) == ranked
    assert order.rank([Leg("nbk", is_derived=False), Leg("fawazahmed0", is_derived=False)]) is None


# drift by it


def test_drift_by_the_rate_is_of_one_source_at_both_ends():
    ticks = frame_of(
        [
            *TICKS,
            market("KZT/USD", "0.00211", AT + 5 * DAY),
            market("TMT/USD", "0.28571", AT + 20 * DAY),
            official("USD/UZS", "12142.10", "cbu", date(2026, 4, 6)),
            official("USD/KZT", "480.00", "nbk", date(2026, 4, 6)),
        ]
    )
    frame = fx.drift(ticks, start=AT, end="2026-04-06", sources="rate", pairs=["KZT", "KZT/UZS"])
    assert [*frame["source"]] == ["nbk", "nbk+cbu"]
    assert frame["drift_pct"][0] == pytest.approx(100 * (478.77 / 480 - 1))
    assert frame["drift_pct"][1] == pytest.approx(100 * (12142.10 / 480 / (12194.21 / 478.77) - 1))
    assert [*frame["end_age_h"]] == [0, 0]
    by_ticker = fx.drift(ticks, start=AT, end="2026-04-06", sources="rate", pairs=["KZT"], order="ticker")
    assert [*by_ticker["source"]] == ["timesca"]


def test_pair_that_no_source_has_at_both_ends_has_no_drift_by_the_rate_and_says_why(ticks):
    span = {"start": AT, "end": AT + 16 * DAY, "sources": "rate"}
    frame = fx.drift(frame_of([*TICKS, official("USD/KZT", "480.00", "nbk", date(2026, 4, 6))]), **span)
    rows = frame.set_index("pair")
    assert rows.loc["KZT/USD", "source"] == "nbk"
    assert np.isnan(rows.loc["UZS/USD", "drift_pct"])
    assert "cbu: lacks 1 of 2 instants, the first 2026-04-17 12:00 UTC" in rows.loc["UZS/USD", "reason"]
    with pytest.raises(fx.NoData, match="no source has a rate of UZS/USD at all 2 instants"):
        fx.drift(ticks, **span, pairs=["UZS"])


@pytest.mark.parametrize("given", [{"sources": ["rate", "nbk"]}, {"order": "ticker"}])
def test_order_of_a_drift_is_for_the_rate_alone(ticks, given):
    with pytest.raises(ValueError, match="chooses"):
        fx.drift(ticks, start=AT, end=AT + DAY, **given)


# laws over drawn true paths


@law(40)
@given(true_paths())
def test_bands_hold_the_true_rates_of_their_source_and_two_agree_where_they_share_a_point(drawn):
    ticks, truths = drawn
    span = {"start": "2026-04-01", "end": "2026-04-06"}
    frames = [rate(ticks, PAIRS, order=order, **span) for order in ("official", "ticker")]
    for frame, sources in zip(frames, (["nbk", "cbu", "nbk+cbu"], ["timesca"] * 3), strict=True):
        assert frame.groupby("pair", observed=True)["source"].unique().explode()[list(PAIRS)].tolist() == sources
        for row in frame.to_dict("records"):
            base, _, quote = sources[-1].partition("+")
            kzt, uzs = (
                truths[source, pair, row["at"].date()] for source, pair in ((base, PAIRS[0]), (quote or base, PAIRS[1]))
            )
            true = {PAIRS[0]: kzt, PAIRS[1]: uzs, PAIRS[2]: kzt / uzs}[row["pair"]]
            assert row["rate_lo"] <= float(true) <= row["rate_hi"]  # bounds are the nearest doubles
    bank, ticker = frames
    apart = (bank["rate_lo"] > ticker["rate_hi"]) | (bank["rate_hi"] < ticker["rate_lo"])
    assert [*bank["contradictions"]] == [*ticker["contradictions"]] == [*apart.astype(int)]
    assert [*bank["others"].str.startswith("timesca contradicts")] == [*apart]


@law(40)
@given(true_paths())
def test_series_has_the_rates_of_its_instants(drawn):
    ticks, _ = drawn
    pairs = ["KZT/UZS", "USD/KZT"]
    frame = rate(ticks, pairs, start="2026-04-01T18:00Z", end="2026-04-06T18:00Z", every="51h").astype("str")
    alone = [rate(ticks, pairs, at=at).astype("str") for at in frame["at"].unique()]
    assert frame.to_numpy().tolist() == pd.concat(alone).to_numpy().tolist()


@law(20)
@given(true_paths())
def test_drift_by_the_rate_holds_the_true_drift_of_its_source(drawn):
    ticks, truths = drawn
    for order, sources in (("official", ("nbk", "cbu")), ("ticker", ("timesca", "timesca"))):
        frame = fx.drift(ticks, start="2026-04-01", end="2026-04-06", sources="rate", pairs=PAIRS, order=order)
        for row in frame.dropna(subset="drift_pct").to_dict("records"):
            at = [
                [truths[source, pair, date(2026, 4, day)] for source, pair in zip(sources, PAIRS[:2], strict=True)]
                for day in (1, 6)
            ]
            first, last = ({PAIRS[0]: kzt, PAIRS[1]: uzs, PAIRS[2]: kzt / uzs}[row["pair"]] for kzt, uzs in at)
            drift = float(100 * (last / first - 1))
            assert row["drift_lo_pct"] - 1e-9 <= drift <= row["drift_hi_pct"] + 1e-9


# the command


def run(*arguments):
    return CliRunner().invoke(app, ["rate", *map(str, arguments)])


def test_command_takes_the_order_of_the_configuration(store, tmp_path):
    store.append(TICKS)
    file = tmp_path / "config.toml"
    file.write_text('[store]\npath = "parquet"\n[rate]\norder = ["ticker", "official"]\n')
    shown = run("KZT", "--at", "2026-04-01T12:00Z", "--config", file, "--format", "csv")
    assert shown.exit_code == 0
    assert ",market,timesca,KZT/USD of timesca,2026-04-01,2026-04-01T12:00:00Z,0.0,nbk agrees,0,," in shown.stdout
    shown = run("kztuzs", "--at", "2026-04-01T12:00Z", "--config", file, "--order", "official", "--format", "json")
    assert '"source": "nbk+cbu"' in shown.stdout


def test_look_up_before_a_tick_is_not_shown_at_the_minute_of_that_tick(store):
    store.append(
        [market("KZT/USD", "0.00209", AT), market("KZT/USD", "0.00211", AT + timedelta(minutes=9, seconds=30))]
    )
    for command in ("rate", "explain"):
        for at, shown in (("12:09:20", "12:09:20"), ("12:09:40", "12:09:40"), ("12:10", "12:10")):
            asked = [command, "KZT", "--at", f"2026-04-01T{at}Z", "--store", str(store.backend)]
            assert f"at 2026-04-01 {shown}" in CliRunner().invoke(app, asked).stdout
    series = ["KZT", "--start", "2026-04-01T12:09:20Z", "--every", "1min", "--end", "2026-04-01T12:12Z"]
    rows = run(*series, "--store", store.backend).stdout.splitlines()[-3:]
    assert [row.split()[:2] for row in rows] == [
        ["12:09:20", "0.00209"],
        ["12:10:20", "0.00211"],
        ["12:11:20", "0.00211"],
    ]


def test_drift_command_takes_the_configured_order_for_the_rate(store, tmp_path):
    store.append([*TICKS, market("KZT/USD", "0.00211", AT + DAY), official("USD/KZT", "480", "nbk", date(2026, 4, 2))])
    file = tmp_path / "config.toml"
    file.write_text('[store]\npath = "parquet"\n[rate]\norder = ["ticker"]\n')
    command = ["drift", "--start", "2026-04-01", "--end", "2026-04-02", "--source", "rate", "--pair", "KZT"]
    shown = CliRunner().invoke(app, [*command, "--config", str(file), "--format", "json"])
    assert '"source": "timesca"' in shown.stdout
    shown = CliRunner().invoke(app, [*command, "--store", str(store.backend), "--format", "json"])
    assert '"source": "nbk"' in shown.stdout


@pytest.mark.parametrize(
    "arguments", [(), ("KZT", "--end", "2026"), ("KZT", "--every", "0h"), ("KZT", "--order", "a b"), ("KZ",)]
)
def test_command_refuses_what_is_wrong_usage(arguments):
    assert run(*arguments).exit_code == 2


def test_day_of_the_ticker_is_that_of_the_zone(history_store):
    for tz, day in (("UTC", "2026-02-21"), ("Asia/Tashkent", "2026-02-22")):
        [row] = fx.rate(history_store, "TJS", at="2026-02-22", tz=tz, order="ticker").itertuples()
        assert str(row.value_date.date()) == day
        assert f" of {day}, " in str(fx.explain(history_store, "TJS", at="2026-02-22", tz=tz, order="ticker"))
