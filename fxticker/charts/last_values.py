"""Last values of lines: one that lies long before the end of the chart has its date, in its label and in the title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from fxticker.charts.caption_frame import ends_text

_STALE = pd.Timedelta(days=1)
"""Time between the ends of two changes beyond which they are not of one span."""


def is_stale(observed_at: Any, latest: pd.Timestamp) -> Any:
    """Return whether the last value of a line, or of each, is too old to speak of the end of the chart."""
    return latest - observed_at > _STALE


def dates_text(begins: Sequence[pd.Timestamp], ends: Sequence[pd.Timestamp]) -> str:
    """Return the dates of the changes that a title is about.

    A title tells all that is proven: where it left out what does not end with the others, it said that no rate had
    changed over a chart of a pair that had, and was not printed since.
    """
    first, start, end, last = min(begins), max(begins), min(ends), max(ends)
    if is_stale(end, last):
        return own_dates(first, last)
    return f"each since its first value, to {last:%Y-%m-%d}" if is_stale(first, start) else ends_text(first, last)


def own_dates(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return the span of changes whose ends differ."""
    return f"each over its own dates, {first:%Y-%m-%d} to {last:%Y-%m-%d}"


def dated(text: str, joint: str, observed_at: pd.Timestamp, latest: pd.Timestamp) -> str:
    """Return a text on a last value, with its date behind a joint if the chart goes on for days after it."""
    return f"{text}{joint}{observed_at:%Y-%m-%d}" if is_stale(observed_at, latest) else text
