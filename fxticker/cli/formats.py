"""Formats of what commands print: the options that name one, as decorators, and the values they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar

import click

Result = TypeVar("Result")
Kind = Literal["table", "csv", "json"]


@dataclass(frozen=True, slots=True)
class Format:
    """How rows are printed.

    Attributes
    ----------
    kind
        As what.
    is_wide
        Whether a table has all columns, however wide it gets.
    is_all
        Whether a table has all rows on a terminal, too.
    limit
        How many of the last rows are printed; ``None`` for the last ones of a table on a terminal, and else all.
    """

    kind: Kind = "table"
    is_wide: bool = False
    is_all: bool = False
    limit: int | None = None


kind_option = click.option(
    "--format", "kind", type=click.Choice(["table", "csv", "json"]), default="table", help="How to print the table."
)


def rows_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Add ``--format``, ``--all``, ``--limit`` and ``--wide``, and pass them as `form`."""

    @kind_option
    @click.option("--all", "is_all", is_flag=True, help="All rows on a terminal, too, not only the last 40.")
    @click.option("--limit", type=click.IntRange(min=1), help="Only this many of the last rows.")
    @click.option("--wide", "is_wide", is_flag=True, help="All columns, not only those that fit 80 characters.")
    @wraps(command)
    def run(kind: Kind, is_all: bool, limit: int | None, is_wide: bool, **values: Any) -> Result:  # noqa: FBT001
        if is_all and limit is not None:
            raise click.UsageError("--all and --limit exclude each other")
        return command(form=Format(kind, is_wide=is_wide, is_all=is_all, limit=limit), **values)

    return run


def interval(_context: object, _option: object, text: str | None) -> float | None:
    """Return the seconds of a duration of at least one second; refuse others, as wrong usage."""
    from fxticker.model.durations import duration_of

    if text is None:
        return None
    try:
        every_s = duration_of(text).total_seconds()
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if every_s < 1:
        raise click.BadParameter(f"the shortest interval is 1s, not {text}")
    return every_s
