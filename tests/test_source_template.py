"""Template of a source: filled in, it is a package whose test passes and whose source is polled."""

import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from subprocess import run

import pytest

from fxticker.sources.plugins import GROUP, load
from fxticker.sources.registry import known_sources

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "contrib" / "source" / "new_source.py"


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "fxticker-otherbank"
    run([sys.executable, SCRIPT, "otherbank", folder], check=True)
    return folder


@pytest.fixture
def importable(package, monkeypatch):
    monkeypatch.syspath_prepend(package)
    monkeypatch.syspath_prepend(package / "tests")
    yield package
    for name in ("fxticker_otherbank", "test_otherbank"):
        sys.modules.pop(name, None)


def test_source_of_a_filled_in_template_is_loaded_and_its_test_passes(importable):
    project = tomllib.loads((importable / "pyproject.toml").read_text("utf-8"))["project"]
    [[name, value]] = project["entry-points"][GROUP].items()
    assert project["name"] == "fxticker-otherbank"
    assert load([EntryPoint(name, value, GROUP)], taken=known_sources())["otherbank"].id == "otherbank"

    import test_otherbank

    test_otherbank.test_recorded_answer_is_read_as_printed()


def test_test_of_a_filled_in_template_finds_a_wrong_number(importable):
    import test_otherbank

    answer = importable / "tests" / "answer.xml"
    answer.write_bytes(answer.read_bytes().replace(b"478.77", b"478.70"))
    with pytest.raises(AssertionError, match=r"478\.70"):
        test_otherbank.test_recorded_answer_is_read_as_printed()


def test_nothing_of_the_template_is_left_in_it(package):
    files = sorted(path.relative_to(package) for path in package.rglob("*") if path.is_file())
    assert [str(path) for path in files] == [
        "fxticker_otherbank.py",
        "pyproject.toml",
        "tests/answer.xml",
        "tests/test_otherbank.py",
    ]
    assert not [path for path in files if "mybank" in (package / path).read_text("utf-8")]


def test_source_of_the_template_has_twenty_lines_and_stands_in_the_documents():
    text = (SCRIPT.parent / "template" / "fxticker_mybank.py").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith('"""')]
    assert len(lines) <= 20
    assert text in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "message"), [(["../x", "new"], "an id here has"), (["x1", "."], ". exists"), ([], "ID FOLDER")]
)
def test_script_refuses_what_it_cannot_write(words, message, tmp_path):
    result = run([sys.executable, SCRIPT, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_installed_package_is_polled_and_tested_by_pytest(package, tmp_path):
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*install, "--target", target, package], check=True)
    settings = tmp_path / "config.toml"
    settings.write_text("[sources.otherbank]\n", "utf-8")
    environment = {"PYTHONPATH": f"{target}:{ROOT}", "PATH": "/usr/bin:/bin"}
    plan = [sys.executable, "-m", "fxticker", "run", "--plan", "--config", settings]
    assert "otherbank" in run(plan, env=environment, capture_output=True, text=True, check=True).stdout
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", package / "tests"]
    assert "1 passed" in run(tests, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
