"""Command reference: a page of the site for each group of commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from command_facts import Command, commands

_CODE = re.compile(r"(`[^`]*`)")


def command_pages() -> dict[str, str]:
    """Return the text of each page by file name, ``index.md`` among them."""
    found = commands()
    groups = dict.fromkeys(command.group for command in found[1:])
    pages = {"index.md": _index(found[0], list(groups))}
    for group in groups:
        parts = [f"# {group}", *(_section(command) for command in found if command.group == group)]
        pages[f"{group.lower()}.md"] = "\n\n".join(parts) + "\n"
    return pages


def _index(command: Command, groups: list[str]) -> str:
    toctree = "\n".join(["```{toctree}", ":maxdepth: 2", "", *(group.lower() for group in groups), "```"])
    text = (
        "[Commands by what you want to do](../commands.md) has what all of them share. These pages are their `--help`."
    )
    return "\n\n".join(["# Command reference", _escaped(command.summary), text, *_options(command), toctree]) + "\n"


def _section(command: Command) -> str:
    level = "#" * len(command.words)
    examples = "\n".join(f"# {what}\n{typed}" if what else typed for typed, what in command.examples)
    parts = [
        f"{level} {command.name}",
        f"```text\n{command.name} {command.usage}\n```",
        *(_paragraph(text) for text in command.paragraphs),
        *_options(command),
        *([f"```sh\n{examples}\n```"] if examples else []),
    ]
    return "\n\n".join(parts)


def _paragraph(text: str) -> str:
    if text.startswith("\b"):  # Click leaves the lines of such a paragraph as they are
        kept = text.removeprefix("\b").strip()
        return f"```text\n{kept}\n```"
    return _escaped(" ".join(text.split()))


def _options(command: Command) -> Iterator[str]:
    if command.options:
        yield "\n".join(f"- `{names}`: {_escaped(text)}" for names, text in command.options)


def _escaped(text: str) -> str:
    """Escape what Markdown would take for markup, outside of code."""
    parts = _CODE.split(text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>\[\]\\])", r"\\\1", part) for part in parts)
