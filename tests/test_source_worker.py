"""A worker leaves exactly one outcome for each slot, whatever the source and the clock do."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from builders import PRINTED_TICKS
from daemons import (
    ANSWER,
    SAFETY_S,
    SECOND,
    ManualClock,
    RecordingObserver,
    SteppedClock,
    at,
    daemon_of,
    distances,
    outcomes,
    planned,
    reasons,
    run_daemon,
    running,
    settle_at_start,
)
from servers import RawServer, refusing_url

import fxticker as fx
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Cron, Every
from fxticker.monitoring.metrics import Metrics
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

# Polls on the grid


def test_every_slot_gets_one_outcome(tmp_path, site):
    taken = run_daemon(Store(tmp_path), planned(site.url, Every(SECOND)), polls=3)
    stored = dict(outcomes(tmp_path))
    assert distances(tmp_path) == {SECOND}
    assert [stored[poll.slot] for poll in taken] == ["ok", "ok", "ok"]
    assert {(poll.slot.microsecond, poll.ticks) for poll in taken} == {(0, 5)}
    assert len(fx.load(tmp_path)) == 15


def test_cron_grid_is_polled_at_its_slots(tmp_path, site, info_log):
    settle_at_start(tmp_path, planned(site.url, Cron("*/15 * * * *")), now=at("12:10:00"))
    assert "timesca: next slot 2025-11-14T12:15:00+00:00" in info_log.text


@pytest.mark.parametrize(
    ("now", "following"),
    [("12:00:00", "12:00:00"), ("12:07:30", "12:00:00"), ("12:07:31", "12:15:00"), ("12:14:59", "12:15:00")],
)
def test_current_slot_is_polled_at_start_until_half_its_interval_has_passed(tmp_path, info_log, now, following):
    settle_at_start(tmp_path, planned(), now=at(now))
    assert f"timesca: next slot 2025-11-14T{following}+00:00" in info_log.text


def test_failed_poll_is_recorded_and_polling_goes_on(tmp_path):
    with refusing_url() as url, daemon_of(Store(tmp_path), planned(url, Every(SECOND)), polls=2) as (daemon, taken):
        daemon.run()
    assert [poll.outcome for poll in taken] == ["unreachable", "unreachable"]
    assert distances(tmp_path) == {SECOND}


def faults_then_reads(faults, fault=None):
    """A source's code that fails so many times before it works."""
    left = [fault or RuntimeError("a fault\nin two lines")] * faults

    def parse(body, headers):
        if left:
            raise left.pop()
        return SOURCE.parse(body, headers)

    return parse


def test_exception_in_a_source_is_recorded_and_polling_goes_on(tmp_path, site, caplog):
    plan = planned(site.url, Every(SECOND), parse=faults_then_reads(1))
    taken = run_daemon(Store(tmp_path), plan, polls=2)
    assert [poll.outcome for poll in taken] == ["error", "ok"]
    assert taken[0].detail == "RuntimeError: see the log"
    assert dict(outcomes(tmp_path))[taken[0].slot] == "error"
    assert "a fault\nin two lines" in caplog.text


def test_source_that_exits_is_recorded_and_polling_goes_on(tmp_path, site):
    plan = planned(site.url, Every(SECOND), parse=faults_then_reads(1, SystemExit(0)))
    taken = run_daemon(Store(tmp_path), plan, polls=2)
    assert [poll.outcome for poll in taken] == ["error", "ok"]
    assert taken[0].detail == "SystemExit: see the log"


class Foreign(BaseException):
    """What no handler of `Exception` catches."""


@pytest.mark.parametrize("fault", [Foreign, KeyboardInterrupt, GeneratorExit])
def test_source_that_would_end_its_thread_ends_the_daemon_by_an_error(tmp_path, site, fault):
    plan = planned(site.url, Every(SECOND), parse=faults_then_reads(1, fault()))
    with pytest.raises(RuntimeError, match=f"ended by {fault.__name__}"):
        run_daemon(Store(tmp_path), plan, polls=2)


