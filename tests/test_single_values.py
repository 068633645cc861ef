"""Several values of one date: what was printed is told apart from the middle of its hull, which nobody printed."""

import html
import re
from datetime import timedelta
from itertools import pairwise, permutations, product
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from builders import NOON
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from true_rates import frame_of, shown

import fxticker as fx
from fxticker.analysis.changes import changes
from fxticker.analysis.drift import drift, drift_series
from fxticker.analysis.drift_by_period import drift_by_period
from fxticker.analysis.quotes import quotes
from fxticker.analysis.resample import resample
from fxticker.cli import app
from fxticker.model.bands import rate_band
from fxticker.model.records import TimeBasis
from fxticker.model.verdicts import NONE, SEVERAL, WITHIN, verdict
from fxticker.report.facts import facts_of
from fxticker.report.page import page_of
from fxticker.report.period import period_of
from fxticker.report.printed_values import fewest_changes
from fxticker.store.store import Store

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
FIFTH, EIGHTH = pd.Timestamp("2025-12-05T00:00Z"), pd.Timestamp("2025-12-08T00:00Z")
WEEK = {
    FIFTH: ("0.10857", "0.10903"),
    FIFTH + 2 * DAY: ("0.10899",),
    EIGHTH: ("0.10899", "0.10901", "0.10904"),
    EIGHTH + DAY: ("0.10843", "0.10898"),
    EIGHTH + 2 * DAY: ("0.10811", "0.10820"),
}
"""TJS as pages of December 2025 print it, by their dates."""
TEXTS = st.lists(st.integers(100, 110).map(lambda steps: f"0.00{steps}"), min_size=1, max_size=4, unique=True)


def _dated(values, pair="TJS/USD"):
    """Ticks of which only the dates are known."""
    return [
        shown(pair, text, observed_at=at, time_basis=TimeBasis.DATE) for at, texts in values.items() for text in texts
    ]


def _verdicts(frame):
    return [verdict(row) for row in frame.to_dict("records")]


@pytest.fixture(scope="module")
def week():
    return frame_of(_dated(WEEK))


def test_change_that_any_order_of_the_values_proves_is_not_within_rounding(week):
    for per_usd in (False, True):
        found = drift(week, start="2025-12-05", end="2025-12-07", per_usd=per_usd)
        series = drift_series(week, end="2025-12-07", per_usd=per_usd)
        since = drift_series(week, start="2025-12-07", end="2025-12-07", base="2025-12-05", per_usd=per_usd)
        periods = drift_by_period(week, "day", end="2025-12-07", per_usd=per_usd)
        runs = changes(week, end="2025-12-07", per_usd=per_usd)

        assert _verdicts(found) == _verdicts(since) == [SEVERAL]
        assert _verdicts(series) == [NONE, SEVERAL]
        assert [_verdicts(frame)[-1] for frame in (periods, runs)] == [SEVERAL, SEVERAL]
        assert (found["values_start"][0], found["values_end"][0]) == (2, 1)
        assert list(runs["values"]) == [2, 1]


def test_change_that_no_order_of_the_values_proves_is_within_rounding():
    frame = frame_of(_dated({MIDNIGHT: ("0.00191", "0.00192"), MIDNIGHT + DAY: ("0.00192",)}, "KZT/USD"))

    found = drift(frame, start="2025-11-14", end="2025-11-15")

    assert _verdicts(found) == [WITHIN]


def test_same_values_at_both_ends_are_not_called_the_same_value():
    frame = frame_of(_dated({MIDNIGHT: ("0.00191", "0.00192"), MIDNIGHT + DAY: ("0.00192", "0.00191")}, "KZT/USD"))

    assert _verdicts(drift(frame, start="2025-11-14", end="2025-11-15")) == [SEVERAL]
    assert _verdicts(drift_series(frame))[1:] == [SEVERAL]


