"""The release of HEAD, built for the checks, and commands whose failure ends a check with all that they printed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "release"
sys.path.insert(0, str(ROOT / "release"))


def built(name="dist"):
    """Build the release of HEAD into a folder of that name, and return its files: without what is not committed."""
    from build import build

    return build(WORK / name)


def wheel():
    """The wheel of HEAD, built anew."""
    return built()[0]


def run(*command, **changes):
    """Run a command and return what it printed on standard output."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, **changes)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
