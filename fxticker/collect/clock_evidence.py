"""Clock evidence: whether the machine's clock is confirmed, by the `Date` of servers' answers and by synchronisation.

Outcomes are final, so a clock must not decide alone which slots have passed. A machine whose clock was a year ahead for
one start would write 35,040 outcomes of 15-minute slots, and would poll none of them when they come.

Each answer's `Date` is the time at which its server made it. The machine's boot-time clock, which nobody sets and which
runs on while the machine sleeps, carries it on. Of the sources' last answers the median counts, so that one server with
a wrong clock decides nothing; of an even number, the middle one that is nearer to the machine's clock, as two
independent clocks that agree are right. An answer with an `Age` was made earlier, by as much as a cache estimates: its
`Date` is not usable. A clock that the machine's time service has synchronised is confirmed whatever servers send.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from fxticker.fetch.http_date import http_date
from fxticker.model.clock import boottime_s
from fxticker.model.clock_trust import MIN_REMARK, WRONG, ClockComparison, Trust, distance

_SYNCHRONISED = ""
"""The key of the synchronised clock itself among the usable Dates; sources have ids."""
_DATE_STEP = timedelta(seconds=1)
"""`Date` has whole seconds."""


class ClockEvidence:
    """The evidence about one clock, for the life of a process; threads share it.

    Parameters
    ----------
    boottime
        Returns seconds that nobody sets and that also count while the machine sleeps.
    is_synchronised
        Given the clock's time, whether the clock is synchronised; ``None`` if that is not known.
    """

    def __init__(
        self,
        *,
        boottime: Callable[[], float] = boottime_s,
        is_synchronised: Callable[[datetime], bool | None] = lambda _now: None,
    ) -> None:
        self._boottime = boottime
        self._is_synchronised = is_synchronised
        self._dates: dict[str, tuple[datetime, float]] = {}
        self._lock = threading.Lock()

    def compare(self, source: str, headers: Mapping[str, str], now: datetime, took: timedelta) -> ClockComparison:
        """Take the usable Date of an answer, and return what it and all others show of the clock.

        Parameters
        ----------
        source
            Whose answer it is.
        headers
            Of the answer, by lower-case name; empty if there was none.
        now
            The clock when the answer was complete.
        took
            Time since the request: the answer may have been made at any time in it.
        """
        date = None if "age" in headers else http_date(headers.get("date"))
        offset = None
        passed_s = self._boottime()
        if date is not None:
            self._keep_date(source, date, now, passed_s)
            offset = now - date
            if timedelta(0) <= offset <= took + _DATE_STEP:
                offset = timedelta(0)
        trust, clock_offset = self._assess(now, passed_s)
        confirmed = None if clock_offset is None else now - clock_offset
        return ClockComparison(trust, now, confirmed, offset, _remark(trust, clock_offset, offset))

    def trust(self, now: datetime) -> Trust:
        """What is known of a clock that shows `now`."""
        return self._assess(now, self._boottime())[0]

    def _keep_date(self, source: str, date: datetime, now: datetime, at_s: float) -> None:
        """Keep a source's last usable Date.

        If its `Date` advanced otherwise than the boot-time clock and agrees with the machine's clock, the boot-time
        clock did not count a time that has passed, as in a virtual machine that was halted: all Dates are dropped.
        """
        with self._lock:
            if source in self._dates and abs(now - date) < WRONG:
                earlier, earlier_at_s = self._dates[source]
                if abs(date - earlier - timedelta(seconds=at_s - earlier_at_s)) >= WRONG:
                    self._dates.clear()
            self._dates[source] = date, at_s

    def _assess(self, now: datetime, passed_s: float) -> tuple[Trust, timedelta | None]:
        """The trust, and the clock minus the confirmed time."""
        if self._is_synchronised(now):
            with self._lock:  # so that it still counts when synchronisation is lost
                self._dates[_SYNCHRONISED] = now, passed_s
            return Trust.CONFIRMED, timedelta(0)
        offset = self._median(now, passed_s)
        if offset is None:
            return Trust.UNCONFIRMED, None
        if offset >= WRONG:
            return Trust.AHEAD, offset
        return (Trust.BEHIND if offset <= -WRONG else Trust.CONFIRMED), offset

    def _median(self, now: datetime, passed_s: float) -> timedelta | None:
        with self._lock:
            offsets = sorted(
                now - (confirmed + timedelta(seconds=passed_s - at_s)) for confirmed, at_s in self._dates.values()
            )
        middle = offsets[(len(offsets) - 1) // 2 : len(offsets) // 2 + 1]
        return min(middle, key=abs, default=None)


def _remark(trust: Trust, clock_offset: timedelta | None, offset: timedelta | None) -> str | None:
    if trust in (Trust.AHEAD, Trust.BEHIND) and clock_offset is not None:
        return f"this machine's clock is {distance(clock_offset)} the time that servers send, and is not synchronised"
    if offset is None or abs(offset) <= MIN_REMARK:
        return None
    note = ", which is in doubt: the clock is confirmed" if abs(offset) >= WRONG else ""
    return f"this machine's clock is {distance(offset)} the answer's Date{note}"
