"""Bands of many values: a column of pixels shows all of them, and no more than its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import law

from fxticker.charts.steps import COLUMNS, Steps, bands_by_column, breaks_at, gap_starts


def steps_of(distances, values, cut):
    when = np.cumsum(np.array(distances, np.int64))
    value = np.array(values, np.float64)
    return Steps(when, value, value - 1, value + 1, when[[cut]] if cut < len(when) - 1 else when[:0])


@law(60)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), min_size=2, max_size=60), st.data())
def test_bands_by_column_hold_every_band_and_no_more_than_their_columns(drawn, data):
    times = data.draw(st.integers(1, 40))
    distances, values = zip(*(drawn * times), strict=True)
    steps = steps_of(distances, values, data.draw(st.integers(0, len(values) - 1)))
    found = bands_by_column(steps)
    assert (np.diff(found.when) >= 0).all()
    assert found.when[[0, -1]].tolist() == steps.when[[0, -1]].tolist()
    # what is drawn at each instant: the last band that began by then
    at = np.searchsorted(found.when, steps.when, side="right") - 1
    span = steps.when[-1] - steps.when[0]
    column = (steps.when - steps.when[0]) * COLUMNS // max(span, 1)
    assert (found.lo[at] <= steps.lo).all()
    assert (found.hi[at] >= steps.hi).all()
    for one, place in zip(column, at, strict=True):
        assert found.lo[place] >= steps.lo[column == one].min()
        assert found.hi[place] <= steps.hi[column == one].max()
    broken = steps.when[:-1][breaks_at(steps.when, steps.ends)]
    assert found.when[:-1][breaks_at(found.when, found.ends)].tolist() == broken.tolist()


HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("hours", "after"),
    [
        ([0, 720], [0]),  # two values a month apart: nothing is known between them
        ([0, 24], []),
        ([0, 1, 216], [1]),
        ([0, 215, 216], [0]),
        ([0, 24, 48, 72, 144], []),
        ([0, 24, 48, 72, 145], [3]),
    ],
)
def test_line_does_not_span_an_unusual_distance(hours, after):
    assert gap_starts(np.array(hours, np.int64) * HOUR).tolist() == after
