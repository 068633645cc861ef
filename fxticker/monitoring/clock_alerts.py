"""Clock alerts: reports that the machine's clock is wrong, and that it is right again."""

from __future__ import annotations

from fxticker.model.clock_trust import ClockComparison, Trust
from fxticker.monitoring.alert_filter import CLOCK, AlertFilter
from fxticker.monitoring.alerts import RECOVERED, Alert
from fxticker.monitoring.observer import Observer

WRONG_CLOCK = "clock"


class ClockAlerts(Observer):
    """Reports a clock that is an hour or more ahead of, or behind, the time that servers send.

    Parameters
    ----------
    alert_filter
        Where alerts are sent; it has the wrong clock that an earlier process reported.
    """

    def __init__(self, alert_filter: AlertFilter) -> None:
        self._alert_filter = alert_filter

    def clock_compared(self, source: str | None, comparison: ClockComparison) -> None:
        """Report a clock that is wrong, or right again."""
        del source
        if comparison.is_wrong:
            cause = "ahead" if comparison.trust is Trust.AHEAD else "behind"
            self._alert_filter.send(
                Alert(WRONG_CLOCK, CLOCK, comparison.now, comparison.remark or cause, None, cause=cause)
            )
        elif comparison.trust is Trust.CONFIRMED and self._alert_filter.causes((CLOCK, None)):
            reason = "this machine's clock agrees with the time that servers send, or is synchronised"
            self._alert_filter.send(Alert(RECOVERED, CLOCK, comparison.now, reason, None))
