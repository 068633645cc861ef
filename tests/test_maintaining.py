"""Documents and files for maintainers: targets, hooks, limits and places that they name exist and are as stated."""

import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from subprocess import run

import pytest

ROOT = Path(__file__).parent.parent
TEXTS = {path.name: path.read_text("utf-8") for path in (ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md")}
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
LIMITS = [
    (*row, name)
    for *row, names in re.findall(
        r"^\| .+? \| ([0-9,]+)(?: (\w+))?[^|]* \| (`fxticker\..+`) \|$", TEXTS["SECURITY.md"], re.MULTILINE
    )
    for name in re.findall(r"`([\w.]+)`", names)
]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def test_make_alone_lists_every_target():
    listed = run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([\w-]+) {2,}\S", listed, re.MULTILINE)) == TARGETS - {"help"}


def test_hooks_run_what_ci_runs_with_tools_of_the_project():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    in_ci = set(re.findall(r"^make (.+)$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE))
    run_by_ci = {f"make {target}" for line in in_ci for target in line.split()}
    run_by_hooks = set(re.findall(r"^ +entry: (.+)$", hooks, re.MULTILINE))
    assert run_by_hooks == {"make lint", "make types", "make test"}
    assert run_by_hooks <= run_by_ci
    assert set(re.findall(r"repo: (\S+)", hooks)) == {"local"}


def limit(name):
    """The value of a dotted name; of a field of a record its default."""
    owner, _, last = name.rpartition(".")
    try:
        return getattr(import_module(owner), last)
    except ModuleNotFoundError:
        module, _, record = owner.rpartition(".")
        return getattr(getattr(import_module(module), record)(), last)


def test_every_table_of_limits_is_read():
    assert len(LIMITS) == TEXTS["SECURITY.md"].count("`fxticker.") - 1  # one stands in a sentence


@pytest.mark.parametrize(("number", "unit", "name"), LIMITS, ids=lambda value: value)
def test_limit_is_that_of_the_code(number, unit, name):
    stated = int(number.replace(",", ""))
    value = limit(name)
    if isinstance(value, timedelta):
        value, stated = value.total_seconds(), stated * SECONDS[unit]
    assert value == stated


def test_files_and_targets_of_the_documents_exist():
    for text in TEXTS.values():
        named = re.findall(r"`((?:docs|tests|page|contrib|benchmarks|fxticker|parquet)/[\w./-]*)`", text)
        assert [name for name in named if not (ROOT / name).exists()] == []
        assert {word for words in re.findall(r"`make ([a-z -]+)`", text) for word in words.split()} <= TARGETS


def test_every_decision_is_listed_with_its_title():
    index = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| \[(\d+)\]\((.+?)\) \| (.+) \|$", index, re.MULTILINE)
    assert [(f"# {number}. {title}", name) for number, name, title in listed] == [
        (path.read_text("utf-8").partition("\n")[0], path.name) for path in DECISIONS
    ]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_has_context_choice_and_evidence_whose_files_exist(path):
    text = path.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Evidence", "Consequences"]
    assert [name for name in re.findall(r"`(tests/[\w./]+)`", text) if not (ROOT / name).exists()] == []
