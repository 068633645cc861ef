"""A recorder alone: its lock has what recording needs and no more, and its commands work with that."""

import re
import sys
import tomllib
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, run

import pytest

ROOT = Path(__file__).parent.parent
LEFT_OUT = {"matplotlib", "pandas", "rich", "tsdownsample", "warcio"}
"""Packages of the project that a recorder does without."""
CONFIG = """
[store]
path = "parquet"
[alerts]
on_alert = "{python} -c pass"
[sources.timesca]
url = "{url}"
every = "{every}"
[http]
timeout_s = 0.9
"""
WORKING = [
    "--version",
    "run --plan",
    "snapshot",
    "latest",
    "latest --format csv",
    "status",
    "polls",
    "check",
    "alert --test",
    "mirror mirrored",
    "restore mirrored --store restored",
    "forget --after 2100-01-01",
    "reparse",
]
"""Of a recorder; what else works with its packages is not promised."""
LACKING = {
    "gaps": "pandas",
    "coverage": "pandas",
    "history": "pandas",
    "evidence --at today": "pandas",
    "export rates.csv": "pandas",
    "drift --start yesterday": "pandas",
    "rate KZT/USD": "pandas",
    "plot history -o chart.png": "pandas",
    "report --month 2025-11 -o report.html": "pandas",
    "publish page": "pandas",
    "import page.html": "warcio",
    "drill reset": "rich",
    "demo": "pandas",
}
"""Commands, and the package that each is the first to miss."""


def versions(lock):
    """Names and versions of a lock file, as ``numpy==2.4.6``."""
    return {*re.findall(r"^([a-z0-9-]+==\S+)", (ROOT / "requirements" / lock).read_text("utf-8"), re.MULTILINE)}


def names(lines):
    return {re.match(r"[a-z0-9-]+", line)[0] for line in lines}


def test_lock_of_a_recorder_is_that_of_the_project_without_what_only_reading_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    group = [name for name in project["dependency-groups"]["recorder"] if isinstance(name, str)]
    assert {*group} == names(project["project"]["dependencies"]) - LEFT_OUT
    locked = versions("recorder.txt")
    assert {*group} < names(locked)
    assert names(locked) & LEFT_OUT == set()
    assert locked < versions("run.txt")


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
    """A fresh environment with the lock's packages and the project."""
    folder = tmp_path_factory.mktemp("recorder")
    run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    run([*pip, "--require-hashes", "--requirement", ROOT / "requirements" / "recorder.txt"], check=True)
    run([*pip, "--no-deps", "--no-build-isolation", ROOT], check=True)
    return folder / "bin"


@pytest.mark.slow
def test_recorder_alone_records_and_says_what_other_commands_need(recorder, site, tmp_path):
    def fxticker(words):
        line = [recorder / "fxticker", *words.split()]
        return run(line, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    def configure(every):
        text = CONFIG.format(python=recorder / "python", url=site.url, every=every)
        (tmp_path / "config.toml").write_text(text, "utf-8")

    configure("15min")
    for words in WORKING:
        result = fxticker(words)
        assert (result.returncode, result.stderr) == (0, ""), words
    with Popen([recorder / "fxticker", "demo-site", "--port", "8017"], stdout=PIPE, text=True) as other:
        assert other.stdout.readline().startswith("Serving recorded tickers on http://127.0.0.1:8017/")
        other.terminate()
    assert other.returncode == 0
    configure("1s")
    with Popen([recorder / "fxticker", "run"], cwd=tmp_path, stderr=DEVNULL) as daemon:
        for _ in range(100):
            if fxticker("polls --format csv").stdout.count(",ok,") >= 2:
                break
        daemon.terminate()
    assert daemon.returncode == 0
    assert fxticker("polls --format csv").stdout.count(",ok,") >= 2
    for words, package in LACKING.items():
        result = fxticker(words)
        line = f"fxticker: this command needs {package}, which is not installed: pip install fxticker\n"
        assert (result.returncode, result.stderr) == (1, line), words
    page = fxticker("doctor").stdout
    assert "not installed: matplotlib, pandas, rich, tsdownsample, warcio" in " ".join(page.split())
    result = fxticker("serve")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "fxticker[web]" in result.stderr
