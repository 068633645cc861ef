"""The collector over many polls: see soak.py."""

import sys
from pathlib import Path

import pytest
from processes import run

PROGRAM = Path(__file__).with_name("soak.py")


@pytest.mark.slow
def test_2000_polls_record_one_outcome_per_slot_and_leak_no_memory_or_descriptor():
    # At 12 h, 2,000 polls fill 33 months, and the warm-up those that the store keeps in memory.
    done = run([sys.executable, PROGRAM, "--polls", "2000", "--every", "12h"])
    printed = done.stdout.splitlines()

    assert done.stderr == ""
    assert "2,000 polls in" in printed[-1]
    assert [line for line in printed if line.startswith("wrong")] == []
