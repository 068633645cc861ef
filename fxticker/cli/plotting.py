"""Commands that draw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fxticker.cli.options import (
    AsOf,
    Config,
    End,
    From,
    Pairs,
    Sources,
    Start,
    StoreFolder,
    To,
    selection,
    store_folder,
)

app = typer.Typer(help="Draw a chart into a file.", no_args_is_help=True, rich_markup_mode=None)


def _picture(path: Path) -> Path:
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise typer.BadParameter(f"{path}: the ending must be .png, .svg or .pdf")
    return path


Output = Annotated[
    Path, typer.Option("-o", "--output", callback=_picture, help="What to write: FILE.png, FILE.svg or FILE.pdf.")
]


@app.command("history")
def history(
    output: Output,
    config: Config = None,
    store: StoreFolder = None,
    pairs: Pairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
) -> None:
    """Draw rates over time with their bands."""
    from fxticker.figures import plot_history, save_figure
    from fxticker.loading import load

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    save_figure(plot_history(load(store_folder(config, store), **chosen)), output)
    print(output)


@app.command("drift")
def drift(
    output: Output,
    start: From,
    end: To,
    config: Config = None,
    store: StoreFolder = None,
    pairs: Pairs = None,
    sources: Sources = None,
    as_of: AsOf = None,
) -> None:
    """Draw the change between two dates."""
    from fxticker.analysis.drifting import drift as drift_of
    from fxticker.figures import plot_drift, save_figure

    chosen = selection(pairs=pairs, sources=sources, as_of=as_of)
    save_figure(plot_drift(drift_of(store_folder(config, store), start=start, end=end, **chosen)), output)
    print(output)
