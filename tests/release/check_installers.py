"""Install the wheel with pip, pipx and uv and run it once with uvx, as docs/install.md says, in folders of its own.

Needs the packages of requirements/release.txt.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from built import WORK, run, wheel

PROGRAMS = Path(sys.executable).parent


def main():
    """Try each, and print one line of figures."""
    file = wheel()
    home = WORK / "installers"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    own = {
        "PIPX_HOME": home / "pipx",
        "PIPX_BIN_DIR": home / "pipx-bin",
        "UV_TOOL_DIR": home / "uv",
        "UV_TOOL_BIN_DIR": home / "uv-bin",
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
    }
    environ = {**os.environ, **{name: str(value) for name, value in own.items()}}
    expected = f"fxticker {file.name.split('-')[1]}"
    python = ["--python", sys.executable]
    figures = []

    def tried(name, command, program, *words):
        begun_s = time.monotonic()
        if command:
            run(*command, cwd=home, env=environ)
        printed = run(*program, *words, cwd=home, env=environ)
        assert words != ("--version",) or printed.strip() == expected, printed
        figures.append(f"{name} {time.monotonic() - begun_s:.0f} s")

    run(sys.executable, "-m", "venv", home / "venv")
    pip = [home / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", file]
    tried("pip", pip, [home / "venv/bin/fxticker"], "--version")
    with_extra = f"{file}[excel]"
    tried("pipx", ["pipx", "install", "--quiet", *python, with_extra], [home / "pipx-bin/fxticker"], "--version")
    tried("uv tool", ["uv", "tool", "install", "--quiet", *python, with_extra], [home / "uv-bin/fxticker"], "--version")
    tried("uvx demo", [], ["uvx", "--quiet", *python, "--from", file, "fxticker"], "demo")
    assert (home / "fxticker-demo" / "history.png").is_file()
    for folder in ("pipx-bin", "uv-bin"):
        run(
            home / folder / "fxticker",
            "export",
            "rates.xlsx",
            "--store",
            "fxticker-demo/history",
            cwd=home,
            env=environ,
        )
    shutil.rmtree(home)
    print(f"installed and run: {', '.join(figures)}")


if __name__ == "__main__":
    main()
