"""Changes: the runs of one printed value."""

from datetime import timedelta

import pandas as pd
import pytest
from builders import NOON, FixedClock, capture_ticks, snapshot_ticks, tick
from click.testing import CliRunner

import fxticker as fx
from fxticker.analysis.changes import changes
from fxticker.cli import app
from fxticker.model.records import TimeBasis
from fxticker.store.store import Store

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)


def _polled(*rates, pair="KZT/USD"):
    return [tick(pair, rate, "0%", NOON + QUARTER * n) for n, rate in enumerate(rates)]


def test_polls_of_one_value_are_one_run(store):
    store.append(_polled("0.00191", "0.00191", "0.00192", "0.00191"))

    found = changes(store)

    assert list(found["rate_text"]) == ["0.00191", "0.00192", "0.00191"]
    assert list(found["polls"]) == [2, 1, 1]
    assert list(found["first_at"]) == [NOON, NOON + 2 * QUARTER, NOON + 3 * QUARTER]
    assert list(found["last_at"]) == [NOON + QUARTER, NOON + 2 * QUARTER, NOON + 3 * QUARTER]


def test_run_carries_its_band(store):
    store.append(_polled("0.00008", pair="UZS/USD"))

    [run] = changes(store).itertuples()

    assert (run.rate, run.rate_lo, run.rate_hi) == (0.00008, 0.000075, 0.000085)


def test_another_percentage_beside_the_same_rate_is_no_change(store):
    store.append([tick(change_text="0%"), tick(change_text="-0%", observed_at=NOON + QUARTER)])

    assert list(changes(store)["polls"]) == [2]


def test_pairs_and_sources_have_runs_of_their_own(store):
    for n in range(2):
        store.append(snapshot_ticks(NOON + QUARTER * n))
        store.append([tick(source="other", observed_at=NOON + QUARTER * n)])

    found = changes(store)

    assert list(zip(found["source"], found["pair"], found["polls"], strict=True)) == [
        ("other", "KZT/USD", 2),
        ("timesca", "KGS/USD", 2),
        ("timesca", "KZT/USD", 2),
        ("timesca", "TJS/USD", 2),
        ("timesca", "TMT/USD", 2),
        ("timesca", "UZS/USD", 2),
    ]


def test_run_has_the_change_from_the_run_before_and_its_band(store):
    store.append([*_polled("0.00191", "0.00191", "0.00192", "0.00195"), *_polled("0.00008", pair="UZS/USD")])

    first, second, third, of_uzs = changes(store).itertuples()

    for run in (first, of_uzs):
        assert pd.isna([run.drift_pct, run.drift_lo_pct, run.drift_hi_pct]).all()
        assert not run.significant
    assert second.drift_pct == pytest.approx(100 * (192 / 191 - 1))
    assert second.drift_lo_pct == pytest.approx(0, abs=1e-12)
    assert (third.drift_lo_pct, third.drift_hi_pct) == pytest.approx((100 * (1945 / 1925 - 1), 100 * (1955 / 1915 - 1)))
    assert [second.significant, third.significant] == [False, True]


@pytest.mark.parametrize("pairs", [["KGS/USD"], ["USD/KGS"]])
def test_change_by_one_step_has_a_band_that_ends_at_0(store, pairs):
    store.append(_polled("0.01144", "0.01143", "0.01144", pair="KGS/USD"))
    found = changes(store, pairs=pairs)
    assert (found[["drift_lo_pct", "drift_hi_pct"]].iloc[1:] == 0).any(axis=1).all()
    assert not found["significant"].iloc[1:].any()


def test_change_of_an_inverse_goes_the_other_way(store):
    store.append(_polled("0.00191", "0.00195"))

    assert changes(store, per_usd=True)["drift_pct"].iloc[1] == pytest.approx(100 * (191 / 195 - 1))


def test_run_names_the_longest_time_in_it_without_a_tick(store):
    later = [tick(rate_text=text, observed_at=NOON + timedelta(days=n)) for text, n in (("0.00191", 3), ("0.00192", 9))]
    store.append([*_polled("0.00191", "0.00191"), *later])

    assert list(changes(store)["gap_h"]) == [71.75, 0]


def test_hops_of_a_peg_are_named_in_runs_and_counted_by_the_command(history_store, tmp_path):
    found = changes(history_store, pairs=["TMT/USD"], end="2024-12-20")
    result = CliRunner().invoke(app, ["changes", "--pair", "TMT", "--end", "2024-12-20", "--store", str(history_store)])

    assert list(found["peg_hop"]) == [False, False, False, True, True, True, True]
    assert (
        "TMT/USD of timesca: 4 of 6 changes are peg hops, which are no moves of the rate; 2 of 6 to levels"
        in result.stderr
    )
    assert result.stdout.count("peg hop") == 4


def test_first_value_of_a_span_is_named_where_its_level_is_new(history_store):
    def told(start):
        arguments = ["changes", "--pair", "TMT", "--store", str(history_store), *start]
        return "the first value is not on record in the year before, and is no change here" in (
            CliRunner().invoke(app, arguments).stderr
        )

    assert [told(["--start", start]) for start in ("2026-02-05", "2026-02-08")] == [True, False]
    assert not told([])


