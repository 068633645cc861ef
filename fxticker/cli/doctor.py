"""The command `doctor`: a page about the installation, to paste where help is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

import fxticker
from fxticker.cli.formats import Format, Kind, kind_option
from fxticker.cli.options import config_option, store_option

if TYPE_CHECKING:
    from fxticker.doctor.fact import Fact
    from fxticker.store.location import Location

_FIELDS = ("about", "state", "text")
_WIDTH = 80
"""Characters of a line."""


@click.command()
@config_option
@store_option
@kind_option
def doctor(config: Path | None, store: Location | None, kind: Kind) -> None:
    """Print what is installed and how it is set up, on one page.

    For a question or an issue: it has no credentials, no path or query of a URL, and no value of the environment.
    Nothing is changed and no source is asked; names are looked up. Exit 1 if something fails.
    """
    from fxticker.cli.output import show, show_document, terminal_text
    from fxticker.doctor.fact import without_secrets

    now = datetime.now(UTC)
    facts = [without_secrets(fact, Path.home()) for fact in _facts(config, store, now)]
    failing = [fact.about for fact in facts if fact.state == "fails"]
    rows = [{"about": fact.about, "state": fact.state, "text": fact.text} for fact in facts]
    if kind == "json":
        show_document({"well": not failing, "version": fxticker.__version__, "now": now, "facts": rows})
    elif kind == "csv":
        show(rows, _FIELDS, Format(kind))
    else:
        print(f"fxticker {fxticker.__version__}")
        print(terminal_text("\n".join(_lines(facts))))
        print(f"failing: {', '.join(dict.fromkeys(failing))}" if failing else "nothing fails")
    if failing:
        sys.exit(1)


def _facts(config: Path | None, store: Location | None, now: datetime) -> Iterator[Fact]:
    from fxticker.doctor.configuration import configuration
    from fxticker.doctor.machine import clock_fact, disk_fact
    from fxticker.doctor.network import network_facts
    from fxticker.doctor.service import service_fact
    from fxticker.doctor.software import software_facts
    from fxticker.doctor.stored import store_facts

    yield from software_facts()
    yield clock_fact(now)
    settings, found = configuration(config, os.environ)
    yield from found
    folder = store if store is not None or settings is None else settings.store.path
    if folder is not None:
        if isinstance(folder, Path):
            yield disk_fact(folder, 0 if settings is None else settings.alerts.free_space_mb)
        yield from store_facts(folder, now)
        if settings is not None:
            yield from network_facts(settings, folder)
    yield service_fact(os.environ)


def _lines(facts: Sequence[Fact]) -> Iterator[str]:
    """Yield the page: state, about, and the text in lines of its own column."""
    width = max(len(fact.about) for fact in facts)
    for fact in facts:
        head = f"{fact.state:<5}  {fact.about:<{width}}  "
        yield from wrap(
            fact.text.replace("\n", " "),
            _WIDTH,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        )
