"""Largest move: the most that a rate is assumed to move within a day, and where that comes from.

The largest daily move of an official rate in the last 365 days is the default. The largest of few days says little, so
there must be 100 of them. It is a record of the past: that no day moves more is the assumption of whoever uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fxticker.analysis.interval_rows import log_of

_DAYS = 365
_FEWEST = 100
"""Fewest moves in that time: a bank publishes about 245 rates a year."""
_NEXT_DAYS = 4
"""Days from a value date to the next, at most, for a change to count as that of one day: a long weekend."""


@dataclass(frozen=True, slots=True)
class MoveLimit:
    """The most that the logarithm of a rate moves within a day.

    Attributes
    ----------
    log_move
        Natural logarithm of the largest ratio; ``None`` if not known.
    origin
        Where it comes from; ``None`` if not known.
    problem
        Why it is not known; ``None`` if it is.
    """

    log_move: float | None
    origin: str | None
    problem: str | None = None


def stated_move(percent: float) -> MoveLimit:
    """Return the limit that a user states."""
    return MoveLimit(log_of(percent), "as stated")


def largest_move(official: pd.DataFrame, upto: pd.Timestamp) -> MoveLimit:
    """Return the largest daily move of official rates, as far as their digits allow, in the 365 days up to an instant.

    Parameters
    ----------
    official
        Quotes of one pair by value date.
    upto
        Aware UTC.
    """
    recent = official[official["observed_at"].between(upto - pd.Timedelta(days=_DAYS), upto)]
    best, most = MoveLimit(None, None), 0
    for source, rows in recent.groupby("source", observed=True, sort=True):
        lo, hi, days = np.log(rows["rate_lo"].to_numpy()), np.log(rows["rate_hi"].to_numpy()), rows["observed_at"]
        moves = np.maximum(hi[1:] - lo[:-1], hi[:-1] - lo[1:])
        is_next = np.diff(days.to_numpy("M8[us]")) <= np.timedelta64(_NEXT_DAYS, "D")
        most = max(most, int(is_next.sum()))
        if is_next.sum() < _FEWEST:
            continue
        place = int(np.argmax(np.where(is_next, moves, -np.inf)))
        if best.log_move is None or moves[place] > best.log_move:
            of, to = days.iloc[place], days.iloc[place + 1]
            best = MoveLimit(
                float(moves[place]), f"largest of {source} in {_DAYS} days: {of:%Y-%m-%d} to {to:%Y-%m-%d}"
            )
    if best.log_move is None:
        problem = (
            f"the most that a day moves is not known, for there are {most} official daily moves in the {_DAYS} days"
            f" to {upto:%Y-%m-%d}, and {_FEWEST} are needed; state it as max_move_pct (--max-move)"
        )
        return MoveLimit(None, None, problem)
    return best