def test_fault_in_the_staleness_of_a_source_leaves_no_tick_without_outcome(tmp_path):
    page = render_html(PRINTED_TICKS, at("12:00:00").date()).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page
    with RawServer(lambda exchange: exchange.send(answer)) as server:
        plan = planned(server.url, Every(SECOND), stale_after_days="2")
        taken = run_daemon(Store(tmp_path), plan, polls=2)
        again = run_daemon(Store(tmp_path), plan, polls=1)
    assert [poll.outcome for poll in taken + again] == ["error"] * 3
    assert taken[0].detail == "TypeError: see the log"
    assert fx.load(tmp_path).empty


def test_failing_source_does_not_stop_other_sources(tmp_path, site):
    broken = planned(site.url, Every(SECOND), id="broken", parse=faults_then_reads(100))
    working = planned(site.url, Every(SECOND))
    taken = run_daemon(Store(tmp_path), broken, working, polls=4)
    polled = {(poll.source, str(poll.outcome)) for poll in taken}
    assert polled == {("broken", "error"), ("timesca", "ok")}


def test_hanging_source_does_not_stop_other_sources(tmp_path, site):
    with RawServer(lambda exchange: exchange.pause(20)) as hanging:
        # By another name, for a host gets one request at a time.
        slow = planned(hanging.url.replace("127.0.0.1", "localhost"), Every(SECOND), id="hanging")
        plans = slow, planned(site.url, Every(SECOND))
        taken = run_daemon(Store(tmp_path), *plans, polls=3, timeout_s=20, stop_grace_s=0.1)
    assert [poll.source for poll in taken[:3]] == ["timesca", "timesca", "timesca"]


def test_slot_during_a_running_poll_is_an_overrun(tmp_path):
    recorded_meanwhile = []

    def slow(exchange):
        exchange.pause(2.2)
        recorded_meanwhile.extend(outcomes(tmp_path))
        exchange.send(ANSWER)

    with RawServer(slow) as server:
        taken = run_daemon(Store(tmp_path), planned(server.url, Every(SECOND)), polls=1, timeout_s=20)
    rows = outcomes(tmp_path)
    while rows[0] == (rows[0][0], "missed"):  # a machine so busy that the first slot passed before its poll
        del rows[0]
    (slot, outcome), *later = rows
    assert (slot, outcome) == (taken[0].slot, "ok")
    assert len(server.requests) == 1
    assert {outcome for _, outcome in later} == {"overrun"}
    assert distances(tmp_path) == {SECOND}
    # What is recorded last tells a restart which slot was being polled.
    assert recorded_meanwhile == []
    assert "the previous poll was still running" in set(fx.load_polls(tmp_path)["detail"].dropna())


def polled_under_a_clock_that_is_set(store, site, step):
    """Three polls, the clock being set after the first of them."""
    clock = SteppedClock()

    def set_clock(_poll):
        clock.ahead = step

    plan = planned(site.url, Every(SECOND))
    return run_daemon(store, plan, clock=clock, polls=3, on_poll=set_clock)


@pytest.mark.parametrize("step", [5 * SECOND, -2 * SECOND], ids=["forward", "back"])
@pytest.mark.slow
def test_set_clock_leaves_no_gap_and_polls_no_slot_twice(tmp_path, site, step):
    store = Store(tmp_path)
    store.record([Poll("timesca", Every(SECOND).at_or_before(datetime.now(UTC)) - 5 * SECOND, Outcome.OK)])
    taken = polled_under_a_clock_that_is_set(store, site, step)
    assert len({poll.slot for poll in taken}) == 3
    assert [poll.outcome for poll in taken] == ["ok", "ok", "ok"]
    assert distances(tmp_path) == {SECOND}


@pytest.mark.slow
def test_clock_set_back_before_all_records_polls_no_slot_twice(tmp_path, site):
    taken = polled_under_a_clock_that_is_set(Store(tmp_path), site, -2 * SECOND)
    assert len({poll.slot for poll in taken}) == 3


