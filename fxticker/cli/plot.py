"""Commands that draw."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fxticker.cli.analysis import AnyPairs, Base, Every
from fxticker.cli.options import (
    AsOf,
    Config,
    End,
    From,
    Sources,
    Start,
    StoreFolder,
    To,
    selection,
    store_folder,
)

app = typer.Typer(help="Draw a chart into a file.", no_args_is_help=True, rich_markup_mode=None)


class Ground(StrEnum):
    """What a chart is drawn for."""

    LIGHT = "light"
    DARK = "dark"


def _picture(path: Path) -> Path:
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise typer.BadParameter(f"{path}: the ending must be .png, .svg or .pdf")
    return path


Output = Annotated[
    Path, typer.Option("-o", "--output", callback=_picture, help="What to write: FILE.png, FILE.svg or FILE.pdf.")
]


Theme = Annotated[Ground, typer.Option("--theme", help="Draw for a light or a dark ground.")]
Inverse = Annotated[bool, typer.Option("--inverse", help="Turn every pair round: units per USD, not USD per unit.")]


@app.command("history")
def history(
    output: Output,
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    inverse: Inverse = False,  # noqa: FBT002 - Typer makes a flag of it
    theme: Theme = Ground.LIGHT,
) -> None:
    """Draw rates over time with their bands, and why nobody looked where nobody did."""
    from fxticker.analysis.quotes import quotes
    from fxticker.charts import plot_history, save_figure
    from fxticker.frames.load import load, load_polls

    folder = store_folder(config, store)
    span = selection(sources=sources, start=start, end=end)
    chosen = span | selection(as_of=as_of)
    wanted = _turned(folder, pairs) if inverse else pairs
    frame = quotes(folder, pairs=wanted, **chosen) if wanted else load(folder, **chosen)
    # what was known earlier of the polls is not on record
    polls = load_polls(folder, **span) if as_of is None else None
    save_figure(plot_history(frame, polls=polls, theme=theme.value), output)
    print(output)


@app.command("drift")
def drift(
    output: Output,
    start: From,
    end: To,
    base: Base = "first",
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    as_of: AsOf = None,
    theme: Theme = Ground.LIGHT,
) -> None:
    """Draw the change between two dates."""
    from fxticker.analysis.drift import drift as drift_of
    from fxticker.charts import plot_drift, save_figure

    chosen = selection(pairs=pairs, sources=sources, as_of=as_of)
    found = drift_of(store_folder(config, store), start=start, end=end, base=base, **chosen)
    save_figure(plot_drift(found, theme=theme.value), output)
    print(output)


@app.command("path")
def path(
    output: Output,
    base: Base = "first",
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    inverse: Inverse = False,  # noqa: FBT002 - Typer makes a flag of it
    theme: Theme = Ground.LIGHT,
) -> None:
    """Draw how far rates have come since a start."""
    from fxticker.analysis.drift import drift_series
    from fxticker.charts import plot_path, save_figure

    folder = store_folder(config, store)
    wanted = _turned(folder, pairs) if inverse else pairs
    chosen = selection(pairs=wanted, sources=sources, start=start, end=end, as_of=as_of)
    save_figure(plot_path(drift_series(folder, base=base, **chosen), theme=theme.value), output)
    print(output)


@app.command("heatmap")
def heatmap(
    output: Output,
    every: Every = "month",
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    theme: Theme = Ground.LIGHT,
) -> None:
    """Draw the change of rates per period, side by side."""
    from fxticker.analysis.drift import drift_by_period
    from fxticker.charts import plot_heatmap, save_figure

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    found = drift_by_period(store_folder(config, store), every, **chosen)
    save_figure(plot_heatmap(found, theme=theme.value), output)
    print(output)


@app.command("coverage")
def coverage(
    output: Output,
    config: Config = None,
    store: StoreFolder = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    theme: Theme = Ground.LIGHT,
) -> None:
    """Draw a calendar of when the sources were looked at, and what that gave."""
    from fxticker.charts import plot_coverage, save_figure
    from fxticker.frames.load import load_polls

    polls = load_polls(store_folder(config, store), **selection(sources=sources, start=start, end=end))
    save_figure(plot_coverage(polls, theme=theme.value), output)
    print(output)


@app.command("compare")
def compare(
    output: Output,
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    theme: Theme = Ground.LIGHT,
) -> None:
    """Draw the ticker's band of each day and the official rates that were in force."""
    from fxticker.analysis.compare import compare as compared
    from fxticker.charts import plot_compare, save_figure

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    save_figure(plot_compare(compared(store_folder(config, store), **chosen), theme=theme.value), output)
    print(output)


def _turned(folder: Path, pairs: list[str] | None) -> list[str]:
    """The pairs asked for the other way round; of all stored ones as units per USD, whichever way they are stored."""
    from fxticker.analysis.quotes import COMMON, inverse_of
    from fxticker.frames.load import stored_pairs

    if pairs:
        return [inverse_of(pair) for pair in pairs]
    return sorted({pair if pair.startswith(f"{COMMON}/") else inverse_of(pair) for pair in stored_pairs(folder)})
