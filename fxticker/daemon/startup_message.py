"""Startup message: shows at a terminal what is polled when, where the store lies, and how to see that all is well."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from fxticker.errors import one_line
from fxticker.model.schedule import schedule_text
from fxticker.sources.registry import ScheduledSource
from fxticker.store.location import Location, absolute


def startup_message(
    planned: Sequence[ScheduledSource],
    store: Location,
    options: Sequence[str],
    now: datetime,
    next_slots: Mapping[str, datetime] | None = None,
) -> list[str]:
    """Returns three lines.

    Parameters
    ----------
    planned
        The sources that are polled.
    store
        Location of the store, as given.
    options
        Those of the command line that name the configuration and the store.
    now
        Aware UTC.
    next_slots
        By source, the next slot without an outcome; where it lacks one, the next slot of the grid is shown.
    """
    known = next_slots or {}
    polled = "; ".join(
        f"{scheduled.source.id} {schedule_text(scheduled.schedule)}, "
        f"next at {_time(known.get(scheduled.source.id, scheduled.schedule.after(now)), now)}"
        for scheduled in planned
    )
    return [
        f"polling {_printable(polled)} (UTC); a source without a recent successful poll is polled now, too",
        f"store   {_printable(absolute(store))}",
        f"health  {_printable(shlex.join(['fxticker', 'status', *options]))}",
    ]


def _time(slot: datetime, now: datetime) -> str:
    return f"{slot:%H:%M:%S}" if slot - now < timedelta(hours=12) else f"{slot:%Y-%m-%d %H:%M:%S}"


def _printable(text: object) -> str:
    """A text without control characters: a folder may have any name."""
    return str(text) if str(text).isprintable() else one_line(text)
