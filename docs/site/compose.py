"""Source of the site: the pages of the repository, those that are made from the code, and what they link to.

``python docs/site/compose.py FOLDER`` writes them into a folder of their own, from which Sphinx builds the site. A page
of ``docs/`` keeps its path there; everything else of the repository is below ``project/``; links are rewritten.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path, PurePosixPath
from shutil import copyfile, rmtree

from api_pages import api_pages
from command_facts import ROOT
from command_pages import command_pages
from http_pages import http_page

HOME = "docs/site/index.md"
CONTENTS = {
    "Guide": ("trying", "install", "guide", "limits", "estimate", "report", "export", "page", "http"),
    "Other programs": (
        "readers/README",
        *(f"readers/{name}" for name in ("duckdb", "polars", "spark", "r", "power-query", "javascript", "grafana")),
    ),
    "Running": ("running", "configuration", "evidence", "reading-a-page", "benchmarks", "scale"),
    "Reference": ("commands", "commands/index", "api/index", "http-reference", "project/parquet/README"),
    "Notebooks": ("notebooks/01_load", "notebooks/02_drift", "notebooks/03_operations"),
    "Project": (
        "project/CONTRIBUTING",
        "decisions/README",
        "project/SECURITY",
        "project/CHANGELOG",
        "Map of the code <project/README>",
        "project/benchmarks/README",
    ),
}
"""Entries of the navigation, by heading."""
PROJECT_PAGES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "parquet/README.md"),
    *("benchmarks/README.md", "benchmarks/results/README.md"),
)
"""Pages outside of ``docs/``."""
SUMMARY = (
    "Records the Central Asian FX ticker (KGS, KZT, TJS, UZS and TMT against USD) for years, and reads it back with "
    "the rounding error of every number."
)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!https?:|mailto:|#)([^()\s#]+)(#[^()\s]*)?\)")


def pages() -> list[str]:
    """Return the pages of the repository that are in the site, by path."""
    in_docs = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md"))
    return [*in_docs, *PROJECT_PAGES]


def place(path: str) -> str:
    """Return where a file of the repository is in the site's source."""
    if path == HOME:
        return "index.md"
    return path.removeprefix("docs/") if path.startswith("docs/") else f"project/{path}"


def compose(folder: Path) -> None:
    """Write the source of the site."""
    rmtree(folder, ignore_errors=True)
    made = {
        **{f"commands/{name}": text for name, text in command_pages().items()},
        **{f"api/{name}": text for name, text in api_pages().items()},
        "http-reference.md": http_page(),
    }
    linked: set[str] = set()
    for page in pages():
        made[place(page)] = _with_links(page, linked)
    made["decisions/README.md"] += _list("decisions", made)
    made["project/benchmarks/README.md"] += _list("project/benchmarks/results", made, to="results/")
    made["index.md"] += contents([name.removesuffix(".md") for name in made])
    for name, text in made.items():
        _write(folder / name, text)
    for path in sorted(linked - {*pages()}):
        target = folder / place(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        copyfile(ROOT / path, target)
    _write(folder / "llms.txt", llms_text(made))


def contents(names: list[str]) -> str:
    """Return the navigation; a page that no heading has is under Running.

    A page of some folders is below their page ``README`` or ``index`` instead.
    """
    listed = {name.rpartition("<")[2].rstrip(">") for entries in CONTENTS.values() for name in entries}
    below = ("commands/", "api/", "decisions/", "project/benchmarks/results/")
    others = [name for name in sorted(names) if name not in listed and name != "index" and not name.startswith(below)]
    texts = []
    for heading, entries in CONTENTS.items():
        more = others if heading == "Running" else ()
        texts.append("\n".join(["```{toctree}", ":hidden:", f":caption: {heading}", "", *entries, *more, "```"]))
    return "\n" + "\n\n".join(texts) + "\n"


def _with_links(page: str, linked: set[str]) -> str:
    """Return the text of a page with its links as they have to be in the site; adds the files that they lead to."""
    here = PurePosixPath(place(page)).parent

    def moved(match: re.Match[str]) -> str:
        mark, text, link, anchor = match[1], match[2], match[3], match[4] or ""
        path = os.path.normpath(PurePosixPath(page).parent / link)
        if (ROOT / path).is_dir():
            return text  # there is no page of a folder
        linked.add(path)
        return f"{mark}[{_nested(text)}]({os.path.relpath(place(path), here)}{anchor})"

    def _nested(text: str) -> str:
        return _LINK.sub(moved, text)

    return _LINK.sub(moved, (ROOT / page).read_text("utf-8"))


def _list(folder: str, made: dict[str, str], to: str = "") -> str:
    """Return the pages of a folder as a part of the navigation that the page does not show."""
    names = [PurePosixPath(name).stem for name in sorted(made) if name.startswith(f"{folder}/")]
    entries = [f"{to}{name}" for name in names if to or name != "README"]
    return "\n".join(["", "```{toctree}", ":hidden:", "", *entries, "```", ""])


def llms_text(made: dict[str, str]) -> str:
    """Return an index of the site for programs that read text: each page as Markdown, beside its HTML page."""
    lines = ["# fxticker", "", f"> {SUMMARY}", ""]
    folders = {
        "Commands": "commands/",
        "Python": "api/",
        "Notebooks": "notebooks/",
        "Decisions": "decisions/",
        "Project": "project/",
    }
    others = [name for name in sorted(made) if not name.startswith(tuple(folders.values()))]
    sections = {"Pages": sorted(others, key=lambda name: name not in ("guide.md", "limits.md"))}
    sections |= {title: [name for name in sorted(made) if name.startswith(folder)] for title, folder in folders.items()}
    for title, names in sections.items():
        lines += [f"## {title}", "", *(f"- [{_title(made[name])}]({name})" for name in names), ""]
    return "\n".join(lines)


def _title(text: str) -> str:
    return re.search(r"^# (.+)$", text, re.MULTILINE)[1]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    compose(Path(sys.argv[1]))
