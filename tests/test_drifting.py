from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from builders import NOON, tick

import fxticker as fx
from fxticker.models import TimeBasis
from fxticker.store import Store

THE_13TH = datetime(2025, 11, 13, tzinfo=UTC)
THE_14TH = datetime(2025, 11, 14, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "parquet")


def _tjs(rate_text, observed_at, **changes):
    return tick("TJS/USD", rate_text, "0%", observed_at, **changes)


def test_change_larger_than_rounding_is_significant(store):
    store.append([_tjs("0.10798", THE_13TH), _tjs("0.10840", THE_14TH)])
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14").itertuples()
    assert row.drift_pct == pytest.approx(0.38896, abs=1e-5)
    assert row.drift_lo_pct == pytest.approx(0.37968, abs=1e-5)
    assert row.drift_hi_pct == pytest.approx(0.39824, abs=1e-5)
    assert row.significant


def test_change_of_one_printed_step_is_not_significant(store):
    store.append([tick(rate_text="0.00191", observed_at=THE_13TH), tick(rate_text="0.00192", observed_at=THE_14TH)])
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14").itertuples()
    assert row.drift_lo_pct == 0.0
    assert not row.significant


def test_date_stands_for_the_last_ticks_of_its_day(store):
    store.append(
        [_tjs("0.10800", NOON), _tjs("0.10810", NOON + timedelta(hours=11)), _tjs("0.10900", NOON + timedelta(days=1))]
    )
    [row] = fx.drift(store, start="2025-11-14", end=date(2025, 11, 15)).itertuples()
    assert row.rate_start == pytest.approx(0.10810)
    assert row.start_at == pd.Timestamp("2025-11-14T23:00Z")


def test_instant_is_looked_up_as_of_itself(store):
    store.append([_tjs("0.10800", NOON), _tjs("0.10900", NOON + timedelta(hours=2))])
    [row] = fx.drift(store, start="2025-11-14T13:59Z", end="2025-11-14T14:00Z").itertuples()
    assert (row.rate_start, row.rate_end) == (pytest.approx(0.108), pytest.approx(0.109))


def test_several_values_of_one_date_count_with_the_hull_of_their_bands(store):
    store.append(
        [
            _tjs("0.10798", THE_13TH, time_basis=TimeBasis.DATE),
            _tjs("0.10802", THE_13TH, time_basis=TimeBasis.DATE),
            _tjs("0.10802", THE_14TH, time_basis=TimeBasis.DATE),
        ]
    )
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14").itertuples()
    assert row.rate_start == pytest.approx(0.10800)
    assert row.drift_lo_pct < 0 < row.drift_hi_pct
    assert not row.significant


def test_of_several_values_at_one_polled_instant_the_last_recorded_counts(tmp_path):
    from builders import FixedClock

    store = Store(tmp_path / "parquet", clock=FixedClock(step=timedelta(seconds=1)))
    store.append([_tjs("0.10900", NOON), _tjs("0.10700", THE_13TH)])
    store.append([_tjs("0.10800", NOON)])
    [row] = fx.drift(store, start="2025-11-13", end=NOON).itertuples()
    assert row.rate_text_end == "0.10800"


def test_pair_that_came_later_is_shown_without_a_start(store):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10800", THE_14TH), tick("TMT/USD", "0.28571", "0%", THE_14TH)])
    frame = fx.drift(store, start="2025-11-13", end="2025-11-14").set_index("pair")
    assert pd.isna(frame.loc["TMT/USD", "start_at"])
    assert pd.isna(frame.loc["TMT/USD", "drift_pct"])
    assert not frame.loc["TMT/USD", "significant"]


def test_dates_before_all_ticks_are_no_data(store):
    store.append([_tjs("0.10800", THE_14TH)])
    with pytest.raises(fx.NoData, match="2020-01-01"):
        fx.drift(store, start="2020-01-01", end="2020-01-02")


def test_start_after_end_is_refused(store):
    with pytest.raises(ValueError, match="after"):
        fx.drift(store, start="2025-11-14", end="2025-11-13")


def test_columns_have_their_documented_types(store):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10800", THE_14TH)])
    frame = fx.drift(store, start="2025-11-13", end="2025-11-14")
    assert frame.dtypes.astype(str).to_dict() == {
        "source": "str",
        "pair": "str",
        "start_at": "datetime64[us, UTC]",
        "end_at": "datetime64[us, UTC]",
        "rate_start": "float64",
        "rate_end": "float64",
        "rate_text_start": "str",
        "rate_text_end": "str",
        "drift_pct": "float64",
        "drift_lo_pct": "float64",
        "drift_hi_pct": "float64",
        "significant": "bool",
    }


def test_as_of_leaves_out_what_was_recorded_later(tmp_path):
    from builders import FixedClock

    clock = FixedClock(NOON)
    store = Store(tmp_path / "parquet", clock=clock)
    store.append([_tjs("0.10798", THE_13TH), _tjs("0.10840", THE_14TH)])
    clock.at = NOON + timedelta(days=1)
    store.append([_tjs("0.10999", THE_14TH)])
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14", as_of=NOON).itertuples()
    assert row.rate_end == pytest.approx(0.10840)


def test_one_tick_is_no_drift(store):
    store.append([_tjs("0.10800", THE_13TH)])
    with pytest.raises(fx.NoData, match="two looks"):
        fx.drift(store, start="2025-11-13", end="2025-12-24")


def test_value_known_by_its_date_only_counts_from_the_end_of_its_day(store):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10900", THE_14TH, time_basis=TimeBasis.DATE)])
    with pytest.raises(fx.NoData):
        fx.drift(store, start="2025-11-13", end="2025-11-14T12:00Z")
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14").itertuples()
    assert row.rate_text_end == "0.10900"


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:59.999999Z"])
def test_end_of_the_calendar_is_an_end_like_any_other(store, end):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10800", THE_14TH)])
    assert len(fx.drift(store, start="2025-11-13", end=end)) == 1
