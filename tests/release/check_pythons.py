"""Install the wheel on every Python of this machine, with the newest and the lowest allowed packages, and use it.

No package of the project's developers is there, and the checkout is not on the path. Each Python gets the wheel alone
with the newest packages, and the wheel with all extras with the newest and with the lowest that pyproject.toml allows.
Arguments: versions such as ``3.12``, to try only those. Needs the packages of requirements/release.txt.
"""

import os
import re
import shutil
import sys
import time
import tomllib
from pathlib import Path
from subprocess import run as quietly

from built import ROOT, WORK, run, wheel

UV = Path(sys.executable).with_name("uv")
LEAST = (3, 11)
PLACES = (
    Path("/usr/bin"),
    Path("/usr/local/bin"),
    Path(sys.base_prefix) / "bin",
    *Path.home().glob(".pyenv/versions/*/bin"),
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = sorted({*PROJECT["project"]["optional-dependencies"]} - {"all"})
TRIALS = (("alone", [], "highest"), ("all", EXTRAS, "highest"), ("all", EXTRAS, "lowest-direct"))


def main(versions):
    """Try each, and print a line of figures for each trial and for all."""
    file, begun_s = wheel(), time.monotonic()
    found = [
        (python, version) for python, version in pythons() if not versions or version.rpartition(".")[0] in versions
    ]
    for python, version in found:
        for name, extras, resolution in TRIALS:
            tried(file, python, version, name, extras, resolution)
    print(f"{len(TRIALS) * len(found)} environments on {len(found)} Pythons: {time.monotonic() - begun_s:.0f} s")


def pythons():
    """Every interpreter that pyproject.toml allows: its path and its version."""
    found = {}
    for place in PLACES:
        for path in sorted(place.glob("python3*")):
            if re.fullmatch(r"python3(\.\d+)?", path.name) and path.resolve() not in found:
                code = "import sys, ssl; print('%d.%d.%d' % sys.version_info[:3])"
                answer = quietly([path, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
                found[path.resolve()] = answer
    usable = {path: text for path, text in found.items() if text and tuple(map(int, text.split(".")[:2])) >= LEAST}
    return sorted(usable.items(), key=lambda item: [*map(int, item[1].split("."))])


def tried(file, python, version, name, extras, resolution):
    """Install the wheel into a fresh environment, run what it must do there, and print figures."""
    begun_s = time.monotonic()
    folder = WORK / f"python-{version}-{name}-{resolution}"
    shutil.rmtree(folder, ignore_errors=True)
    work = folder / "work"
    run(UV, "venv", "--quiet", "--python", python, folder)
    work.mkdir()
    target = folder / "bin" / "python"
    allowed = ["--quiet", "--python", target, "--only-binary", ":all:"]
    pins = folder / "pins.txt"
    chosen = ["--extra", "all"] if extras else []
    resolved = ["--resolution", resolution, "--no-header", "--no-annotate", "--output-file", pins]
    run(UV, "pip", "compile", ROOT / "pyproject.toml", *chosen, *allowed, *resolved)
    wanted = f"fxticker[all] @ {file.as_uri()}" if extras else file
    run(UV, "pip", "install", wanted, "--constraint", pins, *allowed)
    require_pins(run(UV, "pip", "freeze", "--quiet", "--python", target), pins.read_text("utf-8"))
    clean = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    clean |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore::DeprecationWarning"}
    smoke = ROOT / "tests" / "release" / "smoke.py"
    commands = run(target, smoke, ROOT / "docs", *extras, cwd=work, env=clean).strip()
    packages = len(pins.read_text("utf-8").split())
    print(
        f"Python {version} ({python}), {name}, {resolution}: {packages} packages, {commands} commands, "
        f"{time.monotonic() - begun_s:.0f} s",
        flush=True,
    )
    shutil.rmtree(folder)


def require_pins(frozen, pins):
    """Compare what is installed with what was resolved, and see that no developer's package is there."""
    installed = {line for line in frozen.splitlines() if not line.startswith("fxticker ")}
    assert installed == {line.split(" ;")[0] for line in pins.splitlines()}, installed ^ {*pins.splitlines()}
    assert not any(line.startswith(("pytest==", "hypothesis==", "mypy==")) for line in installed)


if __name__ == "__main__":
    main(sys.argv[1:])
