"""Trust in the machine's clock: the states that it can be in, and the comparison of one answer with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

MIN_REMARK = timedelta(minutes=1)
"""A larger difference is named in a remark: servers are right to a second, and an answer takes less than a minute."""
WRONG = timedelta(hours=1)
"""The smallest difference of a clock that is wrong and not merely inexact: that of a wrong time zone."""


class Trust(Enum):
    """What is known about the machine's clock."""

    CONFIRMED = auto()
    """It is synchronised, or servers confirm it: outcomes are written."""
    UNCONFIRMED = auto()
    """Nothing confirms or contradicts it."""
    AHEAD = auto()
    """It is an hour or more ahead of what servers send: no outcome is written, as outcomes are final."""
    BEHIND = auto()
    """It is an hour or more behind: no tick is stored."""


@dataclass(frozen=True, slots=True)
class ClockComparison:
    """The machine's clock beside an answer.

    Attributes
    ----------
    trust
        The state of the clock by all evidence together.
    now
        The clock, when the answer was complete. Aware UTC.
    confirmed
        The time at that moment as servers confirm it, aware UTC; ``None`` if none does.
    offset
        The clock minus the answer's own ``Date``, positive if the clock is ahead; ``None`` without a usable ``Date``.
    remark
        One line for a person; ``None`` if clock and answer agree to a minute.
    """

    trust: Trust
    now: datetime
    confirmed: datetime | None
    offset: timedelta | None
    remark: str | None

    @property
    def is_wrong(self) -> bool:
        """Whether the clock is ahead or behind by so much that its ticks are not stored."""
        return self.trust in (Trust.AHEAD, Trust.BEHIND)


def distance(offset: timedelta) -> str:
    """A difference of the clock as words, in whole seconds: ``3:00:00 behind``."""
    seconds = timedelta(seconds=round(abs(offset).total_seconds()))
    return f"{seconds} {'ahead of' if offset > timedelta(0) else 'behind'}"
