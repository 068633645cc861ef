import io
import json
import logging
from datetime import timedelta

import pytest
from builders import NOON, cases

from fxticker.model.records import Outcome, Poll
from fxticker.monitoring.logs import HumanLines, JsonLines, PollLog, describe, log_to_stderr, without_secrets

CASES = cases("logs")
LOG = logging.getLogger("fxticker")
POLL = Poll("timesca", NOON, Outcome.OK, duration_ms=321, ticks=5)
FAILED = Poll("timesca", NOON, Outcome.TIMEOUT, duration_ms=20_000, detail="no whole answer in 20 s")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def logged():
    """Send the log to a stream, and put back what was before."""
    root, own = logging.getLogger(), LOG
    before = root.handlers[:], root.level, own.level

    def to(stream):
        log_to_stderr(stream)
        return stream

    yield to
    logging.captureWarnings(False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


def fail(text):
    raise RuntimeError(text)


def log_failure(message, text):
    try:
        fail(text)
    except RuntimeError:
        LOG.exception(message)


def lines_of(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def record_at_noon(message, **changes):
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", **changes})
    record.created = NOON.timestamp() + 0.25
    return record


def test_poll_is_one_readable_line_on_a_terminal(logged):
    stream = logged(Terminal())
    PollLog().polled(POLL)
    [line] = stream.getvalue().splitlines()
    assert line.endswith("Z INFO timesca 2025-11-14T12:00:00Z ok: 5 ticks, 321 ms")


def test_poll_is_one_json_object_elsewhere(logged):
    stream = logged(io.StringIO())
    PollLog().polled(POLL)
    PollLog().polled(FAILED)
    sound, failed = lines_of(stream)
    assert sound | {"time": ""} == {
        "time": "",
        "level": "info",
        "message": "timesca 2025-11-14T12:00:00Z ok: 5 ticks, 321 ms",
        "source": "timesca",
        "slot": "2025-11-14T12:00:00Z",
        "outcome": "ok",
        "ticks": 5,
        "duration_ms": 321,
    }
    assert failed["level"] == "warning"
    assert failed["message"] == "timesca 2025-11-14T12:00:00Z timeout: no ticks, 20000 ms, no whole answer in 20 s"


def test_poll_log_logs_only_polls(logged):
    stream = logged(io.StringIO())
    log = PollLog()
    log.started([])
    log.beat(NOON)
    log.clock_jumped(timedelta(hours=1))
    log.polled(POLL)
    assert [line["outcome"] for line in lines_of(stream)] == ["ok"]


def test_times_are_utc():
    assert HumanLines().format(record_at_noon("good")) == "2025-11-14 12:00:00Z INFO good"
    assert json.loads(JsonLines().format(record_at_noon("good"))) == {
        "time": "2025-11-14T12:00:00.250Z",
        "level": "info",
        "message": "good",
    }


def test_missed_slots_are_not_logged_one_by_one(logged):
    stream = logged(io.StringIO())
    PollLog().polled(Poll("timesca", NOON, Outcome.MISSED))
    assert stream.getvalue() == ""


def test_only_errors_of_libraries_are_logged(logged):
    stream = logged(io.StringIO())
    logging.getLogger("apscheduler.executors.default").warning("missed by 3 s")
    logging.getLogger("httpx").info("HTTP Request: GET https://example.org/")
    logging.getLogger("apscheduler").error("a fault")
    LOG.debug("detail")
    assert [line["message"] for line in lines_of(stream)] == ["a fault"]


def test_exception_is_one_json_field(logged):
    stream = logged(io.StringIO())
    log_failure("fault", "first\nsecond \x1b[2J")
    [line] = lines_of(stream)
    assert line["message"] == "fault"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("RuntimeError: first\nsecond \ufffd[2J")


def test_exception_follows_its_line_on_a_terminal(logged):
    stream = logged(Terminal())
    log_failure("fault", "broken \x1b[2J")
    first, *_, last = stream.getvalue().splitlines()
    assert first.endswith("ERROR fault")
    assert last == "RuntimeError: broken \ufffd[2J"


def test_line_breaks_in_a_message_forge_no_line(logged):
    stream = logged(Terminal())
    LOG.warning("one\n2026-01-01 INFO forged \x1b[2J")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_lines_are_bounded(logged):
    stream = logged(io.StringIO())
    log_failure("y" * 100_000, "x" * 100_000)
    [line] = lines_of(stream)
    assert (len(line["message"]), len(line["exception"])) == (1_000, 10_000)


@pytest.mark.parametrize(("text", "shown"), CASES["credentials_and_queries_of_urls_are_not_logged"])
def test_credentials_and_queries_of_urls_are_not_logged(text, shown):
    assert without_secrets(text) == shown
    assert json.loads(JsonLines().format(record_at_noon(text)))["message"] == shown
    assert HumanLines().format(record_at_noon(text)) == f"2025-11-14 12:00:00Z INFO {shown}"


def test_traceback_has_no_credentials():
    try:
        fail("https://user:hunter2@h.org/?key=hunter2")
    except RuntimeError as error:
        record = record_at_noon("fault", exc_info=(RuntimeError, error, None))
    assert "hunter2" not in JsonLines().format(record)
    assert "hunter2" not in HumanLines().format(record)


def test_poll_is_described_in_one_line():
    assert describe(Poll("timesca", NOON, Outcome.BACKOFF)) == "timesca 2025-11-14T12:00:00Z backoff: no ticks"
