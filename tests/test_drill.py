import json
import socket
import threading
import time
from dataclasses import replace

import pytest
from builders import cases
from click.testing import CliRunner
from daemons import SAFETY_S, SECOND, RecordingObserver, daemon_of, distances, planned

import fxticker as fx
from fxticker.cli.drill import drill as drill_command
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.records import Outcome
from fxticker.model.schedule import Every
from fxticker.simulation.drill import MAX_BYTES, drill
from fxticker.simulation.faults import FAULTS
from fxticker.simulation.loopback_server import LoopbackServer, request_path, with_robots
from fxticker.store.store import Store

RECORDED = cases("drill")["recorded"]


def drilled(name, **changes):
    [result] = drill([replace(FAULTS[name], **changes)])
    return result


def paths(result):
    return [request_path(request) for request in result.requests]


# What is recorded


def test_drill_has_exactly_these_faults():
    assert list(FAULTS) == list(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_fault_is_recorded_correctly_within_time_and_memory(name):
    expected, result = RECORDED[name], drilled(name)
    assert result.problems == []
    assert result.poll.outcome in expected["outcomes"]
    assert (result.poll.ticks, result.stored) == (expected["ticks"], expected["ticks"])
    assert result.poll.http_status == expected.get("http_status")


@pytest.mark.parametrize("name", ["gzip-bomb", "endless-body", "10-mb-page"])
def test_oversized_body_costs_at_most_four_times_the_limit_of_memory(name):
    result = drilled(name)
    assert result.poll.detail == "the body exceeds 1000000 bytes"
    assert result.peak_bytes < 4 * MAX_BYTES


@pytest.mark.parametrize("name", ["moved", "redirect-loop"])
def test_redirect_of_the_page_is_not_followed(name):
    assert paths(drilled(name)) == ["/robots.txt", "/"]


def test_page_that_robots_txt_forbids_is_not_requested():
    assert paths(drilled("robots")) == ["/robots.txt"]


def test_no_request_is_made_before_the_end_of_retry_after():
    result = drilled("backoff")
    assert paths(result) == []
    assert "sent Retry-After: no request until 2025-11-14T12:45:01Z" in result.poll.detail


def test_detail_of_a_rate_jump_has_both_rates():
    assert drilled("rate-jump").poll.detail == "rate jump: KZT/USD 0.00191 -> 0.19100"


# What the drill says when something differs


@pytest.mark.parametrize(
    ("name", "changes", "problems"),
    [
        ("sound", {"outcomes": (Outcome.STALE,)}, ["outcome"]),
        ("sound", {"ticks": 4}, ["ticks"]),
        ("sound", {"needle": "rate jump"}, ["detail"]),
        ("404", {"http_status": None}, ["status"]),
        ("sound", {"url": "http://localhost:{port}/"}, ["host"]),
        ("backoff", {"before": FAULTS["500"].answer}, ["outcome", "status", "ticks"]),
    ],
)
def test_wrong_records_are_named(name, changes, problems):
    assert drilled(name, **changes).problems == problems


def test_excess_time_and_memory_and_extra_slots_are_named():
    result = drilled("sound")
    assert replace(result, took_s=60.0).problems == ["time"]
    assert replace(result, peak_bytes=50_000_000).problems == ["memory"]
    assert replace(result, slots=(result.poll.slot, result.poll.slot)).problems == ["outcome"]


# The server


def _closing_took_s(answer, request_head):
    """Seconds that closing a server takes while a client is connected to it."""
    with socket.socket() as client:
        with LoopbackServer(answer) as server:
            client.connect(("127.0.0.1", server.port))
            if request_head:
                client.sendall(request_head)
                assert server.requested.wait(SAFETY_S)
            start_s = time.monotonic()
        return time.monotonic() - start_s


@pytest.mark.parametrize(
    ("answer", "request_head"),
    [
        (lambda exchange: exchange.pause(60), b"GET / HTTP/1.1\r\n\r\n"),
        (lambda exchange: exchange.send(bytes(100_000_000)), b"GET / HTTP/1.1\r\n\r\n"),
        (lambda exchange: exchange.drip([b"x"] * 1_000, 60), b"GET / HTTP/1.1\r\n\r\n"),
        (lambda exchange: None, b""),
    ],
    ids=["paused", "sending to a client that does not read", "dripping", "waiting for a request"],
)
def test_closing_the_server_ends_all_its_waits(answer, request_head):
    threads = threading.active_count()
    assert _closing_took_s(answer, request_head) < 9  # a wait that is not ended takes ten seconds
    assert threading.active_count() == threads


# The daemon under a mix of faults


def _in_turn(*names):
    """An answer that plays faults one after the other, and then a page with an old date."""
    answers = iter([FAULTS[name].answer for name in names])

    def answer(exchange):
        next(answers, FAULTS["sound"].answer)(exchange)

    return answer


@pytest.mark.slow
def test_every_slot_has_one_outcome_on_the_grid_under_a_mix_of_faults(tmp_path):
    slots = []

    def stop_after_six(poll):
        slots.append(poll.slot)
        if len(slots) == 6:
            daemon.stop()

    answer = _in_turn("stalled-body", "reset", "damaged", "gzip-bomb", "dripping-body")
    options = {"timeout_s": 0.5, "fetch": RobotsFetcher, "observers": [RecordingObserver(stop_after_six)]}
    with (
        LoopbackServer(with_robots(answer)) as server,
        daemon_of(Store(tmp_path), planned(server.url, Every(SECOND)), **options) as (daemon, _),
    ):
        daemon.run()
    polls = fx.load_polls(tmp_path)
    assert len(polls) >= 6
    assert slots == list(polls["slot"])
    assert distances(tmp_path) == {SECOND}
    assert {slot.microsecond for slot in polls["slot"]} == {0}
    assert set(polls["outcome"]) <= {
        *("timeout", "unreachable", "damaged", "too_large", "stale"),
        *("missed", "overrun", "backoff"),  # a machine that is busy, and what the daemon makes of three timeouts
    }


# The command


@pytest.fixture
def command():
    return lambda *arguments: CliRunner().invoke(drill_command, arguments)


def test_command_plays_the_named_faults_and_prints_results(command):
    done = command("sound", "404", "--format", "json")
    assert done.exit_code == 0
    rows = json.loads(done.stdout)
    assert [(row["fault"], row["expected"], row["outcome"], row["ticks"], row["verdict"]) for row in rows] == [
        ("sound", "ok", "ok", 5, "as expected"),
        ("404", "http_error", "http_error", 0, "as expected"),
    ]


def test_command_fails_if_a_result_is_wrong(command, monkeypatch):
    monkeypatch.setitem(FAULTS, "404", replace(FAULTS["404"], outcomes=(Outcome.OK,), ticks=5))
    done = command("404", "sound", "--format", "csv")
    assert done.exit_code == 1
    assert ",wrong: outcome; ticks" in done.stdout.splitlines()[1]
    assert done.stdout.splitlines()[2].endswith(",as expected")


def test_command_lists_the_faults_if_a_name_is_unknown(command):
    done = command("nonsense")
    assert done.exit_code == 2
    assert "unknown fault nonsense" in done.stderr
    assert "sound, refused" in done.stderr
