from datetime import timedelta

import pandas as pd
import pytest
from builders import NOON

import fxticker as fx
from fxticker.models import Outcome, Poll
from fxticker.store import Store

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
