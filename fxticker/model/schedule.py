"""Schedules: the slots of a source, as pure arithmetic on UTC instants."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cronsim import CronSim, CronSimError

from fxticker.model.invalid import InvalidArgument
from fxticker.model.timestamps import EPOCH, MICROSECOND

_CRON_FIELDS = 5
_MAX_INTERVAL_S = 31 * 86400
"""Seconds, 31 days: a ticker polled less than once a month is not recorded."""
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_EVERY = re.compile(r"([0-9]{1,6})\s*(s|min|h|d)")


class Schedule(Protocol):
    """Slots of one source: aware UTC, strictly increasing, the same after every restart."""

    def after(self, instant: datetime) -> datetime:
        """Return the first slot later than `instant`."""

    def at_or_before(self, instant: datetime) -> datetime:
        """Return the last slot not later than `instant`."""


@dataclass(frozen=True, slots=True)
class Every:
    """A slot every `interval`, at a fixed phase from the epoch.

    Attributes
    ----------
    interval
        Time between two slots; whole seconds.
    phase
        Offset of the grid from the epoch, less than `interval`.
    """

    interval: timedelta
    phase: timedelta = timedelta(0)

    def after(self, instant: datetime) -> datetime:
        """Return the first slot later than `instant`."""
        return self.at_or_before(instant) + self.interval

    def at_or_before(self, instant: datetime) -> datetime:
        """Return the last slot not later than `instant`."""
        return instant - (instant - EPOCH - self.phase) % self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """Slots by a cron expression of five fields, read in UTC, so that no daylight saving time moves them."""

    expression: str

    def __post_init__(self) -> None:
        reason = ""
        try:
            CronSim(self.expression, EPOCH)
        except CronSimError as error:
            reason = f": {error}"
        # CronSim accepts a sixth field for seconds
        if reason or len(self.expression.split()) != _CRON_FIELDS:
            raise InvalidArgument(f"{self.expression!r} is no cron expression of five fields{reason}")

    def after(self, instant: datetime) -> datetime:
        """Return the first slot later than `instant`."""
        return next(CronSim(self.expression, instant))

    def at_or_before(self, instant: datetime) -> datetime:
        """Return the last slot not later than `instant`."""
        # in reverse CronSim excludes the instant it is given
        return next(CronSim(self.expression, instant + MICROSECOND, reverse=True))


def every(text: str, source: str) -> Every:
    """Return the grid of ``every = "15min"`` for a source.

    The phase is a hash of the source's id, as Prometheus spreads its targets: sources are not all polled at the full
    hour, and a restart never moves a grid.

    Raises
    ------
    ValueError
        If the text is no positive number with a unit of s, min, h or d.
    """
    match = _EVERY.fullmatch(text.strip())
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not seconds:
        raise InvalidArgument(f'{text!r} is no interval such as "15min"; units are {", ".join(_UNITS)}')
    if seconds > _MAX_INTERVAL_S:
        raise InvalidArgument(f"{text!r} is more than 31 days")
    phase = int.from_bytes(hashlib.sha256(source.encode()).digest()[:8], "big") % seconds
    return Every(timedelta(seconds=seconds), timedelta(seconds=phase))


def schedule_text(schedule: Schedule) -> str:
    """Return a schedule for a person: ``every 15 min``, or ``at`` and the cron expression."""
    if isinstance(schedule, Every):
        interval_s = schedule.interval // timedelta(seconds=1)
        name, seconds = next(unit for unit in reversed(_UNITS.items()) if not interval_s % unit[1])
        return f"every {interval_s // seconds} {name}"
    return f"at {schedule.expression}" if isinstance(schedule, Cron) else "on its own grid"


def slots_between(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the slots later than `start` and before `end`, in order."""
    slot = schedule.after(start)
    while slot < end:
        yield slot
        slot = schedule.after(slot)


def off_grid(now: datetime) -> datetime:
    """Return the slot of a poll that no grid has planned: never a whole second, as the slots of grids are."""
    return now if now.microsecond else now.replace(microsecond=1)