@given(first=TEXTS, second=TEXTS, per_usd=st.booleans())
@law(40)
def test_verdict_never_names_rounding_where_single_values_are_decided(first, second, per_usd):
    frame = frame_of(_dated({MIDNIGHT: first, MIDNIGHT + DAY: second}, "KZT/USD"))
    bands = [(rate_band(before), rate_band(after)) for before, after in product(first, second)]
    decided = [before.hi < after.lo or after.hi < before.lo for before, after in bands]

    [looked_up] = _verdicts(drift(frame, start="2025-11-14", end="2025-11-15", per_usd=per_usd))
    in_series = _verdicts(drift_series(frame, per_usd=per_usd))[1]

    assert looked_up == in_series
    if any(decided):
        assert looked_up not in (WITHIN, NONE)
    elif looked_up == SEVERAL:  # nothing is decided, and the middles are alike
        assert max(len(first), len(second)) > 1


def test_peg_that_hops_between_known_levels_on_one_date_is_no_move():
    texts = [("0.28490",), ("0.28571",), ("0.28490",), ("0.28571", "0.28615"), ("0.28490",), ("0.28571", "0.28615")]
    frame = frame_of(_dated({MIDNIGHT + n * DAY: each for n, each in enumerate(texts)}, "TMT/USD"))

    runs = drift_series(frame, base="2025-11-14")
    late, early = (drift(frame, start=f"2025-11-{day - 1}", end=f"2025-11-{day}") for day in (19, 17))

    assert list(runs["peg_hop"])[2:] == [False, False, False, True]
    assert list(changes(frame)["peg_hop"]) == [False, False, True, False, True, True]
    assert (late["peg_hop"][0], early["peg_hop"][0]) == (True, False)  # 0.28615 was not shown before


def test_high_and_low_of_a_period_are_printed_values(week):
    [row] = resample(week, "week", start="2025-12-08", end="2025-12-14").itertuples()
    [turned] = resample(week, "week", start="2025-12-08", end="2025-12-14", per_usd=True).itertuples()

    assert (row.high, row.high_lo, row.high_hi) == (0.10904, 0.109035, 0.109045)
    assert (row.low, row.low_lo, row.low_hi) == (0.10811, 0.108105, 0.108115)
    assert (row.open_values, row.close_values) == (3, 2)
    assert (turned.high, turned.low) == (pytest.approx(1 / 0.10811), pytest.approx(1 / 0.10904))


