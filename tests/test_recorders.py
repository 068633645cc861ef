"""Recorders of one store that are killed at random moments, on a SeaweedFS: see recorders.py."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from object_servers import program
from processes import run

PROGRAM = Path(__file__).with_name("recorders.py")


@pytest.mark.slow
@pytest.mark.parametrize(("writers", "slots", "kills", "seed"), [(2, 1000, 10, 1), (3, 400, 8, 2)])
def test_no_slot_is_missing_doubled_or_lost_when_recorders_are_killed(writers, slots, kills, seed):
    program("weed")

    options = {"slots": slots, "kills": kills, "seed": seed, "writers": writers, "sources": 8, "speed": 120}
    done = run([sys.executable, PROGRAM, *(f"--{name}={value}" for name, value in options.items())])

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"OK: {writers} recorders 2 s apart, {kills} kills, 0 cuts, ")


@pytest.mark.slow
def test_no_slot_is_missing_doubled_or_lost_when_a_recorder_is_cut_off():
    program("weed")
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network namespace needs root and `ip`")

    options = {"slots": 400, "kills": 0, "cuts": 4, "seed": 3, "sources": 8, "speed": 60}
    done = run([sys.executable, PROGRAM, *(f"--{name}={value}" for name, value in options.items())])

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("OK: 2 recorders 2 s apart, 0 kills, 4 cuts, ")
