"""Labels of a time axis: short ones, and the year (of hours the day, too) below the first one in sight."""

from __future__ import annotations

import re
from collections.abc import Sequence

from matplotlib.dates import ConciseDateFormatter, num2date

_MONTH_DAYS = 27
"""Days between ticks from which on they are months or years."""


class FirstTickDated(ConciseDateFormatter):
    """matplotlib's short labels, without its remote offset text: a reader begins at the first tick."""

    def get_offset(self) -> str:
        """Return no text for the end of the axis."""
        return ""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels; the first one in sight has its date below it, unless it is a year."""
        labels: list[str] = super().format_ticks(values)  # type: ignore[no-untyped-call]
        low, high = sorted(self._locator.axis.get_view_interval())
        seen = [place for place, value in enumerate(values) if low <= value <= high]
        if seen and not re.fullmatch(r"\d{4}", labels[seen[0]]):
            labels[seen[0]] += "\n" + self._missing(values, seen[0], labels[seen[0]])
        return labels

    def _missing(self, values: Sequence[float], place: int, label: str) -> str:
        """Return what a short label leaves out of its date."""
        instant = num2date(values[place], tz=self._tz)  # type: ignore[no-untyped-call]
        distance = values[1] - values[0] if len(values) > 1 else 1
        is_dated = any(mark.isalpha() for mark in label)  # a month, or "Feb-21" among hours
        if distance >= _MONTH_DAYS or is_dated:
            return f"{instant:%Y}"
        return f"{instant:%b %Y}" if distance >= 1 else f"{instant.day} {instant:%b}\n{instant:%Y}"
