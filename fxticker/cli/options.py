"""The options that several commands share, and what they stand for."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fxticker.config import Settings


class Format(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def moment(text: str | None) -> str | None:
    """Refuse, as wrong usage, a text that is neither a date nor an instant."""
    from fxticker.model.timestamps import instant

    if text is not None:
        try:
            instant(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    return text


def base_moment(text: str) -> str:
    """As `moment`, or ``first``."""
    return text if text == "first" else moment(text) or text


def _named(path: Path | None) -> Path | None:
    # an unset variable of a shell must not mean the working directory
    if path is not None and str(path) == ".":
        raise typer.BadParameter("must name a file or folder; for the working directory say $PWD")
    return path


Config = Annotated[
    Path | None,
    typer.Option("--config", readable=False, help="The configuration; default: config.toml, if there."),
]
StoreFolder = Annotated[
    Path | None,
    typer.Option("--store", readable=False, callback=_named, help="The store's folder; default: as configured."),
]
Formatted = Annotated[Format, typer.Option("--format", help="How to print the table.")]
Pairs = Annotated[list[str] | None, typer.Option("--pair", help="Only this pair, as KZT/USD; may be repeated.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Only this source; may be repeated.")]
Start = Annotated[
    str | None,
    typer.Option("--start", callback=moment, help="From this date or instant on (2025-11-01, 2025-11-01T12:00Z)."),
]
End = Annotated[str | None, typer.Option("--end", callback=moment, help="Up to this date or instant, not included.")]
AsOf = Annotated[str | None, typer.Option("--as-of", callback=moment, help="Only what the store had recorded by then.")]
From = Annotated[
    str, typer.Option("--start", callback=moment, help="First end; a date means the last ticks of that day.")
]
To = Annotated[str, typer.Option("--end", callback=moment, help="Second end, likewise.")]


def settings(config: Path | None) -> Settings:
    """The configuration that a command runs with."""
    from fxticker.config import load_settings

    return load_settings(config)


def store_folder(config: Path | None, store: Path | None) -> Path:
    """The store that a command reads: named on the command line, or configured."""
    return store if store is not None else settings(config).store.path


def in_order(start: Any, end: Any) -> None:
    """Refuse, as wrong usage, a span that ends before it begins."""
    from fxticker.model.timestamps import instant

    if start is not None and end is not None and instant(start) > instant(end):
        raise typer.BadParameter(f"the span ends, {end}, before it begins, {start}")


def selection(**chosen: Any) -> dict[str, Any]:
    """The given options as arguments of `fxticker.load`: an option that was not given stays out."""
    in_order(chosen.get("start"), chosen.get("end"))
    return {name: value for name, value in chosen.items() if value not in (None, [])}
