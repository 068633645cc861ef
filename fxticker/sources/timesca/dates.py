"""Dates as news sites print them: reads the one right behind a ticker, and reports one that it cannot read.

==============================  =====================================================================================
form                            examples
==============================  =====================================================================================
day, month, year                ``25 October 2025``, ``25th of October, 2025``, ``25-Oct-2025``, ``25 октября 2025``
month, day, year                ``October 25, 2025``, ``Oct. 25th 2025``
year, month, day                ``2025-10-25``, ``2025/10/25``, ``2025.10.25``
numbers                         ``25.10.2025``; with slashes only if one number is above 12, or both are the same
==============================  =====================================================================================

A day of the week may stand before any of them, and words such as ``Updated:``. A date without a year, with a year of
two digits, or with slashes and both numbers up to 12 can be read in two ways, and is not read.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

_MONTHS = (
    "january jan января январь янв",
    "february feb февраля февраль фев февр",
    "march mar марта март мар",
    "april apr апреля апрель апр",
    "may мая май",
    "june jun июня июнь июн",
    "july jul июля июль июл",
    "august aug августа август авг",
    "september sept sep сентября сентябрь сент сен",
    "october oct октября октябрь окт",
    "november nov ноября ноябрь нояб ноя",
    "december dec декабря декабрь дек",
)
_NUMBER_OF_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_WEEKDAYS = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("mon", "tues", "tue", "wed", "thurs", "thur", "thu", "fri", "sat", "sun"),
    *("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"),
    *("пн", "вт", "\u0441\u0440", "чт", "пт", "\u0441\u0431", "вс"),
)
_LEADS = (
    *(
        r"last\s++updated?(?:\s++(?:on|at))?",
        r"updated?(?:\s++(?:on|at))?",
        r"published(?:\s++on)?",
        r"posted(?:\s++on)?",
    ),
    *("date", r"today(?:\s++is)?", "now", r"as\s++(?:of|at)", r"(?:rates\s++)?(?:on|for|as\s++of)"),
    *("обновлено", "опубликовано", "дата", "сегодня", r"(?:курсы?\s++)?на", r"по\s++состоянию\s++на"),
)
_GAP = r"(?:(?<=\.),?+\s*+|\s*+[.,/-]\s*+|\s++)"
_DAY = r"(?P<{}>[0-9]{{1,2}}+)(?>(?:st|nd|rd|th)?)(?>(?:\s++of(?=\s))?)"
_MONTH = rf"(?P<{{}}>{'|'.join(sorted(_NUMBER_OF_MONTH, key=len, reverse=True))})(?![^\W\d_])\.?+"
_YEAR = r"(?P<{}>[0-9]{{4}})(?![0-9])"
_FORMS = (
    rf"{_DAY.format('day')}{_GAP}{_MONTH.format('month')}(?>(?:{_GAP}{_YEAR.format('year')})?)",
    rf"{_MONTH.format('month_first')}{_GAP}?{_DAY.format('day_second')}(?![0-9:])(?>(?:{_GAP}{_YEAR.format('year_last')})?)",
    r"(?P<iso>[0-9]{4}(?P<dash>[./-])[0-9]{2}(?P=dash)[0-9]{2})(?![0-9])",
    r"(?P<numbers>(?P<one>[0-9]{1,2}+)(?P<mark>[./-])(?P<two>[0-9]{1,2}+)(?P=mark)(?P<last>[0-9]{4}|[0-9]{2}))(?![0-9])",
)
_DATE = re.compile(rf"{'|'.join(_FORMS)}", re.IGNORECASE)
_GAP_BEFORE = re.compile(r"[\W_]*+")
_LEAD = re.compile(
    rf"(?>(?:(?:{'|'.join(_LEADS)})(?![^\W\d_])[\W_]*+)?)(?>(?:(?:{'|'.join(_WEEKDAYS)})(?![^\W\d_])[\W_]*+)?)(?>(?:the\s++)?)",
    re.IGNORECASE,
)
_TIME_BEFORE = re.compile(
    r"[0-9]{1,2}+:[0-9]{2}(?>(?::[0-9]{2})?)(?>(?:\s*+[ap]\.?m\b\.?)?)[\s,|/\u00b7\u2013-]++", re.IGNORECASE
)
_TIME = re.compile(r"[0-9]{1,2}+:[0-9]{2}(?![0-9]|\s*+%)")
_LAST_MONTH = 12
SHORTEST_DATE = len("1.5.2025")
"""Characters of the shortest date that is read."""


class PrintedDate(NamedTuple):
    """A date in a text.

    Attributes
    ----------
    text
        As printed.
    date
        None if it can be read in two ways, or is no day of the calendar.
    """

    text: str
    date: date | None


def date_behind(text: str, place: int) -> PrintedDate | None:
    """Return the date that directly follows a place, but for words that lead to it; None if there is none."""
    begin = _GAP_BEFORE.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing, too
    if time := _TIME_BEFORE.match(text, begin):
        begin = time.end()
    if not text[begin : begin + 1].isdecimal():
        begin = _LEAD.match(text, begin).end()  # type: ignore[union-attr]
    match = _DATE.match(text, begin)
    if match is None:
        return None
    try:
        return PrintedDate(match[0], _read(match))
    except ValueError:  # no day of the calendar
        return PrintedDate(match[0], None)


def is_date_or_time(text: str, place: int) -> bool:
    """Return whether a date or a time of day begins at a place."""
    return _DATE.match(text, place) is not None or _TIME.match(text, place) is not None


def _read(match: re.Match[str]) -> date | None:
    if match["iso"]:
        return date.fromisoformat(match["iso"].replace(match["dash"], "-"))
    if match["numbers"]:
        return _read_numbers(match)
    year = match["year"] or match["year_last"]
    if year is None:
        return None
    month = _NUMBER_OF_MONTH.get((match["month"] or match["month_first"]).lower())
    return None if month is None else date(int(year), month, int(match["day"] or match["day_second"]))


def _read_numbers(match: re.Match[str]) -> date | None:
    if len(match["last"]) < len("2025"):
        return None
    year, day, month = int(match["last"]), int(match["one"]), int(match["two"])
    if match["mark"] == "." or day > _LAST_MONTH or day == month:
        return date(year, month, day)
    return date(year, day, month) if month > _LAST_MONTH else None
