"""Last values of lines: one that lies long before the end of the chart has its date, and no part in the title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

_STALE = pd.Timedelta(days=1)
"""Age of a last value, at the end of the chart, beyond which it has its date and is no part of the title."""


def is_stale(observed_at: Any, latest: pd.Timestamp) -> Any:
    """Return whether the last value of a line, or of each, is too old to speak of the end of the chart."""
    return latest - observed_at > _STALE


def end_together(ends: Sequence[pd.Timestamp]) -> list[bool]:
    """Return which lines end within the day in which most do, of several the last: banks do not print on weekends."""

    def among(latest: pd.Timestamp) -> list[bool]:
        return [bool(end <= latest and not is_stale(end, latest)) for end in ends]

    return among(max(ends, key=lambda end: (sum(among(end)), end)))


def dated(text: str, joint: str, observed_at: pd.Timestamp, latest: pd.Timestamp) -> str:
    """Return a text on a last value, with its date behind a joint if the chart goes on for days after it."""
    return f"{text}{joint}{observed_at:%Y-%m-%d}" if is_stale(observed_at, latest) else text
