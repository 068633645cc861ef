"""Python reference: a page for each folder of the package that public names come from, and one for plug-ins."""

from __future__ import annotations

import inspect
from importlib import import_module

import fxticker
import fxticker.errors
import fxticker.sources

TITLES = {
    "frames": "Reading",
    "store": "The store",
    "analysis": "Rates and their changes",
    "charts": "Charts",
    "export": "Files",
    "report": "The monthly report",
    "sources": "Pages",
    "errors": "Errors",
}
"""By the folder of the package that has a name."""
RESULTS = {
    "analysis": [
        ("fxticker.analysis.best", "RateStatement"),
        ("fxticker.analysis.convert", "Conversion"),
        ("fxticker.analysis.explain", "Explanation"),
    ],
    "store": [
        ("fxticker.store.store", "Appended"),
        ("fxticker.store.check", "Finding"),
        ("fxticker.store.check", "Moved"),
        ("fxticker.store.wrong_clock_notes", "WrongClockNote"),
    ],
}
"""Records that functions of a folder return, by module and name."""
PLUGINS = {
    "fxticker.sources": [name for name in fxticker.sources.__all__ if name not in fxticker.__all__],
    "fxticker.sources.contract": ["check_source", "check_history"],
    "fxticker.sources.bank": ["quoted", "listed", "Listed", "read_day", "for_day", "for_span"],
    "fxticker.sources.documents": [
        "read_xml",
        "read_json",
        "Element",
        "NumberText",
        "RepeatedName",
        "without_exponent",
    ],
}
"""What packages with sources use, by module."""


def public_names() -> dict[str, list[str]]:
    """Return the public names, in alphabetical order, by the folder that has them."""
    groups: dict[str, list[str]] = {folder: [] for folder in TITLES}
    for name in sorted(fxticker.__all__):
        if name != "__version__":
            groups[getattr(fxticker, name).__module__.split(".")[1]].append(name)
    return {folder: names for folder, names in groups.items() if names}


def api_pages() -> dict[str, str]:
    """Return the text of each page by file name, ``index.md`` among them."""
    groups = public_names()
    pages = {
        f"{folder}.md": _page(TITLES[folder], [*(("fxticker", name) for name in names), *RESULTS.get(folder, ())])
        for folder, names in groups.items()
    }
    pages["errors.md"] = _errors(groups["errors"])
    parts = [
        "# Sources of other packages",
        "[Adding a source](project/CONTRIBUTING.md#adding-a-source) shows how these are used.",
    ]
    for module, names in PLUGINS.items():
        text = inspect.getdoc(import_module(module)) or ""
        parts += [f"## {module}", text.partition("\n")[0], *(_directive(module, name) for name in names)]
    pages["plugins.md"] = "\n\n".join(parts).replace("](project/", "](../project/") + "\n"
    order = "\n".join([*groups, "plugins"])
    toctree = f"```{{toctree}}\n:maxdepth: 1\n\n{order}\n```"
    what = "Everything public is a name of `fxticker`; the [guide](../guide.md) shows it at work."
    pages["index.md"] = f"# Python reference\n\n{what}\n\n{toctree}\n"
    return pages


def _page(title: str, entries: list[tuple[str, str]]) -> str:
    return "\n\n".join([f"# {title}", *(_directive(module, name) for module, name in entries)]) + "\n"


def _errors(public: list[str]) -> str:
    """Return the page of the errors: their tree, and each of them, by its public name if it has one."""
    text = inspect.getdoc(fxticker.errors) or ""
    first, _, tree = text.partition("::")
    classes = [
        name for name, value in vars(fxticker.errors).items() if inspect.isclass(value) and issubclass(value, Exception)
    ]
    entries = [_directive("fxticker" if name in public else "fxticker.errors", name) for name in classes]
    kept = inspect.cleandoc(tree.partition("\n\nBeside")[0])
    return "\n\n".join([f"# {TITLES['errors']}", first.strip(), f"```text\n{kept}\n```", *entries]) + "\n"


def _directive(module: str, name: str) -> str:
    value = getattr(import_module(module), name)
    if not inspect.isclass(value):
        kind, options = "autofunction", ""
    elif issubclass(value, BaseException):
        kind, options = "autoexception", "\n   :show-inheritance:"
    else:
        kind, options = "autoclass", "\n   :members:"
    return f"```{{eval-rst}}\n.. {kind}:: {module}.{name}{options}\n```"
