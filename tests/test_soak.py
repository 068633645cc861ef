"""The collector over many polls: see soak.py."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("soak.py")


@pytest.fixture(scope="module")
def printed():
    # At 12 h, 2,000 polls fill 33 months, and the warm-up those that the store keeps in memory.
    done = subprocess.run(
        [sys.executable, PROGRAM, "--polls", "2000", "--every", "12h"],
        check=False,
        timeout=300,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def wrong(printed):
    return [line for line in printed if line.startswith("wrong")]


def test_2000_polls_leave_one_outcome_a_slot_and_no_memory_or_descriptor_behind(printed):
    assert "2,000 polls in" in printed[-1]
    assert wrong(printed) == []
