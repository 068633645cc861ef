"""Log: readable lines on a terminal, else one JSON object per line; at most one line per poll."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from fxticker.errors import one_line
from fxticker.model.records import Outcome, Poll
from fxticker.model.timestamps import iso_text
from fxticker.monitoring.observer import Observer

_MESSAGE_CHARS = 1_000
"""Characters of a message: more than any of the package has."""
_EXCEPTION_CHARS = 10_000
"""Characters of a traceback: a hundred calls; a longer one is a recursion."""
_USER_OF_URL = re.compile(r"(\w://)[^\s/@]*@")
_QUERY_OF_URL = re.compile(r"(\w://[^\s?\"'<>]*)\?[^\s\"'<>]*")
_POLL = "poll"
"""The attribute of a log record that carries a poll."""

_log = logging.getLogger("fxticker")


def log_to_stderr(stream: TextIO | None = None) -> None:
    """Write the log to standard error, or to a stream: readable lines on a terminal, else JSON.

    Of libraries only errors are logged: late and overlapping runs, which APScheduler warns of, are outcomes.
    """
    out = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(out)
    handler.setFormatter(HumanLines() if out.isatty() else JsonLines())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.ERROR)
    _log.setLevel(logging.INFO)
    logging.captureWarnings(True)


class PollLog(Observer):
    """Logs each poll; other events are logged where they happen."""

    def polled(self, poll: Poll) -> None:
        """Log a poll, as a warning if it gave no ticks.

        Missed slots are not logged: they come by the thousand, and the slot ledger logs their number.
        """
        if poll.outcome is not Outcome.MISSED:
            level = logging.INFO if poll.ticks else logging.WARNING
            _log.log(level, "%s", describe(poll), extra={_POLL: poll})

    def not_recorded(self, poll: Poll) -> None:
        """Log a poll that is not on record."""
        _log.warning("%s; not recorded", describe(poll), extra={_POLL: poll})


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
        """The record's instant, in UTC as all times of the package."""
        del datefmt
        return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%d %H:%M:%SZ}"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """The record as one line."""
        return one_line(without_secrets(super().formatMessage(record)[:_MESSAGE_CHARS]))

    def formatException(self, ei: Any) -> str:  # noqa: N802  logging's name
        """The traceback."""
        return _traceback(super().formatException(ei))


class JsonLines(logging.Formatter):
    """One JSON object per line: ``time``, ``level``, ``message``, the fields of a poll, and ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        instant = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": instant.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": without_secrets(record.getMessage()[:_MESSAGE_CHARS]),
        }
        poll = record.__dict__.get(_POLL)
        if isinstance(poll, Poll):
            line |= {
                "source": poll.source,
                "slot": iso_text(poll.slot),
                "outcome": poll.outcome,
                "ticks": poll.ticks,
                "duration_ms": poll.duration_ms,
            }
        if record.exc_info:
            line["exception"] = _traceback(self.formatException(record.exc_info))
        return json.dumps(line)


def without_secrets(text: str) -> str:
    """A text without the user, password and query of its URLs: they may be keys."""
    return _QUERY_OF_URL.sub(r"\1?…", _USER_OF_URL.sub(r"\1", text))


def _traceback(text: str) -> str:
    """A traceback without secrets and control characters; if it is long, its end, which names the fault."""
    shown = without_secrets(text[-2 * _EXCEPTION_CHARS :])[-_EXCEPTION_CHARS:]
    return "".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in shown)
