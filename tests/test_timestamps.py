from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest

from fxticker.model.timestamps import exact_text, instant, is_date, last_instant, lookup_text, minute_text


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-11-14", datetime(2025, 11, 14, tzinfo=UTC)),
        ("2025-11-14T12:00Z", datetime(2025, 11, 14, 12, tzinfo=UTC)),
        ("2025-11-14 12:00", datetime(2025, 11, 14, 12, tzinfo=UTC)),
        ("2025-11-14T12:00+05:00", datetime(2025, 11, 14, 7, tzinfo=UTC)),
        (date(2025, 11, 14), datetime(2025, 11, 14, tzinfo=UTC)),
        (datetime(2025, 11, 14, 12), datetime(2025, 11, 14, 12, tzinfo=UTC)),  # noqa: DTZ001  naive is UTC
        (
            datetime(2025, 11, 14, 12, tzinfo=timezone(timedelta(hours=5))),
            datetime(2025, 11, 14, 7, tzinfo=UTC),
        ),
        (pd.Timestamp("2025-11-14T12:00:00.000001Z"), datetime(2025, 11, 14, 12, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_moment_is_an_aware_utc_instant(moment, expected):
    result = instant(moment)
    assert result == expected
    assert result.tzinfo is UTC
    assert type(result) is datetime


@pytest.mark.parametrize(
    "text", ["20251114", "2025-W46-5", "yesterday", "", "2025-11-31", "2025-11-14T25:00", "2025-11"]
)
def test_text_that_is_no_full_date_or_instant_is_refused(text):
    with pytest.raises(ValueError, match="no date or instant"):
        instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+05:00", "9999-12-31T23:59-05:00"])
def test_instant_outside_the_calendar_is_refused(text):
    with pytest.raises(ValueError, match="outside the years"):
        instant(text)


def test_last_instant_of_a_date_is_its_last_microsecond():
    assert last_instant("9999-12-31") == datetime.max.replace(tzinfo=UTC)
    assert last_instant("2025-11-14T12:00Z") == datetime(2025, 11, 14, 12, tzinfo=UTC)


def test_timestamp_at_midnight_is_not_a_date():
    assert is_date("2025-11-14")
    assert is_date(date(2025, 11, 14))
    assert not is_date(pd.Timestamp("2025-11-14"))


@pytest.mark.parametrize(
    ("instant_text", "minute", "exact"),
    [
        ("2025-11-14T12:00:00", "2025-11-14 12:00", "2025-11-14 12:00"),
        ("2025-11-14T12:00:00.005", "2025-11-14 12:01", "2025-11-14 12:00:00.005"),
        ("2025-11-14T12:59:30", "2025-11-14 13:00", "2025-11-14 12:59:30"),
        ("2025-11-14T23:59:30", "2025-11-14 23:59:30", "2025-11-14 23:59:30"),
        ("2025-11-14T23:59:59.999999", "2025-11-14 23:59", "2025-11-14 23:59:59.999999"),
    ],
)
def test_shown_minute_is_no_earlier_than_the_instant_and_of_its_day(instant_text, minute, exact):
    moment = datetime.fromisoformat(f"{instant_text}+00:00")
    assert (minute_text(moment), exact_text(moment)) == (minute, exact)


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("12:00:00", "12:00"),
        ("16:36:50", "16:36:50"),
        ("16:36:59.9", "16:36:59"),
        ("12:00:00.7", "12:00"),
        ("23:59:59.999999", "23:59"),
    ],
)
def test_instant_of_a_look_up_is_not_rounded_up(time, shown):
    assert lookup_text(datetime.fromisoformat(f"2025-11-14T{time}+00:00")) == f"2025-11-14 {shown}"
