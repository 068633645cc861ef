"""Estimate: the conditional band by set membership, the probable band of a model, and what they rest on."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from builders import NOON, cases, tick
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from walks import START, frame, moves_within_a_day, official, polls, printed, together, walk

import fxticker as fx
from fxticker.analysis.move_bounds import DAY_US, Known, contradiction, move_bounds
from fxticker.cli import app
from fxticker.model.records import TimeBasis

CASES = cases("estimate")
QUARTER = pd.Timedelta(minutes=15)


def by_definition(known, at, move):
    """The bounds as they are defined: every one known, at every instant."""
    distance = np.maximum(np.maximum(known.begin - at[:, None], at[:, None] - known.end), 0)
    allowed = move * np.ceil(distance / DAY_US)
    return (known.lo - allowed).max(axis=1), (known.hi + allowed).min(axis=1)


@st.composite
def known_bounds(draw):
    """Bounds at instants and of days, in a few days about 1970."""
    unit = draw(st.sampled_from([1, DAY_US // 96, DAY_US // 4, DAY_US]))
    rows = draw(
        st.lists(st.tuples(st.integers(-12, 12), st.booleans(), st.integers(-9, 9), st.integers(0, 9)), min_size=1)
    )
    begin = np.array([place * unit // DAY_US * DAY_US if is_day else place * unit for place, is_day, _, _ in rows])
    end = begin + np.array([DAY_US - 1 if is_day else 0 for _, is_day, _, _ in rows])
    lo = np.array([low / 10 for _, _, low, _ in rows])
    return Known(begin, end, lo, lo + np.array([width / 10 for *_, width in rows]))


@law(200)
@given(
    known_bounds(),
    st.lists(st.integers(-4 * 96, 4 * 96).map(lambda place: place * DAY_US // 96) | st.integers(-DAY_US, DAY_US)),
    st.sampled_from([0.0, 0.1, 0.37]),
)
def test_bounds_are_those_of_the_definition(known, at, move):
    at = np.array(at, np.int64)
    found, expected = move_bounds(known, at, move), by_definition(known, at, move)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@law(200)
@given(known_bounds(), st.sampled_from([0.0, 0.1, 0.37]))
def test_two_rows_contradict_each_other_exactly_if_no_path_agrees_with_all(known, move):
    gap = np.maximum(np.maximum(known.begin - known.end[:, None], known.begin[:, None] - known.end), 0)
    excess = known.lo[:, None] - known.hi - move * np.ceil(gap / DAY_US)
    found = contradiction(known, move)
    assert (found is not None) == (excess.max() > 1e-9)
    assert found is None or excess[found] == pytest.approx(excess.max())


@st.composite
def true_path(draw):
    """True rates every 15 minutes, the most that they move within a day, and ticks of some of them."""
    changes = draw(st.lists(st.integers(-40, 40), min_size=11, max_size=400))
    true = 0.00191 * np.exp(np.cumsum(changes) * draw(st.sampled_from([1e-5, 1e-4, 1e-3])))
    shown = np.unique(draw(st.lists(st.integers(0, len(true) - 1), min_size=1, max_size=30)))
    return true, shown


@law(40)
@given(true_path(), st.integers(4, 9), st.integers(0, 50), st.randoms(use_true_random=False))
def test_conditional_band_holds_every_path_that_obeys_its_assumptions(path, decimals, basis, random):
    true, shown = path
    at = polls(len(true))
    days = at.floor("D").unique()
    picked = [random.choice(np.flatnonzero(at.floor("D") == day)) for day in days]
    bank = [f"{1 / (true[place] * (1 + basis / 1e4) ** random.uniform(-1, 1)):.9f}" for place in picked]
    exact = printed("KZT/USD", true[shown], at[shown], decimals)
    dated = frame("KZT/USD", [f"{true[picked[0]]:.{decimals}f}"], days[:1], time_basis="date")
    ticks = together(exact, dated, official("USD/KZT", bank, days, source="nbk"))
    move = 100 * math.expm1(moves_within_a_day(true)) * (1 + 1e-9) + 1e-9
    found = fx.estimate(ticks, every="15min", end=at[-1] + QUARTER, max_move_pct=move, basis_pct=basis / 100 + 1e-6)
    inside = found[found["at"].isin(at)]
    expected = true[at.get_indexer(inside["at"])]
    assert found["conditional_lo"].notna().all(), found["reason"].iloc[0]
    assert (inside["conditional_lo"] <= expected).all()
    assert (expected <= inside["conditional_hi"]).all()


def test_band_widens_by_the_move_for_each_begun_day():
    ticks = printed("KZT/USD", [0.00191], polls(1))
    found = fx.estimate(ticks, start="2025-06-01T00:00Z", end="2025-06-05T00:00Z", every="12h", max_move_pct=1)
    assert found["conditional_hi"].tolist() == pytest.approx(
        [0.001915 * 1.01**days for days in (1, 1, 0, 1, 1, 2, 2, 3)], rel=1e-9
    )
    assert found["conditional_lo"].tolist() == pytest.approx(
        [0.001905 / 1.01**days for days in (1, 1, 0, 1, 1, 2, 2, 3)], rel=1e-9
    )


def test_date_only_tick_holds_all_its_day_and_is_wider_by_the_move():
    ticks = frame("KZT/USD", ["0.00191"], pd.DatetimeIndex(["2025-06-02T00:00Z"]).as_unit("us"), time_basis="date")
    found = fx.estimate(ticks, start="2025-06-02T00:00Z", end="2025-06-03T12:00Z", every="12h", max_move_pct=1)
    assert found["conditional_hi"].tolist() == pytest.approx([0.001915 * 1.01**n for n in (1, 1, 2)], rel=1e-9)


def test_official_rates_enter_only_with_a_basis():
    ticks = together(
        printed("UZS/USD", [1 / 12190.0] * 96),
        official("USD/UZS", ["12190.00"], pd.DatetimeIndex(["2025-06-02T00:00Z"]).as_unit("us")),
    )
    without = fx.estimate(ticks, max_move_pct=0.6)
    stated = fx.estimate(ticks, max_move_pct=0.6, basis_pct=0.3)
    assert without["basis_pct"].isna().all()
    assert without["conditional_hi"].iloc[0] == pytest.approx(0.000085)
    assert stated["conditional_hi"].iloc[0] == pytest.approx(1.006 * 1.003 / 12189.995)
    assert stated["basis_pct"].unique().tolist() == [0.3]


def test_contradicted_assumption_leaves_no_band_and_names_two_rows():
    ticks = printed("TMT/USD", [0.28490] * 40 + [0.28615] * 40)
    found = fx.estimate(ticks, max_move_pct=0.1)
    assert found["conditional_lo"].isna().all()
    assert found["reason"].unique().tolist() == [f"{CASES['contradicted']}; probable band: {CASES['pegged']}"]


def test_move_is_the_largest_official_one_of_a_year_with_its_digits():
    days = pd.date_range("2024-11-14", periods=300, tz="UTC").as_unit("us")
    texts = ["12000.00"] * 100 + ["12100.00"] * 200
    ticks = together(
        printed("UZS/USD", [1 / 12100] * 30, polls(30, "2025-06-02T00:00Z")), official("USD/UZS", texts, days)
    )
    found = fx.estimate(ticks)
    assert found["move_from"].unique().tolist() == ["largest of cbu in 365 days: 2025-02-21 to 2025-02-22"]
    assert found["move_pct"].iloc[0] == pytest.approx(100 * (12100.005 / 11999.995 - 1))


def test_few_official_moves_give_no_limit():
    days = pd.date_range("2025-05-01", periods=30, tz="UTC").as_unit("us")
    ticks = together(printed("UZS/USD", [1 / 12100] * 30), official("USD/UZS", ["12100.00"] * 30, days))
    found = fx.estimate(ticks)
    assert found["conditional_lo"].isna().all()
    assert "there are 29 official daily moves" in found["reason"].iloc[0]


def test_fixed_rate_sets_no_limit(store):
    from fxticker.model.records import Origin

    store.append([tick("TMT/USD", "0.28571", None, NOON + n * timedelta(minutes=15)) for n in range(20)])
    since = datetime(2025, 1, 1, tzinfo=UTC)
    store.append(
        [tick("USD/TMT", "3.5", None, since, source="tmt-peg", origin=Origin.CONSTANT, time_basis=TimeBasis.DATE)]
    )
    assert fx.estimate(store)["move_pct"].isna().all()


def test_later_days_tighten_an_earlier_band():
    true = walk(3, 0.00191, 0.35, days=4)
    short = fx.estimate(printed("KZT/USD", true[:96]), max_move_pct=1, end="2025-06-02T23:50Z")
    whole = fx.estimate(printed("KZT/USD", true), max_move_pct=1, end="2025-06-02T23:50Z")
    assert (whole["conditional_lo"] >= short["conditional_lo"]).all()
    assert (whole["conditional_hi"] <= short["conditional_hi"]).all()


@law(12)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.01, 0.1, 0.35, 2.0]),
    st.integers(5, 8),
    st.lists(st.integers(0, 1199), min_size=2, max_size=60, unique=True).map(sorted),
)
def test_both_bands_lie_within_the_printed_one_at_a_tick(seed, daily_pct, decimals, places):
    true = walk(seed, 0.00191, daily_pct, days=13)
    ticks = printed("KZT/USD", true[places], polls(len(true))[places], decimals)
    found, shown = fx.estimate(ticks, max_move_pct=100 * math.expm1(moves_within_a_day(true)) * 1.001), fx.quotes(ticks)
    found = found.assign(**{name: found[name].fillna(shown["rate"]) for name in ("probable_lo", "probable_hi")})
    assert found["conditional_lo"].notna().all()
    for band in ("conditional", "probable"):
        assert (found[f"{band}_lo"] >= shown["rate_lo"] * (1 - 1e-9)).all()
        assert (found[f"{band}_hi"] <= shown["rate_hi"] * (1 + 1e-9)).all()


def test_inverse_pair_has_the_inverse_bands():
    ticks = printed("KZT/USD", walk(2, 0.00191, 0.35, days=5))
    stored, inverse = (fx.estimate(ticks, pairs=[pair], max_move_pct=2, every="1h") for pair in ("KZT/USD", "USD/KZT"))
    for band in ("conditional", "probable"):
        assert inverse[f"{band}_hi"].to_numpy() == pytest.approx(1 / stored[f"{band}_lo"].to_numpy(), rel=1e-6)


def test_cross_rate_has_no_probable_band_and_no_volatility_for_it_is_not_printed():
    ticks = together(printed("KZT/USD", walk(2, 0.00191, 0.35, 30)), printed("UZS/USD", walk(3, 1 / 12200, 0.2, 30)))
    found = fx.estimate(ticks, pairs=["KZT/UZS"], max_move_pct=5, every="1d")
    assert found["conditional_lo"].notna().all()
    assert found["probable"].isna().all()
    assert found["reason"].iloc[0].startswith("probable band: a cross rate is not printed")
    [row] = fx.volatility(ticks, pairs=["KZT/UZS"]).itertuples()
    assert math.isnan(row.volatility_pct)
    assert row.reason.startswith("cannot be told: a cross rate is not printed")


def test_direction_and_time_zone_are_those_asked_for():
    ticks = printed("KZT/USD", walk(2, 0.00191, 0.35, days=5))
    asked = {"max_move_pct": 2, "every": "6h", "start": "2025-06-03", "end": "2025-06-03"}
    found = fx.estimate(ticks, per_usd=True, tz="Asia/Tashkent", **asked)
    assert found["pair"].unique().tolist() == ["USD/KZT"]
    assert found["at"].iloc[[0, -1]].astype("str").tolist() == [
        "2025-06-03 05:00:00+05:00",
        "2025-06-03 23:00:00+05:00",
    ]
    assert fx.volatility(ticks, per_usd=True)["pair"].tolist() == ["USD/KZT"]


def test_probable_band_widens_in_a_gap_as_a_bridge_does():
    true = walk(4, 0.00191, 0.35, days=30)
    kept = np.r_[0:480, 2400:2880]
    found = fx.estimate(printed("KZT/USD", true[kept], polls(2880)[kept]), max_move_pct=5, every="12h").set_index("at")
    width = np.log(found["probable_hi"] / found["probable_lo"])
    middle = width["2025-06-17T00:00Z"]
    assert middle == pytest.approx(2 * 1.96 * found["sigma_pct"].iloc[0] / 100 * math.sqrt(20) / 2, rel=0.1)
    assert width["2025-06-03T00:00Z"] < width["2025-06-09T00:00Z"] < middle


def test_rates_that_are_not_rounded_have_no_probable_band_and_say_so():
    ticks = printed("KZT/USD", [0.00191] * 3)
    found = fx.estimate(ticks, max_move_pct=1)
    assert found["probable_lo"].isna().all()
    assert found["reason"].unique().tolist() == ["probable band: too few printed rates, or all within hours"]


@pytest.mark.parametrize(("name", "value"), [("max_move_pct", -1), ("basis_pct", math.nan), ("every", "0s")])
def test_senseless_figure_is_refused(name, value):
    with pytest.raises(ValueError, match=name.replace("every", "above 0")):
        fx.estimate(printed("KZT/USD", [0.00191]), **{name: value})


def test_rate_that_hops_about_a_peg_has_no_probable_band_and_says_so():
    ticks = printed("TMT/USD", [0.28490] * 400 + [0.28615] * 400 + [0.28490] * 400)
    found = fx.estimate(ticks, max_move_pct=1)
    assert found["conditional_lo"].notna().all()
    assert found[["probable_lo", "probable", "probable_hi", "sigma_pct"]].isna().all(axis=None)
    assert found["reason"].unique().tolist() == [f"probable band: {CASES['pegged']}"]
    assert fx.estimate(ticks, pairs="USD/TMT", max_move_pct=1)["probable"].isna().all()


@pytest.mark.parametrize(
    ("zone", "every", "hours"),
    [
        ("Asia/Tashkent", "1d", [-5, 19, 43]),
        ("Asia/Tashkent", "2d", [19]),
        ("Asia/Tashkent", "12h", [0, 12, 24, 36, 48, 60]),  # hours are those of UTC
        ("UTC", "1d", [0, 24, 48]),
        ("Europe/Berlin", "1d", [-2, 22, 46]),
    ],
)
def test_steps_of_days_are_those_of_the_zone(zone, every, hours):
    ticks = printed("KZT/USD", [0.00191] * 288)
    found = fx.estimate(ticks, max_move_pct=1, every=every, tz=zone, start="2025-06-02", end="2025-06-04")
    wanted = pd.Timestamp(START) + pd.to_timedelta(hours, unit="h")
    assert [*found["at"]] == [*wanted]


def test_day_of_23_hours_is_one_step():
    ticks = printed("KZT/USD", [0.00191] * 288, polls(288, "2025-03-29T00:00Z"))
    found = fx.estimate(ticks, max_move_pct=1, every="1d", tz="Europe/Berlin", start="2025-03-29", end="2025-03-31")
    assert [at.isoformat() for at in found["at"]] == [
        "2025-03-29T00:00:00+01:00",
        "2025-03-30T00:00:00+01:00",
        "2025-03-31T00:00:00+02:00",
    ]


def test_span_may_begin_with_the_first_day_that_there_is():
    ticks = printed("KZT/USD", [0.00191, 0.00192], polls(2))
    assert fx.estimate(ticks, max_move_pct=1, start="0001-01-01").equals(fx.estimate(ticks, max_move_pct=1))


def test_no_tick_is_no_data():
    with pytest.raises(fx.NoData, match="no tick of timesca in the span"):
        fx.estimate(printed("KZT/USD", [0.00191]), max_move_pct=1, end="2025-06-01T00:00Z")


def test_command_prints_both_bands_and_what_they_rest_on(history_store):
    arguments = ["estimate", "--store", str(history_store), "--pair", "KZT", "--start", "2026-02-20", "--every", "1d"]
    result = CliRunner().invoke(app, [*arguments, "--max-move", "2.5"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("source timesca, pair KZT/USD, move_pct 2.5, move_from as stated, sigma_pct 0.63")
    assert "conditional" in result.stdout
    assert "0.002024 to 0.002036" in result.stdout


def test_command_names_a_missing_assumption_on_standard_error(history_store):
    arguments = ["estimate", "--store", str(history_store), "--pair", "KZT", "--start", "2026-02-20", "--every", "1d"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "no conditional band: the most that a day moves is not known" in result.stderr


@pytest.mark.parametrize("arguments", [["volatility"], ["estimate", "--every", "1d"]])
def test_commands_say_that_hops_about_a_peg_are_no_walk(history_store, arguments):
    span = ["--store", str(history_store), "--start", "2026-02-20"]
    about_tmt, about_kzt = (CliRunner().invoke(app, [*arguments, *span, "--pair", pair]) for pair in ("TMT", "KZT"))
    assert "TMT/USD is pegged, and hops between a few levels about the peg are no moves" in about_tmt.stderr
    assert "pegged" not in about_kzt.stderr


@pytest.mark.parametrize("arguments", [["--every", "soon"], ["--max-move", "-1"], ["--basis", "x"]])
def test_wrong_options_are_wrong_usage(arguments):
    assert CliRunner().invoke(app, ["estimate", *arguments]).exit_code == 2