def test_first_value_is_not_new_where_its_band_meets_the_one_before(store, tmp_path):
    store.append(
        [tick("TMT/RUB", text, None, NOON + n * DAY, source="cbr") for n, text in enumerate(["22.8571", "22.8572"])]
    )
    store.append([tick("USD/RUB", "80.0000", None, NOON + n * DAY, source="cbr") for n in range(2)])
    start = (NOON + DAY).isoformat()
    result = CliRunner().invoke(
        app, ["changes", "--pair", "TMT", "--start", start, "--store", str(tmp_path / "parquet")]
    )
    assert (result.exit_code, "year before" in result.stderr) == (0, False)


def test_cross_rate_of_a_pegged_currency_is_said_to_hop_with_it(history_store):
    def told(pair):
        span = ["--start", "2025-12-08", "--end", "2025-12-09", "--store", str(history_store)]
        return CliRunner().invoke(app, ["drift", "--pair", pair, *span]).stderr

    assert "TMT/KGS of timesca: a change may be a hop of TMT around its peg" in told("TMT/KGS")
    assert "hops" not in told("KZT/KGS") + told("TMT")


def test_new_level_of_a_peg_is_named_without_a_hop_beside_it(history_store):
    span = ["--start", "2026-02-01", "--end", "2026-02-06", "--store", str(history_store)]
    result = CliRunner().invoke(app, ["changes", "--pair", "TMT", *span])
    assert "1 of 1 to levels not on record in the year before: the supplier's, or a move" in result.stderr
    for shown in (result, CliRunner().invoke(app, ["drift", *span])):
        assert shown.stdout.count("newer level") == 1


def test_value_that_never_changed_in_the_real_history_is_one_run(history_store):
    [run] = changes(history_store, pairs=["UZS/USD"]).itertuples()

    assert (run.rate_text, run.polls) == ("0.00008", 167)
    assert run.first_at == pd.Timestamp("2024-09-08T00:00Z")
    assert run.last_at == pd.Timestamp("2026-02-25T12:00Z")


def test_runs_of_the_real_history(history_store):
    found = changes(history_store, pairs=["TMT/USD"], end="2024-12-20")

    assert " ".join(found["rate_text"]) == "0.28615 0.28490 0.28571 0.28490 0.28571 0.28615 0.28490"
    assert list(found["polls"]) == [1, 2, 1, 1, 2, 1, 1]


def test_runs_told_poll_by_poll_are_what_was_printed(history_store):
    ticks = capture_ticks()

    found = changes(fx.load(history_store))

    for pair in ("KGS/USD", "KZT/USD", "TJS/USD", "TMT/USD", "UZS/USD"):
        told = found[found["pair"] == pair]
        assert list(told["rate_text"].astype("str").repeat(told["polls"])) == [
            one.rate_text for one in ticks if one.pair == pair
        ]


def test_several_values_of_one_date_are_a_run_without_text(store):
    store.append(
        [
            tick(rate_text="0.00191", observed_at=NOON, time_basis=TimeBasis.DATE),
            tick(rate_text="0.00192", observed_at=NOON, time_basis=TimeBasis.DATE),
            tick(rate_text="0.00191", observed_at=NOON + QUARTER),
        ]
    )

    hull, plain = changes(store).itertuples()

    assert pd.isna(hull.rate_text)
    assert (hull.rate_lo, hull.rate_hi) == (0.001905, 0.001925)
    assert plain.rate_text == "0.00191"


def test_derived_rates_have_runs_by_their_bands(store):
    for n, rate in enumerate(("0.00191", "0.00191", "0.00192")):
        store.append(
            [tick("KZT/USD", rate, "0%", NOON + QUARTER * n), tick("UZS/USD", "0.00008", "0%", NOON + QUARTER * n)]
        )

    found = changes(store, pairs=["KZT/UZS", "USD/KZT"])

    assert list(zip(found["pair"], found["polls"], strict=True)) == [
        ("KZT/UZS", 2),
        ("KZT/UZS", 1),
        ("USD/KZT", 2),
        ("USD/KZT", 1),
    ]
    assert found["rate_text"].isna().all()
    assert found["rate"].iloc[0] == pytest.approx(23.875)


def test_as_of_leaves_out_what_was_recorded_later(tmp_path):
    clock = FixedClock(NOON)
    store = Store(tmp_path / "parquet", clock=clock)
    store.append(_polled("0.00191"))
    clock.at = NOON + timedelta(days=1)
    store.append(_polled("0.00191", "0.00192"))

    assert list(changes(store, as_of=NOON)["rate_text"]) == ["0.00191"]


def test_nothing_that_matches_is_an_empty_frame_of_the_same_columns(store):
    store.append(_polled("0.00191"))

    assert changes(store, start="2026-01-01").dtypes.astype(str).to_dict() == {
        "source": "category",
        "pair": "category",
        "rate_text": "category",
        "nominal": "int32",
        "rate": "float64",
        "rate_lo": "float64",
        "rate_hi": "float64",
        "first_at": "datetime64[us, UTC]",
        "last_at": "datetime64[us, UTC]",
        "polls": "int64",
        "gap_h": "float64",
        "drift_pct": "float64",
        "drift_lo_pct": "float64",
        "drift_hi_pct": "float64",
        "significant": "bool",
        "peg_hop": "bool",
        "several_values": "bool",
        "values": "int32",
    }
