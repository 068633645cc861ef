from datetime import UTC, timedelta
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from builders import NOON, FixedClock, cases
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.analysis.coverage import coverage
from fxticker.analysis.resample import resample
from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store

CASES = cases("coverage")
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


def _polls(*outcomes):
    return [Poll("timesca", NOON + QUARTER * n, Outcome(outcome)) for n, outcome in enumerate(outcomes) if outcome]


@pytest.mark.parametrize("case", CASES["gaps"].values(), ids=CASES["gaps"])
def test_gaps_are_runs_of_failed_polls_and_periods_without_records(store, case):
    store.record(_polls(*case["polls"]))
    gaps = fx.gaps(store, **{"end": NOON + QUARTER * len(case["polls"]), **case.get("span", {})})
    found = gaps.drop(columns="source").astype("str").fillna("").to_numpy().tolist()
    assert found == case["gaps"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(3, 4, id="begins before and ends after"),
        pytest.param(0, 3, id="ends after"),
        pytest.param(4, 9, id="begins before"),
    ],
)
def test_gap_that_reaches_into_the_span_is_given_whole(store, start, end):
    store.record(_polls("ok", "ok", "timeout", "timeout", "missed", "ok", "ok"))
    [gap] = fx.gaps(store, start=NOON + QUARTER * start, end=NOON + QUARTER * end).itertuples()
    assert (gap.start_at, gap.end_at) == (NOON + 2 * QUARTER, NOON + 5 * QUARTER)
    assert (gap.slots, gap.why) == (3, "timeout x 2, missed x 1")


@pytest.mark.parametrize(("end", "as_of"), [(5, None), (3, 5)])
def test_gap_without_a_later_successful_poll_is_open(store, end, as_of):
    clock = FixedClock(NOON + 3 * QUARTER)
    Store(store.backend, clock=clock).record(_polls("ok", "ok", "timeout"))
    if as_of is not None:
        clock.at = NOON + 9 * QUARTER
        Store(store.backend, clock=clock).record(_polls("", "", "", "ok"))
    as_of = None if as_of is None else NOON + as_of * QUARTER
    [gap] = fx.gaps(store, end=NOON + end * QUARTER, as_of=as_of).itertuples()
    assert (gap.start_at, pd.isna(gap.end_at)) == (NOON + 2 * QUARTER, True)


@given(st.text("of-", min_size=6, max_size=30).filter(lambda text: text.strip("-")), st.data())
@law(60)
def test_gaps_of_a_span_are_those_of_the_record_that_reach_into_it(outcomes, data):
    start = data.draw(st.integers(0, len(outcomes) - 1))
    end = data.draw(st.integers(start + 1, len(outcomes)))
    with TemporaryDirectory() as folder:
        store = Store(folder)
        store.record(_polls(*({"o": "ok", "f": "timeout", "-": ""}[each] for each in outcomes)))
        start, end = NOON + QUARTER * start, NOON + QUARTER * end
        whole = fx.gaps(store, end=NOON + QUARTER * len(outcomes))
        found = fx.gaps(store, start=start, end=end)
    is_in = (whole["start_at"] < end) & (whole["end_at"].isna() | (whole["end_at"] > start))
    found, whole = (
        gaps[gaps["end_at"].notna() | (gaps["slots"] > 0)] for gaps in (found, whole[is_in])
    )  # not to `end`
    pd.testing.assert_frame_equal(found.reset_index(drop=True), whole.reset_index(drop=True))


def test_gaps_last_until_now(store):
    store.record(_polls("ok", "ok"))
    for end in ({}, {"end": "today"}, {"end": "2100-01-01"}):
        [gap] = fx.gaps(store, **end).itertuples()
        assert (gap.start_at, gap.slots, gap.why) == (NOON + QUARTER, 0, "nothing is on record")


def test_store_without_polls_gives_an_empty_frame(store, tmp_path):
    (tmp_path / "parquet").mkdir()
    assert list(fx.gaps(store).columns) == ["source", "start_at", "end_at", "slots", "why"]


def test_coverage_of_a_day_is_the_share_of_sound_polls(store):
    store.record(_polls(Outcome.OK, Outcome.TIMEOUT, Outcome.OK, Outcome.OK))
    [day] = coverage(store).itertuples()
    assert (day.source, day.start_at) == ("timesca", pd.Timestamp("2025-11-14T00:00Z"))
    assert (day.slots, day.ok, day.coverage, day.outcome) == (4, 3, 0.75, "timeout")


@pytest.mark.parametrize(
    ("polls", "outcome"),
    [
        pytest.param("ok ok ok timeout missed missed", "missed", id="the most frequent"),
        pytest.param("timeout blocked ok timeout blocked", "blocked", id="the first by name"),
        pytest.param("ok ok", "", id="none"),
    ],
)
def test_most_frequent_outcome_other_than_ok_is_named(store, polls, outcome):
    store.record(_polls(*polls.split()))
    assert list(coverage(store)["outcome"].fillna("")) == [outcome]