class WrongAtFirst:
    """A machine without a battery for its clock: it starts in the past and is set when the daemon has begun."""

    def __init__(self, behind):
        self.behind = [behind, behind]

    def now(self):
        return datetime.now(UTC) - (self.behind.pop() if self.behind else timedelta(0))


def test_slots_after_a_missed_first_slot_have_outcomes(tmp_path, site):
    plan = planned(site.url, Every(SECOND))
    run_daemon(Store(tmp_path), plan, clock=WrongAtFirst(10 * SECOND), polls=1)
    assert distances(tmp_path) == {SECOND}


# What the clock does


SLEPT = ("missed", "the machine slept or the clock was set forward by 3600 s")


def test_after_a_suspend_passed_slots_are_missed_and_the_current_one_is_polled(tmp_path, site, caplog):
    with running(Store(tmp_path), planned(site.url)) as run:
        run.wait()
        run.jump(hours=1)
        run.wait(4)
    assert outcomes(tmp_path)[::4] == [(at("12:00:00"), "ok"), (at("13:00:00"), "ok")]
    assert reasons(tmp_path) == {"12:15": SLEPT, "12:30": SLEPT, "12:45": SLEPT}
    assert run.jumps == [timedelta(hours=1)]
    assert run.beats == [at("13:00:10")]
    assert "the machine slept or the clock was set forward by 3600 s" in caplog.text


def test_clock_far_ahead_is_trusted_after_a_minute(tmp_path, site):
    with running(Store(tmp_path), planned(site.url)) as run:
        run.wait()
        run.jump(days=2)
        assert len(outcomes(tmp_path)) == 1
        run.clock.go_on(timedelta(seconds=61))
        run.daemon.beat()
        run.wait(192)
    assert outcomes(tmp_path)[-1] == (at("12:00:00") + timedelta(days=2), "ok")
    assert {detail for _, detail in reasons(tmp_path).values()} == {
        "the machine slept or the clock was set forward by 172800 s"
    }


def test_clock_far_ahead_for_a_moment_records_nothing(tmp_path, site):
    with running(Store(tmp_path), planned(site.url)) as run:
        run.wait()
        run.jump(days=4000)
        run.jump(days=-4000)
    assert run.jumps == [timedelta(days=4000), timedelta(days=-4000)]
    assert outcomes(tmp_path) == [(at("12:00:00"), "ok")]


def test_after_a_suspend_a_late_current_slot_is_missed_at_once(tmp_path, site):
    clock = ManualClock(at("12:09:00"))
    with running(Store(tmp_path), planned(site.url), clock=clock) as run:
        run.jump(hours=1)
        run.wait(4)
    assert reasons(tmp_path) == {"12:15": SLEPT, "12:30": SLEPT, "12:45": SLEPT, "13:00": SLEPT}
    assert [poll.slot for poll in run.taken if not poll.slot.microsecond] == []  # that at the start is off the grid


def test_jump_between_two_beats_is_detected_by_the_next_poll(tmp_path, site):
    clock = SteppedClock()

    def set_clock(_poll):
        clock.ahead = timedelta(hours=1)

    run_daemon(Store(tmp_path), planned(site.url, Every(SECOND)), clock=clock, polls=2, on_poll=set_clock, beat_s=3600)
    assert distances(tmp_path) == {SECOND}
    assert SLEPT in set(reasons(tmp_path).values())


def test_poll_during_a_clock_jump_keeps_its_outcome(tmp_path):
    go_on = threading.Event()

    def answer(exchange):
        assert go_on.wait(SAFETY_S)
        exchange.send(ANSWER)

    with RawServer(answer) as server, running(Store(tmp_path), planned(server.url)) as run:
        assert server.requested.wait(SAFETY_S)
        run.jump(hours=1)
        go_on.set()
        run.wait(5)
    assert outcomes(tmp_path)[0] == (at("12:00:00"), "ok")
    assert distances(tmp_path) == {timedelta(minutes=15)}
    assert dict.fromkeys(("12:15", "12:30", "12:45"), SLEPT).items() <= reasons(tmp_path).items()


