from datetime import timedelta

import pandas as pd
import pytest
from builders import NOON

import fxticker as fx
from fxticker.analysis.coverage import coverage
from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "parquet")


def _polls(*outcomes):
    return [Poll("timesca", NOON + QUARTER * n, outcome) for n, outcome in enumerate(outcomes) if outcome]


def test_run_of_failed_polls_is_one_gap_with_its_reasons(store):
    store.record(_polls(Outcome.OK, Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.MISSED, Outcome.OK))
    [gap] = fx.gaps(store).itertuples()
    assert gap.start_at == pd.Timestamp("2025-11-14T12:15Z")
    assert gap.end_at == pd.Timestamp("2025-11-14T13:00Z")
    assert gap.slots == 3
    assert gap.why == "timeout x 2, missed x 1"


def test_gap_that_still_lasts_has_no_end(store):
    store.record(_polls(Outcome.OK, Outcome.OK, Outcome.NO_TICKER))
    [gap] = fx.gaps(store).itertuples()
    assert pd.isna(gap.end_at)


def test_stretch_without_any_record_is_named(store):
    store.record(_polls(Outcome.OK, Outcome.OK, Outcome.OK, None, None, None, Outcome.OK, Outcome.OK))
    [gap] = fx.gaps(store).itertuples()
    assert gap.start_at == pd.Timestamp("2025-11-14T12:30Z")
    assert gap.why == "nothing is on record"


def test_sound_polls_have_no_gaps(store):
    store.record(_polls(Outcome.OK, Outcome.OK, Outcome.OK))
    assert fx.gaps(store).empty


def test_store_without_polls_gives_an_empty_frame(store, tmp_path):
    (tmp_path / "parquet").mkdir()
    assert list(fx.gaps(store).columns) == ["source", "start_at", "end_at", "slots", "why"]


def test_silence_up_to_a_given_end_is_a_stretch(store):
    store.record(_polls(Outcome.OK, Outcome.OK, Outcome.OK))
    [gap] = fx.gaps(store, end="2025-11-15").itertuples()
    assert gap.start_at == pd.Timestamp("2025-11-14T12:30Z")
    assert gap.why == "nothing is on record"


def test_a_stretch_of_only_missed_slots_says_so(store):
    store.record(_polls(Outcome.MISSED, Outcome.MISSED, Outcome.MISSED))
    [gap] = fx.gaps(store).itertuples()
    assert (gap.start_at, gap.slots, gap.why) == (pd.Timestamp("2025-11-14T12:00Z"), 3, "missed x 3")
    assert pd.isna(gap.end_at)


def test_silence_after_a_failed_poll_is_a_stretch_of_its_own(store):
    store.record(_polls(Outcome.OK, Outcome.OK, Outcome.TIMEOUT))
    failed, silent = fx.gaps(store, end="2025-12-14").itertuples()
    assert (failed.slots, failed.why) == (1, "timeout x 1")
    assert (silent.start_at, silent.why) == (pd.Timestamp("2025-11-14T12:30Z"), "nothing is on record")


def test_a_span_of_nothing_but_silence_is_a_stretch(store):
    store.record(_polls(Outcome.OK, Outcome.OK, Outcome.OK))
    [gap] = fx.gaps(store, start="2025-11-20", end="2025-11-21").itertuples()
    assert (gap.start_at, gap.why) == (pd.Timestamp("2025-11-14T12:30Z"), "nothing is on record")
    assert pd.isna(gap.end_at)


def test_silence_that_reaches_into_a_span_is_a_stretch(store):
    store.record(_polls(Outcome.OK, Outcome.OK, *[None] * 9, Outcome.OK, Outcome.OK))
    [gap] = fx.gaps(store, start="2025-11-14T14:00Z").itertuples()
    assert (gap.start_at, gap.end_at) == (pd.Timestamp("2025-11-14T12:15Z"), pd.Timestamp("2025-11-14T14:45Z"))


def test_a_span_after_sound_polls_has_no_gap_at_its_start(store):
    store.record(_polls(Outcome.OK, Outcome.TIMEOUT, Outcome.OK, Outcome.OK))
    assert fx.gaps(store, start="2025-11-14T12:30Z").empty


def test_one_poll_of_long_ago_is_followed_by_silence(store):
    store.record(_polls(Outcome.OK))
    assert fx.gaps(store, end=NOON + DAY).empty
    assert list(fx.gaps(store, end=NOON + 2 * DAY)["why"]) == ["nothing is on record"]


def test_coverage_of_a_day_is_the_share_of_sound_polls(store):
    store.record(_polls(Outcome.OK, Outcome.TIMEOUT, Outcome.OK, Outcome.OK))
    [day] = coverage(store).itertuples()
    assert (day.source, day.start_at) == ("timesca", pd.Timestamp("2025-11-14T00:00Z"))
    assert (day.slots, day.ok, day.coverage, day.outcome) == (4, 3, 0.75, "timeout")


def test_most_frequent_outcome_other_than_ok_is_named(store):
    store.record(_polls(Outcome.OK, Outcome.OK, Outcome.OK, Outcome.TIMEOUT, Outcome.MISSED, Outcome.MISSED))
    assert list(coverage(store)["outcome"]) == ["missed"]


def test_of_equally_frequent_outcomes_the_first_by_name_is_named(store):
    store.record(_polls(Outcome.TIMEOUT, Outcome.BLOCKED, Outcome.OK, Outcome.TIMEOUT, Outcome.BLOCKED))
    assert list(coverage(store)["outcome"]) == ["blocked"]


def test_sound_polls_have_no_other_outcome(store):
    store.record(_polls(Outcome.OK, Outcome.OK))
    assert list(coverage(store)["outcome"].isna()) == [True]


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
    assert coverage(store).dtypes.astype(str).to_dict() == {
        "source": "str",
        "start_at": "datetime64[us, UTC]",
        "slots": "int64",
        "ok": "int64",
        "coverage": "float64",
        "outcome": "str",
    }


def test_coverage_by_no_known_period_is_refused(store):
    with pytest.raises(ValueError, match="hour, day, week, month, not 'year'"):
        coverage(store, "year")
