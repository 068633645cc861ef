"""Absent: which of the currencies that are asked for have no rate in a range, or not on every day, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from fxticker.model.pairs import currencies_of
from fxticker.web.ranges import Days
from fxticker.web.rows import RateRow
from fxticker.web.snapshots import Question, pairs_of, too_wide, unknown_quotes
from fxticker.web.view import View

MISSING_HEADER = "x-fxticker-missing"
"""Header of an array, which has no place for it: why a currency has no rate."""
_MISSING_CHARS = 2000


def missing_headers(reasons: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the header that says why currencies have no rate, by their codes; none if all have one."""
    text = "; ".join(f"{code}: {reason}" for code, reason in reasons.items())
    if len(text) > _MISSING_CHARS:
        text = f"{text[: _MISSING_CHARS - 3]}..."
    return ((MISSING_HEADER, text),) if reasons else ()


class Absent:
    """Notes the rows of a range as they are computed, and leaves out those whose band is too wide.

    Parameters
    ----------
    view, question, days
        What is asked for.
    """

    def __init__(self, view: View, question: Question, days: Days) -> None:
        self._question = question
        self._days = days
        self._quotes = [currencies_of(pair)[1] for pair in pairs_of(view, question)]
        self._kept: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._too_wide: dict[str, str] = {}
        self.unknown = unknown_quotes(view, question)
        """Why currencies have no rate at any time; this is known before the first row."""

    def keeps(self, row: RateRow) -> bool:
        """Return whether a row is part of the answer."""
        reason = too_wide(row, self._question)
        if reason is None:
            self._kept[row.quote] += 1
            return True
        self._too_wide.setdefault(row.quote, reason)
        self._left_out[row.quote] += 1
        return False

    def reasons(self) -> dict[str, str]:
        """Return why currencies have no rate, or fewer than there are, by their codes; complete after the last row."""
        found = {**self.unknown}
        for quote in self._quotes:
            if quote in self._too_wide:
                count = self._left_out[quote]
                found[quote] = f"{self._too_wide[quote]}, in {count} of {count + self._kept[quote]} rows"
            elif quote not in self._kept:
                found[quote] = f"no rate from {self._days.first} to {self._days.last}"
        return found
