"""What is known of the machine's clock: from Date and Age, from synchronisation, and by the boot-time clock."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, cases
from hypothesis import given
from hypothesis import strategies as st

from fxticker.collect.clock_evidence import ClockEvidence
from fxticker.collect.clock_sync import KernelClock, is_synchronised, read_kernel_clock
from fxticker.fetch.http_date import age_of, http_date
from fxticker.model.clock_trust import Trust
from fxticker.simulation.loopback_server import date_line

CASES = cases("clock_evidence")
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)
AT_ONCE = timedelta(0)


def dated(instant, **headers):
    return {"date": date_line(instant).removeprefix("Date: "), **headers}


class Boot:
    """A boot-time clock that is moved by hand."""

    passed_s = 0.0

    def __call__(self):
        return self.passed_s


# The two headers


@pytest.mark.parametrize("text", CASES["one_instant_in_three_forms"])
def test_date_is_read_in_its_three_forms(text):
    assert http_date(text) == datetime(1994 + 30, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, *CASES["no_dates"]])
def test_invalid_date_is_none(text):
    assert http_date(text) is None


@given(st.integers(946_684_800, 7_258_118_399))
def test_date_line_is_read_back(seconds):
    instant = datetime.fromtimestamp(seconds, UTC)
    assert http_date(dated(instant)["date"]) == instant


@given(st.text(max_size=200))
def test_any_text_is_a_date_or_none(text):
    assert http_date(text) is None or http_date(text).tzinfo is UTC
    assert age_of(text) is None or age_of(text) >= timedelta(0)


@pytest.mark.parametrize(("text", "seconds"), CASES["ages"])
def test_age_is_the_largest_of_its_numbers(text, seconds):
    assert age_of(text) == (None if seconds < 0 else timedelta(seconds=seconds))


# Trust


@pytest.mark.parametrize(
    ("off", "trust"),
    [
        (timedelta(0), Trust.CONFIRMED),
        (timedelta(minutes=59), Trust.CONFIRMED),
        (-timedelta(minutes=59), Trust.CONFIRMED),
        (HOUR, Trust.AHEAD),
        (YEAR, Trust.AHEAD),
        (-HOUR, Trust.BEHIND),
        (-YEAR, Trust.BEHIND),
    ],
)
def test_clock_is_wrong_from_an_hour_on(off, trust):
    evidence = ClockEvidence()
    assert evidence.trust(NOON) is Trust.UNCONFIRMED
    comparison = evidence.compare("a", dated(NOON - off), NOON, AT_ONCE)
    assert (comparison.trust, comparison.offset, comparison.is_wrong) == (trust, off, abs(off) >= HOUR)
    assert abs(comparison.confirmed - (NOON - off)) < timedelta(seconds=1)


@pytest.mark.parametrize("headers", [{}, {"date": "soon"}, dated(NOON - YEAR, age="0"), dated(NOON, age="none")])
def test_answer_without_a_date_or_with_an_age_has_no_usable_date(headers):
    comparison = ClockEvidence().compare("a", headers, NOON, AT_ONCE)
    assert (comparison.trust, comparison.offset, comparison.remark) == (Trust.UNCONFIRMED, None, None)


def test_confirmation_is_carried_on_by_the_boot_time_clock():
    boot = Boot()
    evidence = ClockEvidence(boottime=boot)
    evidence.compare("a", dated(NOON), NOON, AT_ONCE)
    boot.passed_s = 30 * 86400
    assert evidence.trust(NOON + timedelta(days=30)) is Trust.CONFIRMED
    assert evidence.trust(NOON + timedelta(days=30) + HOUR) is Trust.AHEAD
    assert evidence.trust(NOON + timedelta(days=30) - HOUR) is Trust.BEHIND


@pytest.mark.parametrize(
    ("offs_h", "trust"),
    [
        ([0, 0, 9000], Trust.CONFIRMED),
        ([9000, 9000, 0], Trust.AHEAD),
        ([0, 9000], Trust.CONFIRMED),  # the clock and one server agree: two against one
        ([-9000, 0], Trust.CONFIRMED),
        ([-9000, 9000, 3], Trust.AHEAD),
        ([5, 9000], Trust.AHEAD),
    ],
)
def test_median_of_the_sources_decides(offs_h, trust):
    evidence = ClockEvidence()
    for number, off_h in enumerate(offs_h):
        evidence.compare(f"source{number}", dated(NOON - off_h * HOUR), NOON, AT_ONCE)
    assert evidence.trust(NOON) is trust


def test_one_server_that_is_wrong_gives_a_remark_and_decides_nothing():
    evidence = ClockEvidence()
    for source in ("a", "b"):
        evidence.compare(source, dated(NOON), NOON, AT_ONCE)
    comparison = evidence.compare("c", dated(NOON + 3 * HOUR), NOON, AT_ONCE)
    assert not comparison.is_wrong
    assert comparison.remark == (
        "this machine's clock is 3:00:00 behind the answer's Date, which is in doubt: the clock is confirmed"
    )


def test_synchronised_clock_is_confirmed_against_every_server():
    evidence = ClockEvidence(is_synchronised=lambda _now: True)
    comparison = evidence.compare("a", dated(NOON - YEAR), NOON, AT_ONCE)
    assert (comparison.trust, comparison.offset) == (Trust.CONFIRMED, YEAR)
    assert "in doubt" in comparison.remark


def test_synchronisation_confirms_after_it_is_lost():
    boot, states = Boot(), [True, False, False]
    evidence = ClockEvidence(boottime=boot, is_synchronised=lambda _now: states.pop(0))
    assert evidence.trust(NOON) is Trust.CONFIRMED
    boot.passed_s = 60
    assert evidence.trust(NOON + YEAR) is Trust.AHEAD
    assert evidence.trust(NOON + timedelta(minutes=1)) is Trust.CONFIRMED


@pytest.mark.parametrize("state", [False, None])
def test_clock_that_is_not_known_to_be_synchronised_is_confirmed_by_servers_alone(state):
    evidence = ClockEvidence(is_synchronised=lambda _now: state)
    assert evidence.trust(NOON) is Trust.UNCONFIRMED
    assert evidence.compare("a", dated(NOON), NOON, AT_ONCE).trust is Trust.CONFIRMED


def test_halted_virtual_machine_is_confirmed_again_by_the_first_answer():
    boot = Boot()
    evidence = ClockEvidence(boottime=boot)
    for source in ("a", "b", "c"):
        evidence.compare(source, dated(NOON), NOON, AT_ONCE)
    later = NOON + 3 * HOUR  # of which the boot-time clock counted nothing
    assert evidence.trust(later) is Trust.AHEAD
    assert evidence.compare("a", dated(later), later, AT_ONCE).trust is Trust.CONFIRMED


def test_server_that_jumps_away_from_the_clock_does_not_silence_the_others():
    evidence = ClockEvidence(boottime=Boot())
    for source in ("a", "b", "c"):
        evidence.compare(source, dated(NOON), NOON, AT_ONCE)
    assert evidence.compare("a", dated(NOON - YEAR), NOON, AT_ONCE).trust is Trust.CONFIRMED


def test_time_that_the_answer_took_is_no_difference():
    comparison = ClockEvidence().compare("a", dated(NOON), NOON + timedelta(seconds=90), timedelta(seconds=100))
    assert (comparison.offset, comparison.remark) == (timedelta(0), None)


@given(st.lists(st.integers(-20_000, 20_000), min_size=1, max_size=9))
def test_law_of_the_median(offs_s):
    """More than half of the sources on one side of the clock, an hour or more away, decide it."""
    evidence = ClockEvidence(boottime=Boot())
    for number, off_s in enumerate(offs_s):
        evidence.compare(f"s{number}", dated(NOON - timedelta(seconds=off_s)), NOON, AT_ONCE)
    ahead, behind = sum(off >= 3600 for off in offs_s), sum(off <= -3600 for off in offs_s)
    trust = evidence.trust(NOON)
    assert (trust is Trust.AHEAD) or 2 * ahead <= len(offs_s)
    assert (trust is Trust.BEHIND) or 2 * behind <= len(offs_s)
    assert (trust is Trust.CONFIRMED) or 2 * (ahead + behind) >= len(offs_s)


# Synchronisation


@pytest.mark.parametrize(
    ("kernel", "has_file", "result"),
    [
        (KernelClock(NOON, is_synchronised=True), False, True),
        (KernelClock(NOON, is_synchronised=False), True, False),
        (KernelClock(NOON - YEAR, is_synchronised=True), True, None),
        (None, True, True),
        (None, False, None),
    ],
    ids=["kernel says yes", "kernel says no", "another clock than the kernel's", "file only", "neither can be read"],
)
def test_synchronisation_is_that_of_the_kernel_or_of_timesyncd(tmp_path, kernel, has_file, result):
    file = tmp_path / "synchronized"
    if has_file:
        file.touch()
        os.utime(file, times=(NOON.timestamp(),) * 2)
    assert is_synchronised(NOON, read_kernel=lambda: kernel, timesyncd_file=file) is result


@pytest.mark.parametrize(
    ("since", "result"),
    [
        (timedelta(minutes=34), True),
        (timedelta(minutes=60), True),
        (timedelta(minutes=61), None),  # it no longer runs, or the clock was set ahead
        (timedelta(days=365), None),
        (timedelta(seconds=-30), True),
        (timedelta(minutes=-2), None),  # the clock was set back
    ],
)
def test_synchronisation_of_long_ago_or_in_the_future_proves_nothing(tmp_path, since, result):
    file = tmp_path / "synchronized"
    file.touch()
    os.utime(file, times=(NOON.timestamp(),) * 2)
    assert is_synchronised(NOON + since, read_kernel=lambda: None, timesyncd_file=file) is result


def test_kernel_clock_is_this_machines():
    kernel = read_kernel_clock()
    assert kernel is None or abs(kernel.now - datetime.now(UTC)) < timedelta(seconds=5)
