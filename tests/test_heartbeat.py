"""The heartbeat is called at most once a minute, only while all is well, and never keeps the daemon waiting."""

import threading
import time
from datetime import timedelta

import pytest
from builders import NOON
from servers import RawServer, fetcher

from fxticker.errors import BadStatus, FetchStopped, StoreError
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.monitoring.alerts import Alerts
from fxticker.monitoring.heartbeat import Heartbeat, call_url
from fxticker.simulation.loopback_server import answering, request_path
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE


class Beating:
    """A heartbeat under a clock moved by hand, and its calls."""

    def __init__(self, **options):
        self.passed_s = 0.0
        self.is_well = True
        self.calls = 0
        self.called = threading.Semaphore(0)
        self.failing = None
        self.heartbeat = Heartbeat(
            self._call, is_well=lambda _now: self.is_well, monotonic=lambda: self.passed_s, **options
        )

    def _call(self):
        self.calls += 1
        self.called.release()
        if self.failing:
            raise self.failing

    def beat(self, after_s):
        """Let time pass, and the call that is due end; whether there was one."""
        self.passed_s += after_s
        self.heartbeat.beat(NOON)
        was_due = self.heartbeat._last_s == self.passed_s
        return was_due and self.called.acquire(timeout=30)


def test_call_is_made_once_a_minute_and_not_in_the_first_one():
    beating = Beating()
    with beating.heartbeat:
        assert [beating.beat(seconds) for seconds in (5, 54, 1, 5, 54, 1)] == [False, False, True, False, False, True]


def test_no_call_while_a_source_is_not_healthy():
    beating = Beating()
    with beating.heartbeat:
        beating.is_well = False
        assert not beating.beat(600)
        beating.is_well = True
        assert beating.beat(5)


def test_no_call_after_a_write_that_failed_until_one_succeeds():
    beating = Beating()
    with beating.heartbeat:
        beating.heartbeat.write_ended(0.1, StoreError("full"))
        assert not beating.beat(600)
        beating.heartbeat.write_ended(0.1, None)
        assert beating.beat(5)


def test_write_that_failed_before_the_start_counts():
    beating = Beating(was_written=False)
    with beating.heartbeat:
        assert not beating.beat(600)


def test_failed_call_is_logged_once_until_one_succeeds(caplog):
    beating = Beating()
    with beating.heartbeat:
        for failing in (BadStatus("status 500"), BadStatus("status 500"), None, BadStatus("status 502")):
            beating.failing = failing
            assert beating.beat(60)
    assert caplog.messages == ["heartbeat: status 500", "heartbeat: status 502"]


def test_url_is_called_and_another_answer_than_success_is_a_failure():
    with RawServer(answering(b"OK", media_type="text/plain")) as server, fetcher() as client:
        call_url(client, f"{server.url}ping/secret")
        assert [request_path(request) for request in server.requests] == ["/ping/secret"]
        for status in ("302 Found", "404 Not Found", "503 Service Unavailable"):
            server.answer = answering(b"", "Location: /elsewhere", status=status)
            with pytest.raises(BadStatus, match=status[:3]):
                call_url(client, server.url)
        assert len(server.requests) == 4


def test_log_has_neither_the_url_nor_where_a_redirect_leads(caplog):
    moved = answering(b"", "Location: https://127.0.0.1/secret-uuid", status="301 Moved Permanently")
    with RawServer(moved) as server, fetcher() as client:
        beating = Beating()

        def call():
            try:
                call_url(client, f"{server.url}secret-uuid")
            finally:
                beating.called.release()

        beating.heartbeat._call = call
        with beating.heartbeat:
            assert beating.beat(60)
    assert caplog.messages == ["heartbeat: status 301"]


def test_server_that_does_not_answer_keeps_neither_a_beat_nor_the_end_waiting():
    with RawServer(lambda exchange: exchange.pause(10)) as server, fetcher() as client:
        beating = Beating()
        ended = []

        def call():
            try:
                call_url(client, server.url)
            except FetchStopped as error:
                ended.append(error)
                raise

        beating.heartbeat._call = call
        with beating.heartbeat as heartbeat:
            beating.passed_s += 60
            heartbeat.beat(NOON)
            assert server.requested.wait(30)
            started_s = time.monotonic()
            beating.passed_s += 60
            heartbeat.beat(NOON)
            assert time.monotonic() - started_s < 1
            client.stop()
        assert len(ended) >= 1


def test_all_sources_have_to_be_healthy(store):
    other = ScheduledSource(SOURCE, Every(timedelta(minutes=15)))
    alerts = Alerts([].append, store=store, clock=None)
    assert not alerts.are_all_healthy(NOON)

    class Clock:
        def now(self):
            return NOON

    alerts = Alerts([].append, store=store, clock=Clock())
    alerts.started([other])
    assert not alerts.are_all_healthy(NOON)
    alerts.polled(Poll("timesca", NOON, Outcome.OK, started_at=NOON))
    assert alerts.are_all_healthy(NOON)
    assert not alerts.are_all_healthy(NOON + timedelta(hours=1))