def test_after_a_clock_set_back_polling_goes_on_at_the_new_time(tmp_path, site, caplog):
    clock = SteppedClock(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=clock) as run:
        run.wait()
        clock.put(at("11:29:59.500"))
        run.daemon.beat()
        run.wait()
    assert outcomes(tmp_path) == [(at("11:30:00"), "ok"), (at("12:00:00"), "ok")]
    assert [by < timedelta(minutes=-30) for by in run.jumps] == [True]
    assert "the clock was set back by 18" in caplog.text


def test_after_a_clock_set_back_no_slot_has_a_second_outcome(tmp_path, site):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:15:00"), Outcome.OK)])
    clock = SteppedClock(at("12:00:10"))
    with running(store, planned(site.url), clock=clock) as run:
        run.wait(3)
        clock.put(at("11:20:00"))
        run.daemon.beat()
        clock.put(at("12:14:59.500"))
        run.daemon.beat()
        run.wait()
    assert outcomes(tmp_path) == [
        (at("11:15:00"), "ok"),
        (at("11:30:00"), "missed"),
        (at("11:45:00"), "missed"),
        (at("12:00:00"), "ok"),
        (at("12:15:00"), "ok"),
    ]


def test_daemon_beats_while_a_poll_hangs(tmp_path):
    beaten = threading.Semaphore(0)

    class Beats(RecordingObserver):
        def beat(self, now):
            beaten.release()

    options = {"observers": [Beats()], "beat_s": 0.01, "stop_grace_s": 0.1}
    with RawServer(lambda exchange: exchange.pause(SAFETY_S)) as server:
        with daemon_of(Store(tmp_path), planned(server.url, Every(SECOND)), **options) as (daemon, _):
            thread = threading.Thread(target=daemon.run)
            thread.start()
            assert server.requested.wait(SAFETY_S)
            assert all(beaten.acquire(timeout=SAFETY_S) for _ in range(3))
            daemon.stop()
            thread.join(SAFETY_S)
        assert not thread.is_alive()


# Leaving a source alone


def test_slots_before_the_end_of_retry_after_are_recorded_as_backoff(tmp_path):
    busy = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1800\r\nContent-Length: 0\r\n\r\n"
    with (
        RawServer(lambda exchange: exchange.send(busy if len(server.requests) == 1 else ANSWER)) as server,
        running(Store(tmp_path), planned(server.url)) as run,
    ):
        for minutes in (0, 15, 15, 15):
            run.jump(minutes=minutes)
            run.wait()
    assert [outcome for _, outcome in outcomes(tmp_path)] == ["http_error", "backoff", "backoff", "ok"]
    assert len(server.requests) == 2
    assert "sent Retry-After: no request until 2025-11-14T12:30:10Z" in reasons(tmp_path)["12:15"][1]
    assert reasons(tmp_path)["12:00"][1].startswith(reasons(tmp_path)["12:15"][1])


def test_next_slot_is_after_those_that_are_skipped(tmp_path, info_log):
    busy = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1800\r\nContent-Length: 0\r\n\r\n"
    store = Store(tmp_path)
    metrics = Metrics(store=store, clock=(clock := ManualClock(at("12:00:10"))))
    with RawServer(lambda exchange: exchange.send(busy)) as server:
        plan = planned(server.url)
        with running(store, plan, clock=clock, observers=[metrics]) as run:
            run.wait_for(lambda: metrics.next_slots() == {"timesca": at("12:45")})
            run.daemon.reload([planned(server.url, Every(timedelta(minutes=20)))])
            run.wait_for(lambda: "timesca: next slot 2025-11-14T12:40:00+00:00" in info_log.text)
