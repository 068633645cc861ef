"""Alerts: a command is told when a source goes stale and when it comes back, once each.

What a source's state was before the start is read from the store. A source that is stale then is told of only if it
stays so once its first poll is over, and again by every later start; one that comes back with that poll is told of as
recovered, for an earlier process may have said that it was stale.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from types import TracebackType
from typing import Self

from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule
from fxticker.monitoring.health import problem_of
from fxticker.sources.registry import ScheduledSource
from fxticker.store.read_recent import Recent, read_recent
from fxticker.store.store import Store

COMMAND_S = 30.0
"""How long a command may run: a mail or a message takes a second or two."""
STOP_S = 1.0
"""How long a stop waits for a running command, and again for its end once killed: polls come first."""
_OUTPUT_BYTES = 2_000
_WAITING = 100
"""Alerts that wait for the command; more of them at once say nothing new."""

_LOOK_EVERY = timedelta(hours=1)
"""Between two looks at whether what a source prints still changes."""
_log = logging.getLogger("fxticker")


@dataclass(frozen=True, slots=True)
class Alert:
    """A source's change from well to stale or back.

    Attributes
    ----------
    event
        ``"stale"`` or ``"recovered"``.
    since
        From when on it is so.
    reason
        One line for a person.
    last_ok
        The slot of the last sound poll; null if there is none of late.
    """

    event: str
    source: str
    since: datetime
    reason: str
    last_ok: datetime | None

    def encoded(self) -> bytes:
        """As the command gets it: a JSON object with this program's version, instants as ISO 8601."""
        return json.dumps({**asdict(self), "fxticker": version("fxticker")}, default=_iso).encode() + b"\n"


@dataclass(slots=True)
class _Watch:
    """What is known of a source: `was_stale` when last looked at, and `was_told` so by this process.

    Whether what it prints changes is looked up in the store, now and then: `looked_at`.
    """

    plan: ScheduledSource
    last_ok: datetime | None
    last_stale: datetime | None
    was_stale: bool
    was_told: bool
    quiet_until: datetime | None
    unchanged_since: datetime | None
    looked_at: datetime


class Alerts:
    """Notices, as an observer of the daemon, when sources go stale or come back.

    Parameters
    ----------
    tell
        Gets each alert; must not wait.
    store, clock
        What was before the start, and the present.
    """

    def __init__(self, tell: Callable[[Alert], None], *, store: Store, clock: Clock) -> None:
        self._tell = tell
        self._store = store
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._lock = threading.Lock()

    def started(self, planned: Sequence[ScheduledSource]) -> None:
        """Watch these sources; of those watched before all is remembered."""
        now = self._clock.now()
        with self._lock:
            known, self._watches = self._watches, {}
            for plan in planned:
                watch = known.get(plan.source.id) or self._first_look(plan, now)
                if watch.plan.schedule != plan.schedule:
                    watch.quiet_until = _first_poll_over(plan.schedule, now)
                watch.plan = plan
                self._watches[plan.source.id] = watch

    def polled(self, poll: Poll) -> None:
        """Remember what became of a slot."""
        with self._lock:
            watch = self._watches.get(poll.source)
            if watch is None:
                return
            if poll.outcome is Outcome.OK:
                watch.last_ok = max(poll.slot, watch.last_ok or poll.slot)
            elif poll.outcome is Outcome.STALE:
                watch.last_stale = max(poll.slot, watch.last_stale or poll.slot)
            if poll.started_at is not None:
                watch.quiet_until = None

    def clock_jumped(self, by: timedelta) -> None:
        """Give sources their first poll after a sleep, before anything is said of them."""
        del by
        now = self._clock.now()
        with self._lock:
            for watch in self._watches.values():
                watch.quiet_until = _first_poll_over(watch.plan.schedule, now)

    def beat(self, now: datetime) -> None:
        """Tell of each source that changed."""
        with self._lock:
            for source, watch in self._watches.items():
                if abs(now - watch.looked_at) > _LOOK_EVERY:
                    watch.looked_at = now
                    if (held := self._recent(source, now)) is not None:
                        watch.unchanged_since = held.unchanged_since
            alerts = [self._change(source, watch, now) for source, watch in self._watches.items()]
        for alert in alerts:
            if alert is not None:
                self._tell(alert)

    def _first_look(self, plan: ScheduledSource, now: datetime) -> _Watch:
        held = self._recent(plan.source.id, now)
        last_ok, last_stale, unchanged_since = (
            (None, None, None) if held is None else (held.last_ok, held.last_stale, held.unchanged_since)
        )
        # What never was well cannot come back.
        problem = problem_of(plan, last_ok, last_stale, now, unchanged_since)
        return _Watch(
            plan,
            last_ok,
            last_stale,
            was_stale=last_ok is not None and problem is not None,
            was_told=False,
            quiet_until=_first_poll_over(plan.schedule, now),
            unchanged_since=unchanged_since,
            looked_at=now,
        )

    def _recent(self, source: str, now: datetime) -> Recent | None:
        try:
            return read_recent(self._store, source, now)
        except StoreError as error:
            _log.warning("alerts: what is on record is not known: %s", error)
            return None

    def _change(self, source: str, watch: _Watch, now: datetime) -> Alert | None:
        problem = problem_of(watch.plan, watch.last_ok, watch.last_stale, now, watch.unchanged_since)
        if problem is None:
            was_stale, watch.was_stale, watch.was_told = watch.was_stale, False, False
            if was_stale and watch.last_ok is not None:
                reason = f"a sound poll at {watch.last_ok:%Y-%m-%dT%H:%M:%SZ}"
                return Alert("recovered", source, watch.last_ok, reason, watch.last_ok)
        elif not watch.was_told and (watch.quiet_until is None or now >= watch.quiet_until):
            watch.was_stale = watch.was_told = True
            return Alert("stale", source, problem.since or now, problem.reason, watch.last_ok)
        return None


