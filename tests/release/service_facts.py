"""What the booted system says of the service: properties of the unit, its log, the outcomes on record."""

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

PROGRAM = "/opt/fxticker/bin/fxticker"
STORE = Path("/var/lib/fxticker/parquet")


def run(*command, check=True, **changes):
    """Run a command and return what it printed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **changes)
    if check and done.returncode:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def page(script, *user):
    """Run a block of the page as it stands, and return what it printed."""
    return run(*user, "/bin/sh", "-euc", script)


def until(is_so, limit_s, what, pause_s=0.1):
    """Wait until something is so; returns the seconds that it took."""
    begun_s = time.monotonic()
    while not is_so():
        if time.monotonic() - begun_s > limit_s:
            raise AssertionError(f"not within {limit_s} s: {what}\n{journal()[-4000:]}")
        time.sleep(pause_s)
    return time.monotonic() - begun_s


def took(action):
    """Seconds that an action takes."""
    begun_s = time.monotonic()
    action()
    return time.monotonic() - begun_s


def shown(name):
    """A property of the unit."""
    return run("systemctl", "show", "--value", "--property", name, "fxticker").strip()


def journal(unit="fxticker", *options):
    """The log of the unit."""
    return run("journalctl", "--no-pager", "--output=cat", "--unit", unit, *options)


def polls():
    """The outcome of each slot, oldest first."""
    printed = run(PROGRAM, "polls", "--store", STORE, "--format", "json", "--all", check=False)
    return [] if "no poll on record" in printed else json.loads(printed)


def counted(outcome, since):
    """How many slots from an instant on have this outcome."""
    return sum(poll["outcome"] == outcome and poll["slot"] >= since for poll in polls())


def now():
    """The present instant, as the command line prints it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def wait_for_polls(count, limit_s=60):
    """Wait until so many successful polls of slots from now on are recorded."""
    since = now()
    until(lambda: counted("ok", since) >= count, limit_s, f"{count} polls after {since}", pause_s=1)


def is_active():
    """Whether the daemon has reported that it is ready."""
    return shown("ActiveState") == "active"
