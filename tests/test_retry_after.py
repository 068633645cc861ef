from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, cases
from hypothesis import given
from hypothesis import strategies as st

from fxticker.fetch.retry_after import retry_instant

CASES = cases("retry_after")


@pytest.mark.parametrize(("text", "instant"), CASES["retry_after_is_seconds_or_a_date_and_at_most_a_day"])
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(text, instant):
    assert retry_instant(text, NOON) == datetime.fromisoformat(instant)
    assert retry_instant(text, NOON).tzinfo is UTC


@pytest.mark.parametrize("text", [None, "9" * 101, *CASES["past_or_invalid_retry_after_is_ignored"]])
def test_past_or_invalid_retry_after_is_ignored(text):
    assert retry_instant(text, NOON) is None


@given(
    st.text(max_size=120) | st.from_regex(r"[A-Za-z]{3}, [0-9]{1,5} [A-Za-z]{3} [0-9]{1,6} [0-9:]{1,9} [+\-A-Z0-9]*")
)
def test_any_retry_after_gives_none_or_an_instant_within_a_day(text):
    instant = retry_instant(text, NOON)
    assert instant is None or NOON < instant <= NOON + timedelta(days=1)
