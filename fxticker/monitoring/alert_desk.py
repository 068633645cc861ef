"""Alert desk: passes each trouble on once per cause until it is over, across restarts, with reminders while it lasts.

Without it a daemon that a full disk ends every 30 s would send a mail each time. What the command has delivered is kept
in a small file outside of the store; an alert that was not delivered is not in it, and is sent again.
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
"""The event that is no trouble: nobody is reminded of it, and its end is not told."""
REMIND_EVERY = timedelta(days=1)
PLACE = " in "
"""Stands in a cause before its place: a full disk refuses ticks, and outcomes after a restart, and is one trouble."""

_log = logging.getLogger("fxticker")


class StateFile(Protocol):
    """A JSON object that outlives the process."""

    def read(self) -> dict[str, Any]:
        """Return the content; empty if there is none, or none that can be read."""

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the content durably; an OSError if that is refused."""


class AlertDesk(Observer):
    """Decides which alerts are passed on.

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
        self._told = {} if file is None else _told(file.read())
        self._sent = {topic: dict(causes) for topic, causes in self._told.items()}
        self._lasting: dict[Topic, Alert] = {}
        self._lock = threading.Lock()
        self._saving = threading.Lock()  # a disk that hangs keeps only those waiting that write to it
        self._is_file_refused = False
        self._save()  # makes room for later ones, while there is some

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Forget sources that are no longer polled: nobody is reminded of them."""
        kept = {STORE, DISK, CLOCK, DAEMON, *(scheduled.source.id for scheduled in sources)}
        with self._lock:
            gone = [topic for topic in self._sent if topic[0] not in kept]
        for topic in gone:
            self.forget(topic)

    def send(self, alert: Alert) -> None:
        """Pass an alert on, unless its cause was told and the trouble has not ended since."""
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
        """Note a trouble that is known from another place as known from this one, too."""
        trouble = alert.cause.partition(PLACE)[0]
        has_new = False
        with self._lock:
            for topics in (self._sent, self._told):
                causes = topics.get(alert.topic, {})
                known = [at for cause, at in causes.items() if cause.partition(PLACE)[0] == trouble]
                if known and alert.cause not in causes:
                    causes[alert.cause] = max(known)
                    has_new = True
        if has_new:
            self._save()

    def beat(self, now: datetime) -> None:
        """Remind of troubles that last."""
        with self._lock:
            due = [alert for alert in self._lasting.values() if self._is_due(alert, now)]
            for alert in due:
                self._sent[alert.topic][alert.cause] = now
        for alert in due:
            self._forward(replace(alert, is_reminder=True))

    def delivered(self, alert: Alert) -> None:
        """Note that a person was told."""
        now = self._clock.now()
        with self._lock:
            if alert.event == RECOVERED:
                self._told.pop(alert.topic, None)
            elif alert.event != MOVE or alert.cause in self._sent.get(alert.topic, {}):
                # a trouble that ended meanwhile too: its end is still to be told, if need be by the next process
                self._told.setdefault(alert.topic, {})[alert.cause] = now
        self._save()

    def causes(self, topic: Topic) -> set[str]:
        """The causes that were sent on a topic and are not over; empty if there are none."""
        with self._lock:
            return set(self._sent.get(topic, ()))

    def forget(self, topic: Topic) -> None:
        """Let the next alert on a topic be a new one, without telling anybody that the last one is over."""
        with self._lock:
            self._lasting.pop(topic, None)
            self._sent.pop(topic, None)
            was_told = self._told.pop(topic, None) is not None
        if was_told:
            self._save()

    def _is_due(self, alert: Alert, now: datetime) -> bool:
        """Whether a trouble was last told too long ago, or in the future by a clock that was wrong."""
        last = max(self._sent[alert.topic].values())
        return alert.event != MOVE and abs(now - last) >= self._remind_every

    def _save(self) -> None:
        if self._file is None:
            return
        with self._saving:
            with self._lock:
                told = [
                    {"source": source, "pair": pair, "cause": cause, "told_at": told_at.isoformat()}
                    for (source, pair), causes in self._told.items()
                    for cause, told_at in causes.items()
                ]
            try:
                self._file.write({"told": told})
                self._is_file_refused = False
            except OSError as error:
                if not self._is_file_refused:
                    _log.warning("alerts: told ones cannot be kept, and are told again: %s", one_line(error))
                self._is_file_refused = True


def _told(content: Mapping[str, Any]) -> dict[Topic, dict[str, datetime]]:
    """The delivered alerts of a state file; an entry that is not one of ours is left out, and told again."""
    told: dict[Topic, dict[str, datetime]] = {}
    entries = content.get("told")
    for entry in entries if isinstance(entries, list) else []:
        with suppress(KeyError, TypeError, ValueError):
            source, pair, cause = entry["source"], entry["pair"], entry["cause"]
            told_at = datetime.fromisoformat(entry["told_at"])
            if told_at.tzinfo is not None and isinstance(cause, str):
                told.setdefault((source, pair), {})[cause] = told_at
    return told