@given(days=st.lists(TEXTS, min_size=1, max_size=9), per_usd=st.booleans())
@law(40)
def test_high_and_low_are_the_extremes_of_what_was_printed(days, per_usd):
    frame = frame_of(_dated({MIDNIGHT + n * DAY: texts for n, texts in enumerate(days)}, "KZT/USD"))
    rates = frame.groupby(frame["observed_at"].dt.strftime("%G-%V"))["rate"]

    found = resample(frame, "week", per_usd=per_usd)

    turned = [1 / found[name] for name in ("low", "high")] if per_usd else [found["high"], found["low"]]
    assert list(turned[0]) == pytest.approx(list(rates.max()))
    assert list(turned[1]) == pytest.approx(list(rates.min()))
    for name in ("open", "high", "low", "close"):
        assert (found[f"{name}_lo"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_hi"]).all()


def test_extremes_of_a_cross_rate_are_those_that_one_page_could_show(week):
    legs = frame_of([*_dated(WEEK), *_dated({FIFTH: ("0.00197",), EIGHTH: ("0.00197", "0.00198")}, "KZT/USD")])

    days = resample(legs, "day", pairs=["TJS/KZT"])
    alone, both = days[days["count"] > 0].itertuples()

    assert (alone.high, alone.low) == (pytest.approx(0.10903 / 0.00197), pytest.approx(0.10857 / 0.00197))
    assert (alone.close_values, both.close_values) == (2, 6)
    assert both.high == both.low == both.close


def test_quotes_have_the_number_of_values_of_each_rate(week):
    assert list(quotes(week)["values"]) == list(quotes(week, pairs=["USD/TJS"])["values"]) == [2, 1, 3, 2, 2]


def test_tables_show_no_middle_of_several_values(tmp_path):
    folder = tmp_path / "parquet"
    Store(folder).append(_dated(WEEK))
    names = ("drift --start 2025-12-05 --end 2025-12-07", "quotes --end 2025-12-08", "changes", "resample --every week")

    shown_tables = [CliRunner().invoke(app, [*name.split(), "--store", str(folder)]).stdout for name in names]

    assert "0.10856 to 0.10904  0.10899" in shown_tables[0]
    for table in shown_tables:
        assert "0.10880" not in table
        assert "0.109015" not in table
    assert all("3 values" in table for table in shown_tables[1:])


def test_price_lines_say_which_prices_are_middles(tmp_path):
    folder = tmp_path / "parquet"
    Store(folder).append(_dated(WEEK))

    lines = CliRunner().invoke(app, ["export", "-", "--format", "ledger", "--store", str(folder)]).stdout.splitlines()

    middle = lines.index("P 2025-12-08 TJS 0.109015 USD")
    assert lines[middle - 1] == "; 2025-12-08 TJS/USD: the middle of 3 printed values, whose order is not known"
    assert lines[middle - 2] == "P 2025-12-07 TJS 0.10899 USD"


def test_charts_name_the_values_and_not_rounding(week):
    ends = {"start": "2025-12-05", "end": "2025-12-07"}
    subject = "Several values of one date leave the change of the somoni against the dollar"

    titles = [plot(week, **ends).get_suptitle() for plot in (fx.plot_drift, fx.plot_path, fx.plot_history)]

    assert [title.replace("\n", " ") for title in titles] == [
        f"{subject}{between} open, 2025-12-05 to 2025-12-07" for between in ("", *2 * [" from first to last value"])
    ]
    assert not [note for note in fx.plot_drift(week, **ends).axes[0].texts if "0.17" in note.get_text()]
    by_day = fx.plot_heatmap(week, freq="day", start="2025-12-07", end="2025-12-08")
    for figure in (fx.plot_drift(week, **ends), by_day):
        assert "the order of several values of one date, which is not known, decides it." in _caption(figure)
    assert by_day.get_suptitle() == "No change from one day to the next is proven, 2025-12-07 to 2025-12-08"


def _caption(figure):
    return figure.get_supxlabel().replace("\n", " ")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tashkent"])
def test_report_states_only_values_that_were_printed(tmp_path, zone):
    store = Store(tmp_path / "parquet")
    store.append(_dated({FIFTH - 6 * DAY: ("0.10810", "0.10820"), **WEEK}))

    facts = facts_of(store, period_of("2025-12", NOON + 300 * DAY, ZoneInfo(zone)))
    text = " ".join(html.unescape(re.sub("<[^>]*>", " ", page_of(facts, {}))).split())

    for invented in ("0.10815", "0.10880", "0.109015", "0.108705", "0.108155", "0.425 %", "2025-12-08 00:00"):
        assert invented not in text
    assert "TJS/USD somoni 0.10811 and 0.10820 0.10810 to 0.10821 9.2417 to 9.2503 0.00925 % 2025-12-10" in text
    assert "0.10811 2025-12-10 0.10904 2025-12-08 0.10899 2025-12-07" in text
    assert "0.10810 and 0.10820 of 2025-11-29 and 0.10811 and 0.10820 of 2025-12-10" in text
    assert "how the somoni moved from 2025-11-29 to 2025-12-10 depends on that order" in text
    assert "TJS/USD 2025-12-09 2025-12-10 0.10843 and 0.10898 0.10811 and 0.10820 \N{EN DASH}" in text
    assert "Mon 2025-12-08 1 0.10899 to 0.10904" in text
    assert "TJS/USD at least 8 times." in text


@given(dates=st.lists(st.sets(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=4))
@law(40)
def test_fewest_changes_are_those_of_the_best_order(dates):
    orders = product(*(list(permutations(sorted(values))) for values in dates))

    sequences = ([value for order in each for value in order] for each in orders)

    assert fewest_changes(map(list, dates)) == min(
        sum(before != after for before, after in pairwise(sequence)) for sequence in sequences
    )
