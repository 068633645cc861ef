"""Documentation: its examples run, and its commands, options, keys, names and links exist."""

import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import fxticker
from fxticker.cli import app
from fxticker.config import AlertSettings, ArchiveSettings, HttpSettings, RateSettings, SourceSettings, StoreSettings
from fxticker.sources.registry import known_sources

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")), *ROOT.glob("docs/**/*.md"))
}
SLOW_COMMANDS = {"drill", "publish", "report"}
"""Tests of their own run these by default, on less."""
DEFAULTS = tomllib.loads((ROOT / "config.toml").read_text("utf-8"))


def blocks(text, *languages):
    return [
        body
        for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        if language in languages
    ]


def command_lines(text):
    """Arguments of every `fxticker` in a page's shell examples, and whether the line is marked to be run."""
    for line in "".join(blocks(text, "sh", "console")).splitlines():
        if match := re.match(r"(\$ )?(?:sudo )?(?:/\S+/)?fxticker (.*)", line):
            yield bool(match[1]), shlex.split(re.split(r" [|>] ?", match[2])[0], comments=True)


def options_of(arguments):
    """Parse arguments as the command line does, without running; raises UsageError."""
    command, context = app, click.Context(app)
    while isinstance(command, click.Group):
        name, command, arguments = command.resolve_command(context, arguments)
        context = click.Context(command, info_name=name, parent=context)
    return command.parse_args(context, list(arguments))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as `make demo` leaves it."""
    from fxticker.cli.demo import store_with_official
    from fxticker.simulation.captures import dated_slots, read_captures
    from fxticker.simulation.replay import replay, run_daemon
    from fxticker.simulation.site import TickerSite, render_html

    folder = tmp_path_factory.mktemp("docs")
    history = list(dated_slots(read_captures()))
    captures = [capture for _, capture in history]
    with TickerSite() as site:
        for _ in replay(history, site=site, store_path=folder / "fxticker-demo" / "history"):
            pass
        run_daemon(captures[:2], site=site, store_path=folder / "fxticker-demo" / "live", on_poll=lambda poll: None)
    (folder / "fxticker-demo" / "page.html").write_text(render_html(captures[-1].ticks, captures[-1].page_date))
    store_with_official(folder / "fxticker-demo" / "history", folder / "fxticker-demo" / "official")
    return folder


@pytest.mark.parametrize(
    "arguments", [line for text in PAGES.values() for _, line in command_lines(text)], ids=" ".join
)
def test_command_line_is_valid(arguments):
    options_of(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(list(line), marks=pytest.mark.slow if line[0] in SLOW_COMMANDS else (), id=" ".join(line))
        for line in dict.fromkeys(
            tuple(line) for text in PAGES.values() for is_run, line in command_lines(text) if is_run
        )
        if line != ("demo",)
    ],
)
def test_command_example_succeeds(arguments, folder, monkeypatch):
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, arguments)
    assert result.stdout
    assert result.exit_code == 0, result.output


def test_every_command_has_an_example_under_its_group_in_the_help():
    groups = re.findall(r"^(\w+):\n((?:  .*\n)+)", CliRunner().invoke(app, ["--help"]).stdout, re.MULTILINE)
    in_help = {group: set(re.findall(r"^  ([\w-]+) ", body, re.MULTILINE)) for group, body in groups}
    sections = re.split(r"^## ", PAGES["docs/commands.md"], flags=re.MULTILINE)[1:]
    listed = {part.partition("\n")[0]: {line[0] for _, line in command_lines(part)} for part in sections}
    assert listed == {group: commands for group, commands in in_help.items() if group != "Options"}


def test_every_chart_has_an_example():
    lines = [line for _, line in command_lines(PAGES["docs/commands.md"])]
    charts = app.get_command(click.Context(app), "plot").commands
    assert {line[1] for line in lines if line[0] == "plot"} == set(charts)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow if page == "docs/report.md" else ())
        for page, text in PAGES.items()
        if blocks(text, "python") and not page.startswith(("docs/readers/", "docs/notebooks/"))
    ],
)
def test_python_of_a_page_runs(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    exec(compile("\n".join(blocks(PAGES[page], "python")), page, "exec"), {})


def test_guide_names_the_public_functions_and_errors():
    text = PAGES["docs/guide.md"]
    named = set(re.findall(r"\bfx\.(\w+)", text)) | set(re.findall(r"`([A-Z]+[a-z]\w*)`", text))
    assert named == set(fxticker.__all__) - {"__version__"}


def test_configuration_lists_every_key_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+\.[\w.]+)` \| (.+?) \|", PAGES["docs/configuration.md"], re.MULTILINE))
    tables = {
        "store": StoreSettings,
        "http": HttpSettings,
        "alerts": AlertSettings,
        "archives": ArchiveSettings,
        "rate": RateSettings,
        "sources.timesca": SourceSettings,
    }
    keys = [f"{table}.{field.name}" for table, settings in tables.items() for field in fields(settings)]
    assert set(rows) == {*keys, "monitoring.listen"}
    for key, default in rows.items():
        value = DEFAULTS
        for part in key.split("."):
            value = value.get(part) if default == "none" else value[part]
        assert default == "none" or tomllib.loads(f"value = {default.strip('`')}")["value"] == value


def test_configuration_lists_every_source_with_its_interval():
    rows = dict(re.findall(r"^\| `(\w+)` \| .+? \| `(\w+)` \|", PAGES["docs/configuration.md"], re.MULTILINE))
    assert rows == {name: source.every for name, source in known_sources().items()}


@pytest.mark.parametrize("text", [text for page in PAGES.values() for text in blocks(page, "toml")])
def test_configuration_example_is_accepted(text, written):
    from fxticker.config import load_settings

    load_settings(written(text))


def test_configuration_file_states_the_defaults():
    assert HttpSettings(**DEFAULTS["http"]) == HttpSettings()
    assert StoreSettings(path=Path(DEFAULTS["store"]["path"])) == StoreSettings()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page):
    for link in re.findall(r"\]\(([^)#]*)(?:#[\w-]*)?\)", PAGES[page]):
        assert link.startswith("https:") or (ROOT / page).parent.joinpath(link).exists(), link
    for link, anchor in re.findall(r"\]\(([^)#]*)#([\w-]*)\)", PAGES[page]):
        target = ((ROOT / page).parent / link) if link else ROOT / page
        headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
