"""Alert filter: drops repeated alerts and sends reminders; a problem is reported once per cause, also across restarts.

Without it a daemon that a full disk ends every 30 s would send a mail each time. When an alert is repeated is decided
here: after `remind_every`, a day by default. Delivered alerts are recorded in a small file outside of the store; one
that was not delivered is not in it, and is sent again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from fxticker.errors import one_line
from fxticker.model.clock import Clock
from fxticker.monitoring.alerts import RECOVERED, Alert, Topic
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource

STORE, DISK, CLOCK, DAEMON = "store", "disk", "clock", "daemon"
"""Alerts that are not about a source have these in its place."""
MOVE = "move"
"""The event that is no problem: no reminder of it is sent, and its end is not reported."""
REMIND_EVERY = timedelta(days=1)
PLACE = " in "
"""Stands in a cause before its place: a full disk refuses ticks, and outcomes after a restart, and is one problem."""

_log = logging.getLogger("fxticker")


class StateFile(Protocol):
    """A JSON object that outlives the process."""

    def read(self) -> dict[str, Any]:
        """Return the content; empty if there is none, or none that can be read."""

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the content durably; an OSError if that is refused."""


class AlertFilter(Observer):
    """Drops repeated alerts and sends reminders.

    Parameters
    ----------
    forward
        Called with each alert that is to be delivered; must not block.
    clock
        Supplies the current UTC time.
    remind_every
        Interval at which an alert is repeated while its cause remains.
    file
        Where delivered alerts are kept; ``None`` to know only those of this process.
    """

    def __init__(
        self,
        forward: Callable[[Alert], None],
        *,
        clock: Clock,
        remind_every: timedelta = REMIND_EVERY,
        file: StateFile | None = None,
    ) -> None:
        self._forward = forward
        self._clock = clock
        self._remind_every = remind_every
        self._file = file
        self._delivered = {} if file is None else _read_delivered(file.read())
        self._sent = {topic: dict(causes) for topic, causes in self._delivered.items()}
        self._lasting: dict[Topic, Alert] = {}
        self._lock = threading.Lock()
        self._saving = threading.Lock()  # a disk that hangs keeps only those waiting that write to it
        self._is_file_refused = False
        self._save()  # makes room for later ones, while there is some

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Forget sources that are no longer polled: no reminders of them are sent."""
        kept = {STORE, DISK, CLOCK, DAEMON, *(scheduled.source.id for scheduled in sources)}
        with self._lock:
            dropped = [topic for topic in self._sent if topic[0] not in kept]
        for topic in dropped:
            self.forget(topic)

    def send(self, alert: Alert) -> None:
        """Pass an alert on, unless its cause was sent before and the problem has not ended since."""
        now = self._clock.now()
        if alert.event != RECOVERED:
            self._note_place(alert)
        with self._lock:
            if alert.event == RECOVERED:
                self._lasting.pop(alert.topic, None)
                self._sent.pop(alert.topic, None)
            else:
                self._lasting[alert.topic] = alert
                causes = self._sent.setdefault(alert.topic, {})
                if alert.cause in causes:
                    alert = replace(alert, is_reminder=True)
                    if not self._is_due(alert, now):
                        return
                causes[alert.cause] = now
        self._forward(alert)

    def _note_place(self, alert: Alert) -> None:
        """Note a problem that is known from another place as known from this one, too."""
        problem = alert.cause.partition(PLACE)[0]
        has_new = False
        with self._lock:
            for topics in (self._sent, self._delivered):
                causes = topics.get(alert.topic, {})
                known = [at for cause, at in causes.items() if cause.partition(PLACE)[0] == problem]
                if known and alert.cause not in causes:
                    causes[alert.cause] = max(known)
                    has_new = True
        if has_new:
            self._save()

    def beat(self, now: datetime) -> None:
        """Send reminders of problems that last."""
        with self._lock:
            due = [alert for alert in self._lasting.values() if self._is_due(alert, now)]
            for alert in due:
                self._sent[alert.topic][alert.cause] = now
        for alert in due:
            self._forward(replace(alert, is_reminder=True))

    def delivered(self, alert: Alert) -> None:
        """Note that the command has delivered an alert."""
        now = self._clock.now()
        with self._lock:
            if alert.event == RECOVERED:
                self._delivered.pop(alert.topic, None)
            elif alert.event != MOVE or alert.cause in self._sent.get(alert.topic, {}):
                # also a problem that ended meanwhile: its end is still to be reported, if need be by the next process
                self._delivered.setdefault(alert.topic, {})[alert.cause] = now
        self._save()

    def causes(self, topic: Topic) -> set[str]:
        """The causes that were sent on a topic and are not over; empty if there are none."""
        with self._lock:
            return set(self._sent.get(topic, ()))

    def forget(self, topic: Topic) -> None:
        """Let the next alert on a topic be a new one, without a report that the last one is over."""
        with self._lock:
            self._lasting.pop(topic, None)
            self._sent.pop(topic, None)
            was_delivered = self._delivered.pop(topic, None) is not None
        if was_delivered:
            self._save()

    def _is_due(self, alert: Alert, now: datetime) -> bool:
        """Whether a reminder is due: the last alert was too long ago, or in the future by a clock that was wrong."""
        last = max(self._sent[alert.topic].values())
        return alert.event != MOVE and abs(now - last) >= self._remind_every

    def _save(self) -> None:
        if self._file is None:
            return
        with self._saving:
            with self._lock:
                entries = [
                    {"source": source, "pair": pair, "cause": cause, "told_at": at.isoformat()}
                    for (source, pair), causes in self._delivered.items()
                    for cause, at in causes.items()
                ]
            try:
                self._file.write({"told": entries})
                self._is_file_refused = False
            except OSError as error:
                if not self._is_file_refused:
                    _log.warning("alerts: delivered ones cannot be kept, and will be repeated: %s", one_line(error))
                self._is_file_refused = True


def _read_delivered(content: Mapping[str, Any]) -> dict[Topic, dict[str, datetime]]:
    """The delivered alerts of a state file; an entry in another form is left out, and its alert is sent again."""
    delivered: dict[Topic, dict[str, datetime]] = {}
    entries = content.get("told")
    for entry in entries if isinstance(entries, list) else []:
        with suppress(KeyError, TypeError, ValueError):
            source, pair, cause = entry["source"], entry["pair"], entry["cause"]
            at = datetime.fromisoformat(entry["told_at"])
            if at.tzinfo is not None and isinstance(cause, str):
                delivered.setdefault((source, pair), {})[cause] = at
    return delivered
