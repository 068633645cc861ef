from datetime import UTC, timedelta

import pytest
from builders import NOON, at_time
from hypothesis import given
from hypothesis import strategies as st

from fxticker.fetch.retry_after import retry_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("120", at_time("12:02")),
        (" 120 ", at_time("12:02")),
        ("1", NOON + timedelta(seconds=1)),
        ("86400", NOON + timedelta(days=1)),
        ("86401", NOON + timedelta(days=1)),
        ("9" * 99, NOON + timedelta(days=1)),
        ("Fri, 14 Nov 2025 12:30:00 GMT", at_time("12:30")),
        ("Friday, 14-Nov-25 12:30:00 GMT", at_time("12:30")),
        ("Fri Nov 14 12:30:00 2025", at_time("12:30")),
        ("Fri, 14 Nov 2025 14:30:00 +0200", at_time("12:30")),
        ("Mon, 14 Nov 2050 12:30:00 GMT", NOON + timedelta(days=1)),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(text, instant):
    assert retry_instant(text, NOON) == instant
    assert retry_instant(text, NOON).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0",
        "-120",
        "120.5",
        "1e3",
        "٣",
        "soon",
        "120, 240",
        "9" * 101,
        "Fri, 14 Nov 2025 12:00:00 GMT",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 21 Oct 99999 07:28:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Fri, 14 Nov 2025 12:30:00 +99999999999",
        "Fri, 44 Nov 2025 12:30:00 GMT",
    ],
)
def test_past_or_invalid_retry_after_is_ignored(text):
    assert retry_instant(text, NOON) is None


@given(
    st.text(max_size=120) | st.from_regex(r"[A-Za-z]{3}, [0-9]{1,5} [A-Za-z]{3} [0-9]{1,6} [0-9:]{1,9} [+\-A-Z0-9]*")
)
def test_any_retry_after_gives_none_or_an_instant_within_a_day(text):
    instant = retry_instant(text, NOON)
    assert instant is None or NOON < instant <= NOON + timedelta(days=1)