def test_period_without_any_record_is_there_and_not_filled(store):
    store.record([Poll("timesca", NOON, Outcome.OK), Poll("timesca", NOON + 2 * DAY, Outcome.MISSED)])
    found = coverage(store)
    assert list(found["start_at"].dt.day) == [14, 15, 16]
    assert list(found["slots"]) == [1, 0, 1]
    assert list(found["coverage"].fillna(-1)) == [1.0, -1.0, 0.0]


@pytest.mark.parametrize(
    ("freq", "start_at", "slots"),
    [
        ("hour", "2025-11-14T12:00Z", [4, 1]),
        ("day", "2025-11-14T00:00Z", [5]),
        ("week", "2025-11-10T00:00Z", [5]),
        ("month", "2025-11-01T00:00Z", [5]),
    ],
)
def test_coverage_is_counted_by_the_period_asked_for(store, freq, start_at, slots):
    store.record(_polls(*[Outcome.OK] * 5))
    found = coverage(store, freq)
    assert found["start_at"].iloc[0] == pd.Timestamp(start_at)
    assert list(found["slots"]) == slots


def test_sources_are_covered_each_by_itself(store):
    store.record(_polls(Outcome.OK, Outcome.OK))
    store.record([Poll("other", NOON - DAY, Outcome.ERROR)])
    found = coverage(store)
    assert list(zip(found["source"], found["start_at"].dt.day, found["coverage"], strict=True)) == [
        ("other", 13, 0.0),
        ("timesca", 14, 1.0),
    ]
    assert list(coverage(store, sources="other")["ok"]) == [0]


def test_frame_of_polls_is_as_good_as_a_store(store):
    store.record(_polls(Outcome.OK, Outcome.TIMEOUT, Outcome.OK, Outcome.OK))
    store.record([Poll("other", NOON, Outcome.ERROR)])
    span = {"sources": ["timesca"], "start": "2025-11-14T12:15Z", "end": "2025-11-14T12:45Z"}
    found = coverage(fx.load_polls(store), **span)
    pd.testing.assert_frame_equal(found, coverage(store, **span))
    assert list(found["slots"]) == [2]


def test_coverage_of_no_polls_is_an_empty_frame_of_the_same_columns(store, tmp_path):
    (tmp_path / "parquet").mkdir()
    assert coverage(store).dtypes.astype(str).to_dict() == CASES["columns"]


def test_coverage_by_no_known_period_is_refused(store):
    with pytest.raises(ValueError, match="hour, day, week, month, not 'year'"):
        coverage(store, "year")


def _every(step, begin, end, *, but=()):
    return [Poll("timesca", slot, Outcome.OK) for slot in pd.date_range(begin, end, freq=step) if slot.day not in but]


@pytest.mark.parametrize(
    ("span", "whole"),
    [
        pytest.param({}, [False, True, True, False], id="the record begins and ends within a day"),
        pytest.param({"start": "2025-11-14T12:00Z"}, [False, True, True, False], id="an instant cuts a day"),
        pytest.param({"start": "2025-11-15", "end": "2025-11-16"}, [True, True], id="days are whole"),
        pytest.param({"end": "2025-11-15T23:00Z"}, [False, False], id="an instant at the end cuts a day"),
    ],
)
def test_day_is_whole_if_span_and_record_reach_over_it(store, span, whole):
    store.record(_every("6h", "2025-11-14T06:00Z", "2025-11-17T06:00Z"))
    found = coverage(store, **span)
    assert list(found["whole"]) == whole
    assert set(found["coverage"]) == {1}


@pytest.mark.parametrize(("step", "whole"), [("1D", True), ("2D", True), ("3D", False)])
def test_week_of_polls_many_days_apart_is_not_whole(store, step, whole):
    store.record(_every(step, "2025-11-03T00:00Z", "2025-12-28T00:00Z"))
    found = coverage(store, "week", start="2025-11-03", end="2025-12-21")
    assert set(found["whole"]) == {whole}


def test_period_with_a_hole_of_the_record_is_not_whole(store):
    store.record(_every("1h", "2025-11-03T00:00Z", "2025-11-30T00:00Z", but=(18, 19)))
    found = coverage(store, "week", end="2025-11-23")
    assert list(found["whole"]) == [True, True, False]
    assert list(coverage(store, "day", start="2025-11-17", end="2025-11-20")["whole"]) == [True, False, False, True]


def test_period_without_a_poll_is_not_whole_where_polls_are_usual_in_one(store):
    rare = [Poll("timesca", slot, Outcome.OK) for slot in pd.date_range("2025-12-04", periods=5, freq="12D", tz="UTC")]
    store.record([*_every("1h", "2025-11-03T00:00Z", "2025-11-16T23:00Z"), *rare])
    weeks = coverage(store, "week", end="2026-01-25")
    assert list(weeks["slots"][:5]) == [168, 168, 0, 0, 1]
    assert list(weeks["whole"][:4]) == [True, True, False, False]


def test_period_without_a_poll_is_never_whole(store):
    store.record(_every("12h", "2025-11-03T00:00Z", "2025-11-16T12:00Z"))
    hours = coverage(store, "hour", start="2025-11-05", end="2025-11-05")
    assert list(hours["whole"]) == list(hours["slots"] > 0)
    assert coverage(store, "day", start="2025-11-05", end="2025-11-05")["whole"].all()


