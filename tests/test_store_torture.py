"""The store under writers that are killed at random moments while readers look on: see torture.py."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("torture.py")


def torture(kills, seed):
    return subprocess.run(
        [sys.executable, PROGRAM, "--kills", str(kills), "--seed", str(seed)],
        check=False,
        timeout=600,
        capture_output=True,
        text=True,
    )


def test_store_survives_writers_that_are_killed_while_readers_look_on():
    done = torture(kills=25, seed=1)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].startswith("OK: 25 kills ")


@pytest.mark.slow
def test_store_survives_many_killed_writers():
    done = torture(kills=150, seed=2)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].startswith("OK: 150 kills ")
