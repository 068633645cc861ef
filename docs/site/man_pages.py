"""Manual pages: one for each command, and one for ``fxticker``, in roff with the macros of man(7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from command_facts import Command, commands

_EXIT = (
    "0 success; 1 a named failure, in one line on standard error; 2 wrong usage; 130 interrupted. "
    "run ends with 0 on SIGTERM and SIGINT."
)
_FILES = {
    "config.toml": "the configuration, in the working directory unless --config names another one",
    "parquet/": "the store, unless the configuration or --store names another folder",
}
_ENVIRONMENT = {
    "FXTICKER_STORE__PATH": "overrides the key path in the table store of the configuration; so does every other key",
    "NO_COLOR, FORCE_COLOR": "decide on colours, which else depend on whether standard output is a terminal",
}


_SIGNS = {"\\": "\\e", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", "-": "\\-"}
"""Characters that roff takes for something else, or shows as another sign."""


def man_pages() -> dict[str, str]:
    """Return the text of each page by file name."""
    found = commands()
    return {f"{'-'.join(command.words)}.1": _page(command, found) for command in found}


def _page(command: Command, found: list[Command]) -> str:
    title = "-".join(command.words)
    lines = [
        f'.TH {_text(title.upper())} 1 "" "fxticker" "fxticker"',
        *(".SH NAME", f"{_text(title)} \\- {_text(command.summary.rstrip('.'))}"),
        *(".SH SYNOPSIS", f".B {_text(command.name)}", _text(command.usage)),
        *(".SH DESCRIPTION", *_paragraphs(command)),
        *(_terms("OPTIONS", command.options)),
    ]
    below = [each for each in found if each.words[:-1] == command.words]
    if below:
        for group, members in groupby(below, key=lambda each: each.group):
            heading = group.upper() if len(command.words) == 1 else "COMMANDS"
            lines += _terms(heading, ((each.words[-1], each.summary) for each in members))
    lines += _examples(command)
    lines += [".SH EXIT STATUS", _text(_EXIT)]
    if len(command.words) == 1:
        lines += [*_terms("FILES", _FILES.items()), *_terms("ENVIRONMENT", _ENVIRONMENT.items())]
    others = [f"{'-'.join(each.words)}(1)" for each in below] or [f"{'-'.join(command.words[:-1])}(1)"]
    return "\n".join([*lines, ".SH SEE ALSO", _text(", ".join(others))]) + "\n"


def _paragraphs(command: Command) -> Iterator[str]:
    for place, text in enumerate(command.paragraphs):
        yield from [".PP"] if place else []
        if text.startswith("\b"):
            yield from (".nf", *map(_text, text.removeprefix("\b").strip().splitlines()), ".fi")
        else:
            yield _text(" ".join(text.split()))


def _terms(heading: str, terms: Iterable[tuple[str, str]]) -> Iterator[str]:
    terms = list(terms)
    if terms:
        yield f".SH {heading}"
    for name, text in terms:
        yield from (".TP", f"\\fB{_text(name)}\\fR", _text(text))


def _examples(command: Command) -> Iterator[str]:
    if command.examples:
        yield ".SH EXAMPLES"
    for place, (typed, what) in enumerate(command.examples):
        yield from [".PP"] if place else []
        yield from ([_text(what)] if what else [])
        yield from (".nf", ".RS 4", _text(typed), ".RE", ".fi")


def _text(text: str) -> str:
    """Return a text as roff: what stands in backticks bold, and no character taken for a request or an escape."""
    parts = re.split(r"`([^`]*)`", text)
    shown = "".join(f"\\fB{_escaped(part)}\\fR" if place % 2 else _escaped(part) for place, part in enumerate(parts))
    return f"\\&{shown}" if shown.startswith(".") else shown


def _escaped(text: str) -> str:
    return re.sub(r"[\\'`^~-]|[^ -~]", lambda mark: _SIGNS.get(mark[0]) or f"\\[u{ord(mark[0]):04X}]", text)
