"""Titles of charts of changes: what the bands prove, in words; and what an axis of changes can resolve."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxticker.charts.heatmap_cells import cell_text
from fxticker.charts.moves import amount, moves_text
from fxticker.charts.resolved import reach_of

KZT = ("KZT/USD", -1.0, -1.04, -0.96, True, False, False)
KGS = ("KGS/USD", -0.4, -0.5, -0.3, True, False, False)
TJS = ("TJS/USD", 2.1, 2.09, 2.11, True, False, False)
UZS = ("UZS/USD", 0.0, -12.0, 14.0, False, False, False)
SUM = ("UZS/USD", 12.5, 0.0, 27.0, False, False, False)
TMT = ("TMT/USD", -0.44, -0.45, -0.43, True, True, False)
OPEN = ("TJS/USD", 0.17, -0.05, 0.4, False, False, True)
COLUMNS = ["pair", "drift_pct", "drift_lo_pct", "drift_hi_pct", "significant", "peg_hop", "several_values"]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([KZT], "The tenge lost 1.0 % against the dollar"),
        ([KZT, KGS, UZS], "The tenge lost 1.0 % against the dollar, the som 0.30 to 0.50 %"),
        ([KZT, TJS, TMT], "The somoni gained 2.1 % against the dollar; the tenge lost 1.0 %"),
        ([UZS], "The digits allow −12 to +14 % for the sum against the dollar: equal at both ends"),
        ([UZS, UZS], "2 of 2 rates are equal at both ends"),
        ([SUM], "Rounding could explain the change of the sum against the dollar"),
        (
            [UZS, SUM],
            "Rounding could explain the change of the sum against the dollar; 1 of 2 rates are equal at both ends",
        ),
        ([UZS, TMT], "The pegged manat came back to a level shown before; 1 of 2 rates are equal at both ends"),
        ([OPEN], "Several values of one date leave the change of the somoni against the dollar open"),
        (
            [OPEN, UZS, TMT],
            "Several values of one date and peg hops leave all 2 changes open; 1 of 3 rates are equal at both ends",
        ),
        ([OPEN, KZT], "The tenge lost 1.0 % against the dollar"),
        ([TMT], "The pegged manat came back to a level shown before"),
        ([TMT, TMT], "All 2 came back to a level shown before"),
        ([KZT, KZT, UZS], "2 of 3 rates moved by more than rounding"),  # of two sources
        ([("USD/KZT", 1.0, 0.96, 1.04, True, False, False)], "The dollar gained 1.0 % against the tenge"),
        (
            [("USD/KZT", 1.0, 0.96, 1.04, True, False, False), ("USD/TJS", -2.1, -2.11, -2.09, True, False, False)],
            "The dollar lost 2.1 % against the somoni; gained 1.0 % against the tenge",
        ),
        (
            [("TJS/RUB", 2.1, 2.09, 2.11, True, False, False), KZT],
            "The somoni gained 2.1 % against the rouble; the tenge lost 1.0 % against the dollar",
        ),
        (
            [("KZT/UZS", 30.0, 12.0, 44.0, True, False, False), ("USD/RUB", -2.1, -2.11, -2.09, True, False, False)],
            "The tenge gained 12 to 44 % against the sum; the dollar lost 2.1 % against the rouble",
        ),
        ([("KZT/UZS", 30.0, 12.0, 44.0, True, False, False)], "The tenge gained 12 to 44 % against the sum"),
        ([("TJS/USD", 10.52, 10.51, 10.53, True, False, False)], "The somoni gained 10.5 % against the dollar"),
        ([("TJS/USD", 10.9, 10.9, 11.1, True, False, False)], "The somoni gained 11 % against the dollar"),
        ([("EUR/USD", 0.2, 0.002, 3.1, True, False, False)], "EUR gained up to 3.1 % against the dollar"),
    ],
)
def test_title_states_what_is_proven(rows, text):
    assert moves_text(pd.DataFrame(rows, columns=COLUMNS).assign(source="timesca")) == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([UZS], "The digits allow −12 to +14 % for the sum against the dollar: equal at both ends"),
        ([UZS, UZS], "None of 2 printed rates changed from end to end"),
        ([SUM], "Rounding could explain the change of the sum against the dollar from end to end"),
        (
            [UZS, SUM],
            (
                "Rounding could explain the change of the sum against the dollar from end to end; "
                "1 of 2 rates did not change in print"
            ),
        ),
        ([KZT, UZS], "The tenge lost 1.0 % against the dollar"),
    ],
)
def test_title_of_lines_claims_nothing_of_the_values_between_their_ends(rows, text):
    assert moves_text(pd.DataFrame(rows, columns=COLUMNS).assign(source="timesca"), "from end to end") == text


bound = st.floats(1e-6, 1e4)


@given(bound, bound)
def test_stated_amount_contains_the_band_up_to_its_rounding(one, other):
    least, most = sorted((one, other))
    numbers = [float(text) for text in re.findall(r"[\d.]+", amount(least, most))]
    if len(numbers) == 2:
        assert numbers[0] <= least
        assert most <= numbers[1]
    elif amount(least, most).startswith("up to"):
        assert most <= numbers[0]
    else:
        assert numbers[0] == pytest.approx(least, rel=0.06)
        assert numbers[0] == pytest.approx(most, rel=0.06)


@given(st.one_of(st.floats(-1000, 1000), st.floats(-0.2, 0.2)), st.booleans())
def test_cell_is_near_its_change_and_no_proven_one_reads_as_none(percent, is_proven):
    text = cell_text(percent, is_proven)
    assert "-" not in text
    assert "e" not in text
    assert (text == "0") == (not is_proven and abs(percent) < 0.005)
    assert float(text.replace("−", "-")) == pytest.approx(percent, rel=0.34, abs=0.005 if not is_proven else 1e-4)


bands = st.lists(
    st.tuples(st.floats(-30, 30), st.floats(0, 30), st.floats(0, 30)).map(lambda of: (of[0] - of[1], of[0] + of[2])),
    min_size=1,
    max_size=8,
)


@given(bands)
def test_axis_holds_zero_one_percent_and_all_that_is_drawn(drawn):
    lo, hi = (np.array(ends) for ends in zip(*drawn, strict=True))
    is_proven = (lo > 0) | (hi < 0)
    reach = reach_of(lo, hi, hi - lo, is_proven)
    assert reach.is_drawn.any()
    assert reach.is_drawn[is_proven].all()
    assert reach.low <= min(-1, lo[reach.is_drawn].min())
    assert reach.high >= max(1, hi[reach.is_drawn].max())
    left_out = (hi - lo)[~reach.is_drawn]
    assert not len(left_out) or left_out.min() > 0.6 * (reach.high - reach.low)


def test_two_steps_of_the_tenge_are_drawn_and_two_of_the_sum_are_not():
    lo, hi = np.array([-0.5, -12.0]), np.array([0.6, 14.0])
    reach = reach_of(lo, hi, hi - lo, np.zeros(2, bool))
    assert reach.is_drawn.tolist() == [True, False]
    assert (reach.low, reach.high) == (-1.0, 1.0)
