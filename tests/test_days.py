"""Dates, periods and instants, resolved by a present and a zone that the test states."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from builders import cases
from hypothesis import given
from hypothesis import strategies as st

from fxticker.model.days import closing, end_of, extent_of, lookup, start_of

NOW = datetime(2025, 11, 14, 20, 30, tzinfo=UTC)
TASHKENT = ZoneInfo("Asia/Tashkent")
MICROSECOND = timedelta(microseconds=1)
DAYS = st.dates(date(2000, 1, 1), date(2025, 11, 13))


@pytest.mark.parametrize(("text", "zone", "begin", "end"), cases("days")["extents"])
def test_text_covers_its_days_or_its_instant(text, zone, begin, end):
    extent = extent_of(text, NOW, ZoneInfo(zone))
    assert [f"{edge:%Y-%m-%dT%H:%M}" for edge in (extent.begin, extent.end)] == [begin, end]


@pytest.mark.parametrize("text", cases("days")["invalid"])
def test_text_that_is_none_of_these_is_refused(text):
    with pytest.raises(ValueError, match=r"no date or instant|no month such as|outside the years"):
        extent_of(text, NOW)


def test_any_datetime_is_an_instant_and_any_date_a_day():
    midnight = datetime(2025, 11, 13, tzinfo=UTC)
    for instant in (midnight, pd.Timestamp(midnight), midnight.astimezone(TASHKENT)):
        assert (extent_of(instant, NOW).begin, extent_of(instant, NOW).end) == (midnight, midnight)
    day = extent_of(date(2025, 11, 13), NOW)
    assert (day.begin, day.end) == (midnight, midnight + timedelta(days=1))


def test_instant_without_a_zone_is_of_the_zone_that_was_asked_for():
    assert extent_of(datetime(2025, 11, 14, 5), NOW, TASHKENT).begin == datetime(2025, 11, 14, tzinfo=UTC)  # noqa: DTZ001


def test_period_is_cut_at_the_present_and_none_begins_after_it():
    assert end_of("2025-11", NOW) == end_of("today", NOW) == end_of("2030-01-01", NOW) == NOW
    assert start_of("2025-11", NOW) == datetime(2025, 11, 1, tzinfo=UTC)
    for later in ("2025-11-15", "2025-12", "2025-11-14T20:31Z"):
        for ask in (start_of, lookup):
            with pytest.raises(ValueError, match=r"is later than now, 2025-11-14 20:30 UTC$"):
                ask(later, NOW)
    assert closing("2030-01-01", NOW) == lookup("today", NOW)


def test_lookup_of_a_day_that_is_not_over_has_its_date_only_ticks():
    today = lookup("2025-11-14", NOW)
    assert (today.upto, today.dated_upto) == (NOW, datetime(2025, 11, 14, 23, 59, 59, 999999, tzinfo=UTC))
    assert lookup("now", NOW).dated_upto == NOW
    local = lookup("2025-11-13", NOW, TASHKENT)  # a printed date is the same day wherever the day is asked for
    assert local.upto == datetime(2025, 11, 13, 18, 59, 59, 999999, tzinfo=UTC)
    assert local.dated_upto == datetime(2025, 11, 13, 23, 59, 59, 999999, tzinfo=UTC)


@given(DAYS, DAYS, st.sampled_from(["UTC", "Asia/Tashkent", "America/New_York", "Pacific/Apia"]))
def test_days_of_a_zone_follow_each_other_without_gap_or_overlap(first, second, name):
    zone = ZoneInfo(name)
    extent, following = (extent_of(day, NOW, zone) for day in (first, first + timedelta(days=1)))
    assert extent.end == following.begin
    assert extent.begin < extent.end or (name, first) == ("Pacific/Apia", date(2011, 12, 30))  # a day it skipped
    assert (first <= second) == (extent.begin <= extent_of(second, NOW, zone).begin) or name == "Pacific/Apia"
    month = extent_of(f"{first:%Y-%m}", NOW, zone)
    assert month.begin <= extent.begin <= extent.end <= month.end


@given(DAYS)
def test_resolved_instants_resolve_to_themselves(day):
    begin, end = start_of(day, NOW), end_of(day, NOW)
    assert (start_of(begin, NOW), end_of(end, NOW)) == (begin, end)
    assert lookup(lookup(day, NOW).upto, NOW).upto == lookup(day, NOW).upto == end - MICROSECOND
