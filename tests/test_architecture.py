"""The layout keeps its word: a functional core without I/O, and commands that import only what they need."""

import ast
import re
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from subprocess import run

import pytest

import fxticker

PACKAGE = Path(fxticker.__file__).parent
ALLOWED = {
    "web": {"config", "page", "sources", "analysis", "frames", "monitoring", "store", "model", "errors"},
    "report": {"charts", "analysis", "frames", "store", "sources", "model", "errors"},
    "simulation": {"daemon", "monitoring", "collect", "store", "sources", "fetch", "model", "errors"},
    "page": {"files", "export", "analysis", "frames", "sources", "store", "model", "errors"},
    "charts": {"files", "analysis", "frames", "sources", "model", "errors"},
    "export": {"files", "analysis", "frames", "store", "model", "errors"},
    "doctor": {"installed", "config", "daemon", "monitoring", "collect", "store", "fetch", "model", "errors"},
    "daemon": {"files", "installed", "config", "monitoring", "collect", "store", "sources", "fetch", "model", "errors"},
    "analysis": {"frames", "store", "sources", "model", "errors"},
    "backfill": {"store", "sources", "fetch", "model", "errors"},
    "monitoring": {"store", "sources", "fetch", "model", "errors"},
    "frames": {"store", "sources", "fetch", "model", "errors"},
    "collect": {"store", "sources", "fetch", "model", "errors"},
    "config": {"store", "sources", "fetch", "model", "errors"},
    "store": {"model", "errors"},
    "sources": {"model", "errors"},
    "fetch": {"model", "errors"},
    "errors": {"model"},
    "files": set(),
    "installed": set(),
    "model": set(),
}
"""What each entry of the package may import beside itself; `cli` may import everything, and so may the public names."""
_MODULES = {"config", "errors", "files", "installed"}
ENTRIES = {"__init__.py", "__main__.py", "py.typed", "cli", *(f"{name}.py" for name in _MODULES), *ALLOWED} - _MODULES
MAX_LINES = 300
LONGER = {  # why a module may be longer than that
    "config.py": "one record per table of the file, with its checks",
    "errors.py": "the whole error tree, which its docstring draws",
    "store/store.py": "every operation of a store, with its contract",
}
CORE = [
    *(path for folder in ("model", "sources") for path in sorted((PACKAGE / folder).rglob("*.py"))),
    PACKAGE / "collect" / "anomalies.py",
    PACKAGE / "collect" / "backoff.py",
    PACKAGE / "collect" / "page_cache.py",
    PACKAGE / "collect" / "page_outcome.py",
    PACKAGE / "fetch" / "http_date.py",
    PACKAGE / "fetch" / "retry_after.py",
    PACKAGE / "monitoring" / "health.py",
]
SHELL_IN_CORE = {"clock.py", "plugins.py"}
"""The seam to the machine's clock, and the finder of plug-ins, which logs those that fail."""
CORE = [path for path in CORE if path.name not in SHELL_IN_CORE]
IMPURE = {"os", "io", "time", "socket", "subprocess", "threading", "logging", "pathlib", "random", "httpx", "pyarrow"}


def _imported(path):
    tree = ast.parse(path.read_text("utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def _name(path):
    return str(path.relative_to(PACKAGE))


def _modules():
    """All modules by their dotted name below the package."""
    return {
        ".".join(part for part in path.relative_to(PACKAGE).with_suffix("").parts if part != "__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def _own_imports(path, modules, *, at_import_only=False):
    """The package's modules that one imports, by dotted name below the package."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = _run_at_import(tree) if at_import_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            full = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in full:
            below = name.removeprefix("fxticker").removeprefix(".")
            if name.partition(".")[0] == "fxticker":
                found.add(below if below in modules else below.rpartition(".")[0])
    return found


def _run_at_import(tree):
    """The statements that run when a module is imported: not those in functions or for type checkers only."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        is_typing = isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        if not isinstance(node, ast.FunctionDef) and not is_typing:
            waiting.extend(ast.iter_child_nodes(node))


def test_top_of_the_package_has_the_entries_of_the_layout():
    assert {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"} == ENTRIES


def test_imports_are_those_of_the_table():
    modules = _modules()
    against = [
        f"{module} imports {other}"
        for module, path in modules.items()
        for other in _own_imports(path, modules)
        if (entry := module.partition(".")[0]) in ALLOWED and other.partition(".")[0] not in ALLOWED[entry] | {entry}
    ]
    assert against == []


def test_no_module_imports_itself_by_way_of_others():
    modules = _modules()
    imported = {module: _own_imports(path, modules, at_import_only=True) - {module} for module, path in modules.items()}
    TopologicalSorter(imported).prepare()  # raises CycleError


def test_fast_path_is_the_only_way_to_an_excerpt():
    modules = _modules()
    users = {module for module, path in modules.items() if "sources.timesca.excerpt" in _own_imports(path, modules)}
    assert users == {"sources.timesca.fast_path"}
    users = {module for module, path in modules.items() if "sources.timesca.fast_path" in _own_imports(path, modules)}
    assert users == {"sources.timesca.ticker"}


def test_estimates_are_used_by_no_other_answer():
    modules = _modules()
    estimates = {
        "analysis.estimate",
        "analysis.volatility",
        "analysis.probable",
        "analysis.move_bounds",
        "analysis.sigma",
    }
    users = {module for module, path in modules.items() if estimates & _own_imports(path, modules)}
    assert users - estimates == {"", "analysis.interval_rows", "cli.estimate"}


def test_modules_are_short():
    lines = {_name(path): len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name for name, count in lines.items() if count > MAX_LINES} == set(LONGER)


def test_readme_has_a_line_for_each_entry():
    text = (PACKAGE.parent / "README.md").read_text("utf-8")
    listed = re.findall(r"^    fxticker/(\S+?)/? ", text, re.MULTILINE)
    assert sorted(listed) == sorted(ENTRIES - {"__init__.py", "__main__.py", "py.typed"})


@pytest.mark.parametrize("path", CORE, ids=_name)
def test_core_imports_no_io_and_no_clock(path):
    assert _imported(path) & IMPURE == set()


@pytest.mark.parametrize("path", CORE, ids=_name)
def test_core_calls_neither_now_nor_open(path):
    tree = ast.parse(path.read_text("utf-8"))
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert called & {"now", "utcnow", "today", "open", "print", "input"} == set()


def _heavy_modules_after(code):
    heavy = ("pandas", "matplotlib", "httpx", "pyarrow", "fxticker.config", "apscheduler", "starlette", "uvicorn")
    script = f"import sys\n{code}\nprint(*[name for name in {heavy} if name in sys.modules])"
    return (
        run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()
    )


def test_importing_the_package_imports_nothing_heavy():
    assert _heavy_modules_after("import fxticker") == []


def test_help_imports_nothing_heavy():
    code = "from fxticker.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass"
    assert _heavy_modules_after(code) == []


def test_processes_that_read_archives_need_no_http_client():
    assert _heavy_modules_after("import fxticker.backfill.reading_process\nprint()") == ["pyarrow"]


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
    locks = [root / folder / "package-lock.json" for folder in ("tests/node", "tests/clients/node", "page")]
    named = [root / "pyproject.toml", root / "Makefile", root / ".ci" / "run", *locks]
    named += [*root.glob("requirements/*.txt"), *root.glob(".github/workflows/*")]
    assert len(named) >= 15
    for path in named:
        text = path.read_text("utf-8")
        assert "pypi" not in text.lower()
        assert "index-url" not in text
        assert "resolved" not in text
