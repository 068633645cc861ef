"""Manual pages and shell completions: as the commands and Click have them, and read by groff and the shells."""

import shutil
import sys
import zipfile
from pathlib import Path
from subprocess import run

import pytest
from flit_core.wheel import make_wheel_in

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "docs" / "site"))

from command_facts import commands  # noqa: E402
from share import COMPLETIONS, FOLDER, shared_files  # noqa: E402

PAGES = sorted((FOLDER / "man" / "man1").glob("*.1"))
STATED = ["drift", "drift-by-period", "drift-series"]


def test_committed_files_are_those_that_make_share_writes():
    committed = {str(path.relative_to(FOLDER)): path.read_text("utf-8") for path in FOLDER.rglob("*") if path.is_file()}
    assert committed == shared_files(), "make share"


def test_every_command_has_a_page_that_names_its_options():
    pages = {path.name: path.read_text("utf-8").replace("\\-", "-").replace("\\(aq", "'") for path in PAGES}
    for command in commands():
        text = pages.pop(f"{'-'.join(command.words)}.1")
        assert [names for names, _ in command.options if f"\n\\fB{names}\\fR\n" not in text] == []
        assert command.summary.removesuffix(".") in text
    assert pages == {}


def test_wheel_has_them_below_share(tmp_path):
    make_wheel_in(ROOT / "pyproject.toml", tmp_path)
    [wheel] = tmp_path.iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition(".data/data/share/")[2] for name in names} - {""} == {*shared_files()}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_pages_are_read_without_a_warning():
    shown = run(["groff", "-man", "-ww", "-Tutf8", "-P-cbou", *PAGES], capture_output=True, text=True, check=True)
    assert shown.stderr == ""
    assert shown.stdout.count("\nEXIT STATUS\n") == len(PAGES)
    assert "… up to this day" in shown.stdout


def shell(words, tmp_path):
    """Run a shell that finds this interpreter's fxticker by its name."""
    command = tmp_path / "bin" / "fxticker"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m fxticker "$@"\n', "utf-8")
    command.chmod(0o755)
    environment = {"PATH": f"{command.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"}
    return run(words, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


def test_bash_completes_commands(tmp_path):
    script = f"""
        source {FOLDER / COMPLETIONS["bash"]}
        COMP_WORDS=(fxticker drift); COMP_CWORD=1
        _fxticker_completion fxticker
        printf '%s\\n' "${{COMPREPLY[@]}}"
        complete -p fxticker
    """
    *found, registered = shell(["bash", "--norc", "-c", script], tmp_path).splitlines()
    assert sorted(found) == STATED
    assert registered.endswith("-F _fxticker_completion fxticker")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_commands(tmp_path):
    script = f"source {FOLDER / COMPLETIONS['fish']}; complete -C 'fxticker drift'"
    assert sorted(line.split("\t")[0] for line in shell(["fish", "-c", script], tmp_path).splitlines()) == STATED


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes_commands(tmp_path):
    script = f"""
        fpath=({(FOLDER / COMPLETIONS["zsh"]).parent} $fpath)
        autoload -Uz compinit && compinit -u -D
        print ${{_comps[fxticker]}}
        autoload -Uz +X _fxticker
        _describe() {{ print -l ${{(P)${{@[-2]}}}} }}
        compadd() {{ : }}
        words=(fxticker drift) CURRENT=2
        eval $functions[_fxticker]
        _fxticker_completion
    """
    registered, *found = shell(["zsh", "-f", "-c", script], tmp_path).splitlines()
    assert registered == "_fxticker"
    assert sorted(line.partition(":")[0] for line in found) == STATED
