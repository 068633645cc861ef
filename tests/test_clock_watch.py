"""Jumps of the wall clock are detected, and slots wait after those far ahead."""

from datetime import timedelta

import pytest
from builders import NOON
from daemons import ManualClock, at

from fxticker.daemon.clock_watch import ClockWatch, jump_of

HOUR = timedelta(hours=1)


def test_jump_has_the_instants_that_the_clock_skipped():
    slept = jump_of(HOUR, NOON)
    assert (slept.after, slept.until) == (at("11:00"), NOON)
    assert slept.why == "the machine slept or the clock was set forward by 3600 s"
    assert jump_of(-HOUR, NOON).why == "the clock was set back by 3600 s"


@pytest.mark.parametrize(
    ("wall_s", "passed_s", "jumped_s"),
    [(5, 5, None), (6.9, 5, None), (7, 5, 2), (3.1, 5, None), (3, 5, -2), (3605, 5, 3600), (-3595, 5, -3600)],
)
def test_difference_of_two_seconds_to_the_monotonic_clock_is_a_jump(wall_s, passed_s, jumped_s):
    clock = ManualClock(NOON)
    jumps = []
    watch = ClockWatch(clock, clock.monotonic, on_jump=jumps.append)
    clock.wall += timedelta(seconds=wall_s)
    clock.passed_s += passed_s
    watch.check()
    watch.check()
    assert jumps == ([] if jumped_s is None else [timedelta(seconds=jumped_s)])