def test_poll_a_day_is_no_record_of_a_day_after_which_nothing_follows(store):
    store.record(_every("1D", "2025-11-03T00:00Z", "2025-11-06T00:00Z"))
    assert list(coverage(store, "day", end="2025-11-08")["whole"]) == [True, True, True, False]


def test_hole_is_judged_by_the_quicker_polls_beside_it(store):
    store.record(
        [
            *_every("2h", "2025-12-08T00:00Z", "2025-12-12T16:00Z"),
            *_every("12h", "2025-12-14T00:00Z", "2025-12-29T00:00Z"),
        ]
    )
    weeks = coverage(store, "week", start="2025-12-08", end="2025-12-28")
    assert list(weeks["whole"]) == [False, True, True]


def test_change_of_the_schedule_leaves_periods_whole(store):
    store.record(
        [
            *_every("1h", "2025-11-01T00:00Z", "2025-11-08T00:00Z"),
            *_every("6h", "2025-11-08T06:00Z", "2025-11-16T00:00Z"),
        ]
    )
    assert list(coverage(store, "week", start="2025-11-03", end="2025-11-09")["whole"]) == [True]
    assert coverage(store, "day", start="2025-11-01", end="2025-11-15")["whole"].all()


def test_first_day_of_the_record_is_whole_in_the_zone_in_which_it_is(store):
    store.record(_every("1h", "2025-11-13T19:00Z", "2025-11-15T19:00Z"))  # midnights of Tashkent
    assert list(coverage(store, tz="Asia/Tashkent", end="2025-11-15")["whole"]) == [True, True]
    assert list(coverage(store, end="2025-11-14")["whole"]) == [False, True]


def test_day_asked_for_alone_is_judged_by_the_polls_beside_it(store):
    store.record(_every("2h", "2025-11-14T05:00Z", "2025-11-16T01:00Z"))
    alone = [coverage(store, start=day, end=day)["whole"].item() for day in ("2025-11-14", "2025-11-15", "2025-11-16")]
    assert alone == [False, True, False] == list(coverage(store)["whole"])
    frame = fx.load_polls(store, tz="Asia/Tashkent")
    assert not coverage(frame, start="2025-11-14", end="2025-11-14")["whole"].item()


def test_coverage_as_of_a_time_before_its_span_is_empty(store):
    store.record(_polls(Outcome.OK))
    assert coverage(store, start="2026-06-01", as_of="2025-11-15").empty
    assert resample(store, "day", start="2026-06-01", as_of="2025-11-15").empty


_STEPS = st.sampled_from([timedelta(minutes=15), timedelta(hours=2), DAY, 3 * DAY, 8 * DAY, 40 * DAY])


@law(60)
@given(
    st.lists(st.tuples(_STEPS, st.integers(1, 4)), min_size=1, max_size=12), st.sampled_from(["day", "week"]), st.data()
)
def test_period_is_whole_in_each_span_that_holds_it_or_in_none(steps, freq, data):
    slots = [NOON.replace(year=2023)]
    for step, times in steps:
        slots += [slots[-1] + step * n for n in range(1, times + 1)]
    with TemporaryDirectory() as folder:
        store = Store(folder)
        store.record([Poll("timesca", slot, Outcome.OK) for slot in slots])
        everything = coverage(store, freq).set_index("start_at")["whole"]
        begin = data.draw(
            st.datetimes(slots[0].replace(tzinfo=None), slots[-1].replace(tzinfo=None), timezones=st.just(UTC))
        )
        span = {"start": begin, "end": begin + data.draw(st.integers(1, 20)) * DAY}
        found = coverage(store, freq, **span).set_index("start_at")["whole"]
    held = found[
        (found.index >= span["start"]) & (found.index + pd.Timedelta(days=7 if freq == "week" else 1) <= span["end"])
    ]
    pd.testing.assert_series_equal(held, everything.reindex(held.index))
    assert not found.drop(held.index).any()


def test_hole_does_not_make_the_next_one_usual(store):
    quick = pd.date_range("2025-11-03", periods=3, freq="8h", tz="UTC")
    holes = [quick[-1] + DAY * days for days in (2, 4, 6, 8)]
    store.record([Poll("timesca", slot, Outcome.OK) for slot in [*quick, *holes]])
    found = fx.gaps(store, end=holes[-1])
    assert list(found["start_at"]) == [quick[-1], *holes[:-1]]
    assert not coverage(store, "day", start="2025-11-04", end="2025-11-09")["whole"].any()


def test_weekly_polls_have_a_gap_only_where_one_is_missing(store):
    mondays = [NOON + 7 * DAY * week for week in range(12) if week != 7]
    store.record([Poll("timesca", slot, Outcome.OK) for slot in mondays])
    found = fx.gaps(store, end=mondays[-1])
    assert [[*found["start_at"]], [*found["end_at"]]] == [[mondays[6]], [mondays[7]]]
