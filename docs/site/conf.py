"""Settings of Sphinx for the site; ``make docs`` builds it from what compose.py writes."""

from __future__ import annotations

import sys
from pathlib import Path
from pkgutil import resolve_name
from shutil import copyfile

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole

import fxticker

sys.path.insert(0, str(Path(__file__).parent))
from plain_markdown import plain_markdown

project = "fxticker"
version = release = fxticker.__version__
html_show_copyright = html_show_sphinx = False
language = "en"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"

html_theme = "furo"
html_title = f"fxticker {version}"
html_copy_source = False  # beside each page is its Markdown: see write_markdown
html_show_sourcelink = False
html_static_path = ["wide.css"]
html_css_files = ["wide.css"]
smartquotes = False  # it makes a dash of the two hyphens of an option

myst_heading_anchors = 4
suppress_warnings = [
    "misc.highlighting_failure",  # requests of the HTTP API are shown without the protocol's version
    "myst.header",  # README files of folders begin with the level that GitHub shows
]

default_role = "name"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"(?!fxticker\.).*"),  # columns, parameters and values, which docstrings put into single backticks too
    (
        "py:class",
        r"(collections|contextlib|datetime|decimal|fractions|matplotlib|numpy|os|pandas|pathlib|pd|pl|polars|pyarrow|types|typing)\..*",
    ),
    (
        "py:class",
        r"MaxAge|Moment|StorePath|Zone",
    ),  # names of types in signatures, each a union that the guide describes
]


class Name(PyXRefRole):
    """A text in single backticks: a link if it is a public name, as `Store` or `fxticker.load`; else code."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the nodes of the text."""
        if "." not in self.text and not self.text[:1].isupper():
            return [nodes.literal(self.rawtext, self.text)], []
        self.name = "py:obj"
        if self.text in fxticker.__all__:
            self.target = f"fxticker.{self.text}"
        return super().run()


def is_internal(_app: Sphinx, _env: object, node: nodes.Element, content: nodes.Node) -> nodes.Node | None:
    """Show a name of the package that has no entry in the reference as it is; one that does not exist is a warning."""
    if node.get("refdomain") != "py" or not node.get("reftarget", "").startswith("fxticker."):
        return None
    try:
        resolve_name(node["reftarget"])
    except (ImportError, AttributeError):
        return None
    return content


def write_markdown(app: Sphinx, error: Exception | None) -> None:
    """Put the Markdown of each page beside it, and llms.txt, which lists them."""
    if error is None:
        for page in app.env.found_docs:
            text = Path(app.srcdir, f"{page}.md").read_text("utf-8")
            Path(app.outdir, f"{page}.md").write_text(plain_markdown(text), "utf-8")
        copyfile(Path(app.srcdir, "llms.txt"), Path(app.outdir, "llms.txt"))


def setup(app: Sphinx) -> None:
    """Connect what this file adds to Sphinx."""
    app.add_role("name", Name())
    app.connect("missing-reference", is_internal)
    app.connect("build-finished", write_markdown)
