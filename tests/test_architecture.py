"""The layout keeps its word: a functional core without I/O, and commands that import only what they need."""

import ast
import sys
from importlib import import_module
from pathlib import Path
from subprocess import run

import pytest

import fxticker

PACKAGE = Path(fxticker.__file__).parent
CORE = (
    "models",
    "printed",
    "bands",
    "page_text",
    "landmarks",
    "zones",
    "parsing",
    "normalising",
    "schedule",
    "politeness",
    "health",
    "instants",
    "documents",
    "sources/__init__",
    "sources/official",
    "sources/constants",
    "sources/timesca",
    "sources/cbu",
    "sources/nbk",
    "sources/nbkr",
    "sources/nbt",
    "sources/fawazahmed0",
    "sources/cbr",
)
IMPURE = {"os", "io", "time", "socket", "subprocess", "threading", "logging", "pathlib", "random", "httpx", "pyarrow"}


def _imported(path):
    tree = ast.parse(path.read_text("utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("module", CORE)
def test_core_imports_no_io_and_no_clock(module):
    assert _imported(PACKAGE / f"{module}.py") & IMPURE == set()


@pytest.mark.parametrize("module", CORE)
def test_core_calls_neither_now_nor_open(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert called & {"now", "utcnow", "today", "open", "print", "input"} == set()


def _heavy_modules_after(code):
    heavy = ("pandas", "matplotlib", "httpx", "pyarrow", "fxticker.config", "apscheduler")
    script = f"import sys\n{code}\nprint(*[name for name in {heavy} if name in sys.modules])"
    return (
        run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()
    )


def test_importing_the_package_imports_nothing_heavy():
    assert _heavy_modules_after("import fxticker") == []


def test_help_imports_nothing_heavy():
    code = "from fxticker.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass"
    assert _heavy_modules_after(code) == []


def test_latest_needs_no_pandas(history_store):
    arguments = ["latest", "--store", str(history_store)]
    code = f"from fxticker.cli import app\ntry: app({arguments!r})\nexcept SystemExit: pass"
    assert _heavy_modules_after(code) == ["pyarrow"]


def test_every_public_name_is_there_and_documented():
    for name in fxticker.__all__:
        value = getattr(fxticker, name)
        assert name == "__version__" or value.__doc__


def test_public_names_survive_the_import_of_every_module():
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem not in {"__init__", "__main__"}:
            import_module(".".join(("fxticker", *path.relative_to(PACKAGE).with_suffix("").parts)))
    assert all(callable(getattr(fxticker, name)) for name in fxticker.__all__ if name != "__version__")


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        fxticker.nonsense  # noqa: B018


def test_committed_files_name_no_package_registry():
    root = PACKAGE.parent
    named = [root / "pyproject.toml", root / "Makefile", root / ".ci" / "run", *root.glob("requirements/*.txt")]
    assert len(named) == 7
    for path in named:
        text = path.read_text("utf-8")
        assert "pypi" not in text.lower()
        assert "index-url" not in text
