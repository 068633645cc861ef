"""The log: lines for a person on a terminal, one JSON object a line for anyone else; no more than a line per poll."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from fxticker.errors import one_line
from fxticker.model.records import Outcome, Poll
from fxticker.sources.registry import ScheduledSource

_MESSAGE_CHARS = 1_000
"""More than any message of ours has; a person's line is shorter still."""
_EXCEPTION_CHARS = 10_000
"""A hundred calls: what is beyond is a recursion."""
_USER_OF_URL = re.compile(r"(\w://)[^\s/@]*@")
_QUERY_OF_URL = re.compile(r"(\w://[^\s?\"'<>]*)\?[^\s\"'<>]*")
_POLL = "poll"
"""The attribute of a log record that carries a poll."""

_log = logging.getLogger("fxticker")


def log_to_stderr(stream: TextIO | None = None) -> None:
    """Let the program's log go to standard error, or to a stream: lines on a terminal, and else JSON.

    Libraries speak up only about errors of their own: what APScheduler warns of, late and overlapping runs, is
    recorded as outcomes.
    """
    out = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(out)
    handler.setFormatter(HumanLines() if out.isatty() else JsonLines())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.ERROR)
    _log.setLevel(logging.INFO)
    logging.captureWarnings(True)


def log_poll(poll: Poll) -> None:
    """Log a poll: a warning if it gave no ticks.

    Slots of an absence are passed over: they come by the thousand, and whoever records them sums them up.
    """
    if poll.outcome is not Outcome.MISSED:
        level = logging.INFO if poll.ticks else logging.WARNING
        _log.log(level, "%s", describe(poll), extra={_POLL: poll})


class PollLog:
    """Logs, as an observer of the daemon, each poll; of what else happens the daemon speaks itself."""

    def started(self, planned: Sequence[ScheduledSource]) -> None:
        """Nothing."""

    def polled(self, poll: Poll) -> None:
        """See `log_poll`."""
        log_poll(poll)

    def clock_jumped(self, by: timedelta) -> None:
        """Nothing."""

    def beat(self, now: datetime) -> None:
        """Nothing."""


def describe(poll: Poll) -> str:
    """A poll as one line."""
    facts = [f"{poll.ticks} ticks" if poll.ticks else "no ticks"]
    if poll.duration_ms is not None:
        facts.append(f"{poll.duration_ms} ms")
    if poll.detail:
        facts.append(poll.detail)
    return f"{poll.source} {poll.slot:%Y-%m-%dT%H:%M:%SZ} {poll.outcome}: {', '.join(facts)}"


class HumanLines(logging.Formatter):
    """``2025-11-14 12:00:00Z INFO message``; an exception's lines come after it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802  logging's name
        """The record's instant, in UTC as all times here are."""
        del datefmt
        return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%d %H:%M:%SZ}"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """The record's line."""
        return one_line(without_secrets(super().formatMessage(record)[:_MESSAGE_CHARS]))

    def formatException(self, ei: Any) -> str:  # noqa: N802  logging's name
        """The traceback."""
        return _traceback(super().formatException(ei))


class JsonLines(logging.Formatter):
    """An object a line: ``time``, ``level``, ``message``, what is known of a poll, and ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": without_secrets(record.getMessage()[:_MESSAGE_CHARS]),
        }
        poll = record.__dict__.get(_POLL)
        if isinstance(poll, Poll):
            line |= {
                "source": poll.source,
                "slot": poll.slot.isoformat().replace("+00:00", "Z"),
                "outcome": poll.outcome,
                "ticks": poll.ticks,
                "duration_ms": poll.duration_ms,
            }
        if record.exc_info:
            line["exception"] = _traceback(self.formatException(record.exc_info))
        return json.dumps(line)


def without_secrets(text: str) -> str:
    """A text whose URLs name neither a user, a password nor what comes behind ``?``: both may be keys."""
    return _QUERY_OF_URL.sub(r"\1?…", _USER_OF_URL.sub(r"\1", text))


def _traceback(text: str) -> str:
    """A traceback without secrets and control characters; its end if it is long, for that names the fault."""
    shown = without_secrets(text[-2 * _EXCEPTION_CHARS :])[-_EXCEPTION_CHARS:]
    return "".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in shown)
