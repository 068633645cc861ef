"""What README and config.toml say is what the program does."""

import re
import shlex
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from subprocess import run

import pytest

from fxticker.config import ArchiveSettings, HttpSettings, SourceSettings, StoreSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = (
    "run",
    "snapshot",
    "import",
    "backfill",
    "latest",
    "history",
    "quotes",
    "drift",
    "drift-series",
    "drift-by-period",
    "changes",
    "decode",
    "resample",
    "peg",
    "convert",
    "compare",
    "best",
    "gaps",
    "coverage",
    "polls",
    "status",
    "check",
    "plot",
    "export",
    "drill",
    "demo",
    "service",
)


def names_of(table):
    return [field.name for field in fields(table)]


def _examples():
    lines = re.findall(r"^\$ fxticker (.*)$", README, re.MULTILINE)
    return [line.partition("#")[0].strip() for line in lines if not line.startswith("demo ")]


def test_every_command_has_an_example():
    assert set(re.findall(r"^(?:\$ )?fxticker ([\w-]+)", README, re.MULTILINE)) == set(COMMANDS)


def test_help_lists_the_same_commands():
    shown = run([sys.executable, "-m", "fxticker", "--help"], capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  ([\w-]+) {2,}\S", shown.partition("Run:")[2], re.MULTILINE)
    assert set(listed) == set(COMMANDS)


@pytest.fixture(scope="module")
def readme_folder(tmp_path_factory):
    """A folder as `make demo` leaves it, with saved pages beside."""
    from fxticker.simulation.captures import dated_slots, read_captures
    from fxticker.simulation.replay import replay, run_daemon
    from fxticker.simulation.site import TickerSite, render_text

    folder = tmp_path_factory.mktemp("readme")
    history = list(dated_slots(read_captures()))
    with TickerSite() as site:
        for _ in replay(history, site=site, store_path=folder / "fxticker-demo" / "history"):
            pass
        run_daemon(
            [history[0][1], history[1][1]],
            site=site,
            store_path=folder / "fxticker-demo" / "live",
            on_poll=lambda poll: None,
        )
    (folder / "saved-pages").mkdir()
    capture = read_captures()[0]
    (folder / "saved-pages" / "page.txt").write_text(render_text(capture.ticks, capture.page_date))
    return folder


@pytest.mark.parametrize("example", _examples())
def test_example_of_the_readme_works(example, readme_folder):
    shown = run(
        [sys.executable, "-m", "fxticker", *shlex.split(example)],
        cwd=readme_folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout
    assert shown.returncode == 0, shown.stderr


@pytest.mark.filterwarnings("default")
def test_python_of_the_readme_works(readme_folder, monkeypatch):
    monkeypatch.chdir(readme_folder)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_readme_lists_every_key_with_its_default():
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+?) \|", README.partition("## Configuration")[2], re.MULTILINE))
    keys = [f"store.{name}" for name in names_of(StoreSettings)]
    keys += [f"http.{name}" for name in names_of(HttpSettings)]
    keys += ["monitoring.listen", "alerts.on_alert"]
    keys += [f"archives.{name}" for name in names_of(ArchiveSettings)]
    keys += [f"sources.timesca.{name}" for name in names_of(SourceSettings)]
    assert list(rows) == keys
    defaults = tomllib.loads((ROOT / "config.toml").read_text("utf-8"))
    for key, shown in rows.items():
        if shown != "none":
            table, *path = key.split(".")
            value = defaults[table]
            for part in path:
                value = value[part]
            assert tomllib.loads(f"value = {shown.strip('`')}")["value"] == value


def test_config_file_spells_out_the_defaults():
    data = tomllib.loads((ROOT / "config.toml").read_text("utf-8"))
    assert HttpSettings(**data["http"]) == HttpSettings()
    assert StoreSettings(path=Path(data["store"]["path"])) == StoreSettings()


def test_every_function_and_chart_that_the_readme_names_is_there():
    import fxticker

    table = README.partition("| question | function |")[2].partition("Or without any help")[0]
    named = {name for name in re.findall(r"`([a-z_]+)`", table) if name not in {"theme", "light", "dark"}}
    assert named >= {"quotes", "plot_compare", "best"}
    assert named <= set(fxticker.__all__)
