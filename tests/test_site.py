"""Site of the documentation: references have what the code has, pages keep their links, other hosts are not needed."""

import re
import sys
from pathlib import Path
from subprocess import run

import click
import pytest

import fxticker
from fxticker.cli import app
from fxticker.web.openapi import document

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "site"
PYTHON = ROOT / ".venv-docs" / "bin" / "python"
sys.path.append(str(SITE))

from api_pages import api_pages  # noqa: E402
from check import problems  # noqa: E402
from command_facts import commands  # noqa: E402
from command_pages import command_pages  # noqa: E402
from compose import compose, pages, place  # noqa: E402
from http_pages import http_page  # noqa: E402
from plain_markdown import plain_markdown  # noqa: E402


def options(command, words=("fxticker",)):
    """All names of options of a command and of those below it, by what is typed."""
    found = {
        words: {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}
    }
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found |= options(command.get_command(context, name), (*words, name))
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "source"
    compose(folder)
    return folder


def test_command_reference_has_every_command_with_every_option():
    described = {command.words: command for command in commands()}
    stated = {
        words: {name for names, _ in command.options for name in re.findall(r"(?:^|, )(--?[\w-]+)", names)}
        for words, command in described.items()
    }
    assert {words: names | {"--help"} for words, names in options(app).items()} == stated
    text = "\n".join(command_pages().values())
    for command in described.values():
        assert command.words == ("fxticker",) or f"\n{'#' * len(command.words)} {command.name}\n" in text
        assert command.summary.endswith(".")


def test_command_has_the_examples_of_the_page_on_commands():
    [drift] = [command for command in commands() if command.words == ("fxticker", "drift")]
    assert ("fxticker drift --store fxticker-demo/history --start 2025-11-13 --end 2025-12-14", "") in drift.examples
    assert [command.name for command in commands() if not command.examples] == [
        "fxticker",
        "fxticker service",
        "fxticker plot",
    ]


def test_http_reference_has_every_path_parameter_and_schema():
    text = http_page()
    for path, item in document()["paths"].items():
        section = text.partition(f"### GET {path}\n")[2].partition("\n### ")[0]
        assert section
        own = {(status, answer["description"]) for status, answer in item["get"]["responses"].items()}
        stated = {
            *re.findall(
                r"^\| (\d{3}) \| (.+) \|$", section + text.partition("## Statuses of all paths")[2], re.MULTILINE
            )
        }
        assert own - stated == {("200", item["get"]["responses"]["200"]["description"])}
        assert [each["name"] for each in item["get"]["parameters"]] == re.findall(
            r"^\| `([^`]+)`", section, re.MULTILINE
        )
    schemas = set(document()["components"]["schemas"])
    assert {*re.findall(r"^### (\w+)$", text, re.MULTILINE)} == schemas
    assert {*re.findall(r"\]\(#(\w+)\)", text)} <= {name.lower() for name in schemas}


def test_python_reference_has_every_public_name_once():
    text = "\n".join(api_pages().values())
    named = re.findall(r"^\.\. auto\w+:: fxticker\.(\w+)$", text, re.MULTILINE)
    assert sorted(named) == sorted({*fxticker.__all__} - {"__version__"})


def test_links_of_composed_pages_lead_to_files(source):
    for path in source.rglob("*.md"):
        text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        links = re.findall(r"\]\((?!https?:|#)([^()\s#]+)", text)
        assert [link for link in links if not (path.parent / link).exists()] == [], path
    assert not [name for name in pages() if not (source / place(name)).exists()]


def test_index_for_programs_lists_every_page_once(source):
    listed = re.findall(r"\]\((\S+)\)$", (source / "llms.txt").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(str(path.relative_to(source)) for path in source.rglob("*.md"))


def test_markdown_beside_a_page_has_docstrings_in_place_of_directives():
    text = plain_markdown(api_pages()["frames.md"])
    assert "### fxticker.load(" in text
    assert fxticker.load.__doc__.partition("\n")[0] in text
    assert "{eval-rst}" not in text
    assert plain_markdown("# A\n\n```{toctree}\n:hidden:\n\nb\n```\n") == "# A\n"


def test_check_names_dead_links_and_what_is_loaded_from_other_hosts(tmp_path):
    (tmp_path / "a.html").write_text(
        '<h1 id="top"></h1><a href="b.html#here"></a><a href="#top"></a><a href="c.html"></a>', "utf-8"
    )
    (tmp_path / "b.html").write_text(
        '<script src="https://example.org/x.js"></script><a href="https://example.org/"></a>', "utf-8"
    )
    (tmp_path / "s.css").write_text("@import url(//example.org/font.css); a { background: url(data:x) }", "utf-8")
    assert problems(tmp_path) == [
        "a.html leads to b.html#here, which has no such place",
        "a.html leads to c.html, which is no file",
        "b.html loads https://example.org/x.js",
        "s.css loads //example.org/font.css",
    ]


RUN_BY = {
    "docs/http.md": {"csv": "test_web_docs", "http": "test_web_docs", "js": "test_serve", "json": "test_web_docs"},
    "docs/notebooks/": {"python": "test_notebooks"},
    "docs/object-storage.md": {"ini": "test_systemd_unit", "py": "test_foreign_readers", "sql": "test_foreign_readers"},
    "docs/readers/": {
        "javascript": "test_node_reader",
        "json": "test_web_docs",
        "python": "test_reader_pages",
        "sql": "test_reader_pages",
    },
    "docs/running.md": {"py": "test_alert_recipes"},
    "": {"console": "test_docs", "python": "test_docs", "sh": "test_docs", "toml": "test_docs"},
}
"""The test that runs the blocks of a language, by how the page's path begins."""
NOT_RUN = {"powerquery", "r"}
"""Languages of programs that tests do not have; their pages say so."""
OTHER = {"text", "yaml", ""}
"""What is printed, and settings of other programs."""


def test_every_block_of_code_is_run_by_a_test_or_its_page_says_that_it_is_not():
    for name in pages():
        text = (ROOT / name).read_text("utf-8")
        languages = {*re.findall(r"^```(\S*)\n.*?^```$", text, re.MULTILINE | re.DOTALL)}
        run_by = {language for begin, tests in RUN_BY.items() if name.startswith(begin) for language in tests}
        assert languages <= run_by | NOT_RUN | OTHER, name
        assert not languages & NOT_RUN or re.search(r"w(as|ere) not run", text), name
    tests = {test for tests in RUN_BY.values() for test in tests.values()}
    assert [test for test in tests if not (ROOT / "tests" / f"{test}.py").exists()] == []


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.exists(), reason="make docs installs what builds the site")
def test_site_is_built_without_a_warning(tmp_path):
    run([PYTHON, SITE / "compose.py", tmp_path / "source"], check=True)
    build = [PYTHON, "-m", "sphinx", "-W", "-q", "-b", "html", "-c", SITE, tmp_path / "source", tmp_path / "site"]
    run(build, check=True)
    assert problems(tmp_path / "site") == []
    assert (tmp_path / "site" / "llms.txt").exists()
    assert "beside --size in pixels" in (tmp_path / "site" / "commands" / "draw.html").read_text("utf-8")
    assert "page.png" in (tmp_path / "site" / "index.html").read_text("utf-8")