class AlertCommand:
    """Runs a command for each alert, one after the other, in a thread of its own.

    Parameters
    ----------
    command
        The program and its arguments, split as a shell would; there is no shell.
    timeout_s
        How long one run may take before its process group is killed.
    """

    def __init__(self, command: str, *, timeout_s: float = COMMAND_S) -> None:
        self._arguments = shlex.split(command)
        self._timeout_s = timeout_s
        self._waiting: queue.Queue[Alert | None] = queue.Queue(_WAITING)
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="alerts", daemon=True)

    def __enter__(self) -> Self:
        if shutil.which(self._arguments[0]) is None:
            _log.warning("alert command %s is not there, or cannot be run", self._arguments[0])
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give what runs a moment to end; then it is killed, and what still waits is dropped."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(STOP_S)
        self._is_closing.set()
        self._thread.join(STOP_S)

    def tell(self, alert: Alert) -> None:
        """Have the command run for an alert; does not wait for it."""
        _log.warning("%s %s: %s", alert.source, alert.event, alert.reason)
        try:
            self._waiting.put_nowait(alert)
        except queue.Full:
            _log.error("alert command: %d alerts wait, this one is dropped", _WAITING)

    def _work(self) -> None:
        while (alert := self._waiting.get()) is not None and not self._is_closing.is_set():
            try:
                self._run(alert.encoded())
            except (OSError, ValueError) as error:
                _log.error("alert command %s could not run: %s", self._arguments[0], one_line(error))

    def _run(self, data: bytes) -> None:
        deadline_s = time.monotonic() + self._timeout_s
        with subprocess.Popen(  # noqa: S603  the operator's own command, without a shell
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):  # it need not read; what it is told fits into a pipe
                process.stdin.write(data)
                process.stdin.close()
            output = self._read(process.stdout.fileno(), deadline_s)
            while not self._is_over(deadline_s) and process.poll() is None:
                self._is_closing.wait(0.05)
            # As long as nobody waited for it, the number of its group is nobody else's.
            is_late = process.returncode is None
            if is_late:
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        is_killed = is_late and code == -signal.SIGKILL
        how = f"was killed after {self._timeout_s:g} s" if is_killed else f"ended with {code}"
        level = logging.WARNING if is_killed or code else logging.INFO
        said = one_line(output.decode("utf-8", "replace"))
        _log.log(level, "alert command %s %s%s", self._arguments[0], how, f": {said}" if said else "")

    def _read(self, pipe: int, deadline_s: float) -> bytes:
        """The beginning of what the command prints; all is read, so that it does not wait for a reader."""
        output = b""
        while not self._is_over(deadline_s):
            if select.select([pipe], [], [], 0.05)[0]:
                if not (part := os.read(pipe, 65_536)):
                    break
                output += part[: _OUTPUT_BYTES - len(output)]
        return output

    def _is_over(self, deadline_s: float) -> bool:
        return self._is_closing.is_set() or time.monotonic() >= deadline_s


def _first_poll_over(schedule: Schedule, now: datetime) -> datetime:
    """When the first poll after an instant is over for certain: at the slot after it."""
    return schedule.after(schedule.after(now))


def _iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
