"""What a command is, as its help has it: usage, description, arguments and options, and its examples in the pages.

Both the command reference of the site and the manual pages are written from this. Click itself gives every fact; the
libraries for either purpose, sphinx-click and click-man, know neither our groups nor our examples.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from fxticker.cli import app
from fxticker.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "commands.md"
_BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes
    ----------
    words
        What is typed: ``("fxticker", "plot", "drift")``.
    group
        Its group in the help of ``fxticker``; empty for ``fxticker`` itself.
    usage
        What follows the words: ``"[OPTIONS] FILE"``.
    summary
        The first sentence.
    paragraphs
        The description, the summary included.
    options
        Names with their value, and the text of each; arguments are explained in the description.
    examples
        Command lines with what they do, which may be empty.
    """

    words: tuple[str, ...]
    group: str
    usage: str
    summary: str
    paragraphs: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    examples: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """What is typed, as one text."""
        return " ".join(self.words)


def commands() -> list[Command]:
    """Return ``fxticker`` and all of its commands, each before its own commands, in the order of the help."""
    context = click.Context(app, info_name="fxticker", **app.context_settings)
    found = [_described(app, context, ("fxticker",), "")]
    for group, names in COMMANDS.items():
        for name in names:
            found += _with_commands(context, ("fxticker", name), group)
    return found


def _with_commands(parent: click.Context, words: tuple[str, ...], group: str) -> Iterator[Command]:
    assert isinstance(parent.command, click.Group)
    command = parent.command.get_command(parent, words[-1])
    assert command is not None
    context = click.Context(command, info_name=words[-1], parent=parent)
    yield _described(command, context, words, group)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _with_commands(context, (*words, name), group)


def _described(command: click.Command, context: click.Context, words: tuple[str, ...], group: str) -> Command:
    text = inspect.cleandoc(command.help or "").partition("\f")[0]
    paragraphs = tuple(part.strip("\n") for part in re.split(r"\n{2,}", text) if part.strip())
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    return Command(
        words,
        group,
        " ".join(command.collect_usage_pieces(context)),
        " ".join(paragraphs[0].split()),
        paragraphs,
        tuple((names, " ".join(shown.split())) for names, shown in filter(None, records) if shown),
        () if isinstance(command, click.Group) else tuple(_examples(words)),
    )


def _examples(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for block in _BLOCK.findall(EXAMPLES.read_text("utf-8")):
        for line in block.splitlines():
            typed, _, what = line.removeprefix("$ ").partition("  #")
            if typed.split()[: len(words)] == [*words]:
                yield typed.strip(), what.strip()
