"""Processes that tests start: Python scripts run to their end, or spoken to line by line."""

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

SAFETY_S = 60
"""Seconds after which a process that should have ended by itself is killed; its test then fails by what it hears."""
PRELUDE = f"""
import os, select, signal, subprocess, sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, {str(Path(__file__).parent)!r})
from builders import NOON, snapshot_ticks, tick
from fxticker.errors import SegmentUnreadable
from fxticker.model.records import Origin, Outcome, Poll, TimeBasis
from fxticker.store.local import FileCalls, LocalStorage
from fxticker.store.store import Store

root = Path(sys.argv[-1])

def say(word):
    print(word, flush=True)

def told(within_s=0):
    return bool(select.select([sys.stdin], [], [], within_s)[0])
"""
"""What every script on a store begins with; its last argument is the store's folder."""
HOLD = """
with LocalStorage(root).write_lock(30):
    say("holds")
    sys.stdin.read()
"""
"""Holds the store's write lock until it is killed or its input ends."""


class Process:
    """A process of the test's own that is spoken to line by line."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self._safety = threading.Timer(SAFETY_S, self.process.kill)
        self._safety.start()

    def hear(self):
        return self.process.stdout.readline().strip()

    def tell(self):
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.read()  # ends when those have ended that it started
        self.process.stdout.close()
        self._safety.cancel()
        self._safety.join()


def script_command(script, *arguments):
    return [sys.executable, "-W", "error", "-c", PRELUDE + script, *map(str, arguments)]


def run(command, *, check=False, timeout_s=600, **options):
    """Run a command to its end, in bounded time, and return its exit code and output."""
    return subprocess.run(command, check=check, timeout=timeout_s, capture_output=True, text=True, **options)
