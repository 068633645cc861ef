"""Install the wheel with each of its extras alone, with the newest packages, and do with it what the extra is for.

Needs the packages of requirements/release.txt; some minutes, and for this Python only.
"""

import shutil
import sys
import time
import tomllib
from pathlib import Path

from built import ROOT, WORK, run, wheel

UV = Path(sys.executable).with_name("uv")


def main():
    """Try each, and print one line of figures."""
    file, figures = wheel(), []
    folder = WORK / "extras"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "work").mkdir(parents=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = sorted({*project["optional-dependencies"]} - {"all"})
    for extra in extras:
        begun_s = time.monotonic()
        run(UV, "venv", "--quiet", "--python", sys.executable, folder / extra)
        python = folder / extra / "bin" / "python"
        run(UV, "pip", "install", "--quiet", "--python", python, f"fxticker[{extra}] @ {file.as_uri()}")
        if extra == extras[0]:
            run(python.with_name("fxticker"), "demo", cwd=folder / "work")
        run(python, ROOT / "tests" / "release" / "smoke.py", "-", extra, cwd=folder / "work")
        figures.append(f"{extra} {time.monotonic() - begun_s:.0f} s")
        shutil.rmtree(folder / extra)
    shutil.rmtree(folder)
    print(f"extras: {', '.join(figures)}")


if __name__ == "__main__":
    main()
