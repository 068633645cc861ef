"""Labels of a time axis: short ones, and the year (of hours the day, too) below the first one in sight."""

from __future__ import annotations

import re
from collections.abc import Sequence

from matplotlib.dates import ConciseDateFormatter, num2date

_HOUR = 1 / 24
"""An hour in days, within which labels without a colon are seconds."""
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
            labels[seen[0]] = self._with_minute(values, seen[0], labels[seen[0]])
            labels[seen[0]] += "\n" + self._missing(values, seen[0], labels[seen[0]])
        return labels

    def _with_minute(self, values: Sequence[float], place: int, label: str) -> str:
        """Return a label of seconds, which else reads as one of days, with its hour and minute."""
        is_of_seconds = re.fullmatch(r"\d\d(\.\d+)?", label) and values[-1] - values[0] < _HOUR
        instant = num2date(values[place], tz=self._tz)  # type: ignore[no-untyped-call]
        return f"{instant:%H:%M}:{label}" if is_of_seconds else label

    def _missing(self, values: Sequence[float], place: int, label: str) -> str:
        """Return what a short label leaves out of its date."""
        instant = num2date(values[place], tz=self._tz)  # type: ignore[no-untyped-call]
        distance = values[1] - values[0] if len(values) > 1 else 1
        is_dated = any(mark.isalpha() for mark in label)  # a month, or "Feb-21" among hours
        if distance >= _MONTH_DAYS or is_dated:
            return f"{instant:%Y}"
        return f"{instant:%b %Y}" if distance >= 1 else f"{instant.day} {instant:%b}\n{instant:%Y}"
