"""Polls beside a span: those that show whether the record has a hole at an end of the span."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import numpy as np
import pandas as pd

from fxticker.analysis.record_holes import BESIDE
from fxticker.frames.now_and_zone import present
from fxticker.frames.pairs import StorePath
from fxticker.frames.polls import load_outcomes
from fxticker.model.selection import Selection
from fxticker.model.timestamps import instant, last_instant

_FIRST = datetime.min.replace(tzinfo=UTC) + BESIDE


@dataclass(frozen=True, slots=True)
class PollsBeside:
    """Polls of a span and beside it.

    Attributes
    ----------
    begin, until
        The span, its end excluded, aware UTC, at most now or what was known as of; ``None`` is open.
    polls
        ``source``, ``slot`` and ``outcome`` of each.
    known_until
        The time until when all polls are given.
    """

    begin: datetime | None
    until: datetime
    polls: pd.DataFrame
    known_until: datetime

    @classmethod
    def of(cls, polls: StorePath | pd.DataFrame, selection: Selection) -> Self:
        """Return those of a resolved selection, of a store or a frame of `fxticker.load_polls`, which has no others."""
        by = latest_on_record(selection)
        begin, until = span_on_record(selection)
        if isinstance(polls, pd.DataFrame):
            rows = _matching(polls, selection)
            return cls(begin, until, rows, until if rows.empty else max(until, rows["slot"].max()))
        start = None if begin is None else min(max(begin, _FIRST) - BESIDE, by)
        known_until = by if by - until < BESIDE else until + BESIDE
        rows = load_outcomes(polls, sources=selection.sources, start=start, end=known_until, as_of=selection.as_of)
        return cls(begin, until, rows, known_until)

    def is_inside(self) -> np.ndarray:
        """Return which polls are those of the span."""
        slots = self.polls["slot"]
        inside: np.ndarray = (slots < self.until).to_numpy()
        if self.begin is not None:
            inside = inside & (slots >= self.begin).to_numpy()
        return inside


def span_on_record(selection: Selection) -> tuple[datetime | None, datetime]:
    """Return the span of a resolved selection, aware UTC; it ends at the latest now, or when its `as_of` is."""
    by = latest_on_record(selection)
    begin = None if selection.start is None else instant(selection.start)
    return begin, by if selection.end is None else min(by, instant(selection.end))


def latest_on_record(selection: Selection) -> datetime:
    """Return the end of what is known for a resolved selection: now, or the instant of its `as_of`."""
    return present() if selection.as_of is None else last_instant(selection.as_of)


def _matching(polls: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    kept = np.ones(len(polls), bool)
    if selection.sources is not None:
        kept &= polls["source"].isin(selection.sources).to_numpy()
    if selection.as_of is not None:
        kept &= (polls["recorded_at"].fillna(polls["slot"]) <= last_instant(selection.as_of)).to_numpy()
    return polls[kept]
