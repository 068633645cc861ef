"""Texts of a report: instants, numbers and lists as sentences and cells have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from fxticker.model.durations import age_text
from fxticker.model.formatting import Written
from fxticker.model.timestamps import iso_text, minute_text

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Names of the days of the week, whatever the locale."""
_MINUS = re.compile(r"-(?=[\d.])")
_THOUSANDS = re.compile(r"(?<![\d.])\d{4,}")
_HOUR = timedelta(hours=1)
NONE = "\u2013"
"""What a cell without a value holds."""


def number(text: str) -> str:
    """Return a number with a minus sign in place of a hyphen, and commas between thousands."""
    return _THOUSANDS.sub(lambda found: f"{int(found[0]):,}", _MINUS.sub("\u2212", text))


def between(written: Written, unit: str = "") -> str:
    """Return both ends of a band: ``"0.5 to 1.6 %"``; of an exact number that alone."""
    return number(written.band) + unit


def when(at: pd.Timestamp, *, is_date: bool) -> str:
    """Return an instant in its zone, or the date of a rate of which only that is known."""
    return f"{at.tz_convert('UTC'):%Y-%m-%d}" if is_date else minute_text(at)


def day_name(day: date) -> str:
    """Return a day with its day of the week."""
    return f"{_WEEKDAYS[day.weekday()]} {day.isoformat()}"


def exact(at: datetime) -> str:
    """Return an instant as a command reads it."""
    return iso_text(at.astimezone(UTC))


def age(hours: float) -> str:
    """Return an age in its two largest units."""
    return age_text(hours * _HOUR)


def listed(names: Sequence[str]) -> str:
    """Return names as part of a sentence: ``"KGS, KZT and TJS"``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
