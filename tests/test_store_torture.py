"""The store under writers that are killed at random moments while readers look on: see torture.py."""

import sys
from pathlib import Path

import pytest
from processes import run

PROGRAM = Path(__file__).with_name("torture.py")


@pytest.mark.parametrize(("kills", "seed"), [(10, 1), pytest.param(150, 2, marks=pytest.mark.slow)])
def test_store_survives_killed_writers_beside_readers(kills, seed):
    done = run([sys.executable, PROGRAM, "--kills", str(kills), "--seed", str(seed)])

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"OK: {kills} kills ")
