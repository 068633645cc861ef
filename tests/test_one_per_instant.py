"""Several values at one instant become one, whatever their number and order."""

from datetime import timedelta
from fractions import Fraction

import pandas as pd
import pytest
from builders import NOON
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from true_rates import frame_of, shown

from fxticker.frames.one_per_instant import bands_of, effective_rows, one_per_instant, with_bands
from fxticker.model.bands import Band, hull, rate_band
from fxticker.model.printed import InvalidNumber
from fxticker.model.records import Origin, TimeBasis

TEXTS = ["0.00008", "0.00009", "0.0000850", "0.1", "0.10", "12"]


@st.composite
def ticks(draw):
    """Up to a dozen ticks, many at the same instants."""
    return [
        shown(
            draw(st.sampled_from(["KZT/USD", "UZS/USD"])),
            draw(st.sampled_from(TEXTS)),
            NOON + draw(st.integers(0, 2)) * timedelta(minutes=1),
            source=draw(st.sampled_from(["nbk", "timesca"])),
            time_basis=draw(st.sampled_from([TimeBasis.CLOCK, TimeBasis.DATE])),
            nominal=draw(st.sampled_from([1, 3])),
        )
        for _ in range(draw(st.integers(1, 12)))
    ]


@given(ticks())
@law(150)
def test_row_has_the_hull_of_the_rows_that_count(drawn):
    frame = frame_of(drawn)
    key = ["source", "pair", "observed_at"]

    found = one_per_instant(frame).set_index(key)

    groups = {values: effective_rows(rows) for values, rows in frame.groupby(key, observed=True)}
    assert set(found.index) == set(groups)
    for values, rows in groups.items():
        row, band, texts = found.loc[values], hull(bands_of(rows)), rows["rate_text"].unique().tolist()
        assert (row["rate_lo"], row["rate_hi"]) == (float(band.lo), float(band.hi))
        assert len(rows) == 1 or row["rate"] == float(band.middle)
        assert row["rate_text"] == texts[0] if len(texts) == 1 else pd.isna(row["rate_text"])
        assert row["recorded_at"] == rows["recorded_at"].max()


@given(ticks())
@law(50)
def test_rows_are_in_order_whatever_the_order_before(drawn):
    frame = frame_of(drawn)

    found = one_per_instant(frame)

    assert found[["observed_at", "pair", "source"]].apply(tuple, axis=1).is_monotonic_increasing
    assert found.index.equals(pd.RangeIndex(len(found)))
    pd.testing.assert_frame_equal(one_per_instant(frame.iloc[::-1]), found)


def test_frame_needs_no_columns_of_changes():
    frame = frame_of([shown("KZT/USD", text, time_basis=TimeBasis.DATE) for text in ("0.1", "0.3")])

    found = one_per_instant(frame.drop(columns=["change_text", "change_pct"]))

    assert found["rate"].tolist() == [0.2]


def test_change_of_a_hull_of_several_changes_is_missing():
    frame = frame_of(
        [shown("KZT/USD", "0.1", time_basis=TimeBasis.DATE), shown("KZT/USD", "0.1", time_basis=TimeBasis.DATE)]
    )
    frame["change_text"] = pd.Categorical(["0.1%", "0.2%"])
    frame["change_pct"] = [0.1, 0.2]

    [row] = one_per_instant(frame).itertuples()

    assert row.rate_text == "0.1"
    assert pd.isna(row.change_text)
    assert pd.isna(row.change_pct)


def test_band_is_that_of_the_text_and_of_the_units_it_is_for():
    frame = frame_of([shown("KZT/USD", "0.1"), shown("KZT/USD", "0.1", nominal=100), shown("KZT/USD", "0.10")])

    found = with_bands(frame)

    assert found["rate_lo"].tolist() == [0.05, 0.0005, 0.095]
    assert found["rate_hi"].tolist() == [0.15, 0.0015, 0.105]


def test_hull_has_no_band_of_a_text():
    frame = one_per_instant(frame_of([shown("KZT/USD", text, time_basis=TimeBasis.DATE) for text in ("0.1", "0.3")]))

    with pytest.raises(InvalidNumber):
        with_bands(frame)


def test_bands_of_rows_are_exact():
    frame = frame_of([shown("KZT/USD", "0.1", nominal=3), shown("KZT/USD", "0.3", nominal=3)])

    assert bands_of(frame) == [rate_band("0.1", 3), rate_band("0.3", 3)]


# what nobody rounded


def _constant(rate_text, **changes):
    return shown("USD/TMT", rate_text, origin=Origin.CONSTANT, **{"time_basis": TimeBasis.DATE, **changes})


def test_constant_is_exact_beside_the_same_text_that_was_printed():
    frame = frame_of([_constant("3.5"), shown("USD/TMT", "3.5"), _constant("7", nominal=2), shown("USD/TMT", "7")])

    found = with_bands(frame)

    assert found["rate_lo"].tolist() == [3.5, 3.45, 3.5, 6.5]
    assert found["rate_hi"].tolist() == [3.5, 3.55, 3.5, 7.5]


def test_without_their_origin_rates_are_printed():
    frame = frame_of([_constant("3.5")]).drop(columns="origin")

    assert with_bands(frame)["rate_lo"].tolist() == [3.45]
    assert one_per_instant(frame)["rate_hi"].tolist() == [3.55]


@pytest.mark.parametrize("kind", ["category", "str", "object"])
def test_origin_may_be_of_any_type_of_text(kind):
    frame = frame_of([_constant("3.5"), shown("USD/TMT", "3.5")]).astype({"origin": kind})

    assert with_bands(frame)["rate_lo"].tolist() == [3.5, 3.45]


def test_hull_of_constants_spans_just_them():
    frame = frame_of([_constant("3.5"), _constant("2.85")])

    assert hull(bands_of(frame)) == Band(Fraction("2.85"), Fraction("3.5"))
    assert one_per_instant(frame)[["rate_lo", "rate_hi"]].to_numpy().tolist() == [[2.85, 3.5]]


def test_hull_holds_the_band_of_what_was_printed_beside_a_constant():
    frame = frame_of([_constant("3.5"), shown("USD/TMT", "3.5", time_basis=TimeBasis.DATE)])

    assert one_per_instant(frame)[["rate_lo", "rate_hi"]].to_numpy().tolist() == [[3.45, 3.55]]
