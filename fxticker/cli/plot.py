"""Commands that draw a chart into a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import click

from fxticker.cli.chart_size import Size, dpi_option, size_option
from fxticker.cli.left_out import warn_left_out
from fxticker.cli.options import (
    base_option,
    between,
    closes_age_option,
    every_option,
    max_age_option,
    official_age_option,
    selected,
    stored,
)
from fxticker.cli.order import order_for
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fxticker.analysis.periods import Freq
    from fxticker.store.location import Location


def _picture(_context: object, _option: object, path: Path) -> Path:
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise click.BadParameter(f"{path}: the ending must be .png, .svg or .pdf")
    return path


output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    callback=_picture,
    help="What to write: FILE.png, FILE.svg or FILE.pdf.",
)
theme_option = click.option(
    "--theme", type=click.Choice(["light", "dark"]), default="light", help="Draw for a light or a dark background."
)
title_option = click.option("--title", help="In place of the title that states the finding; empty for none.")


class Look(TypedDict):
    """How a chart looks: arguments of every function that draws one."""

    theme: Literal["light", "dark"]
    figsize: tuple[float, float] | None
    title: str | None


@click.group()
def plot() -> None:
    """Draw a chart into a file."""


def _drawing(command: Callable[..., Figure]) -> Callable[..., None]:
    """Save the figure that a command returns to ``--output``, and print its path."""

    @output_option
    @stored
    @theme_option
    @size_option
    @dpi_option
    @title_option
    @wraps(command)
    def run(
        output: Path,
        theme: Literal["light", "dark"],
        size: Size | None,
        dpi: float | None,
        title: str | None,
        **values: Any,
    ) -> None:
        from fxticker.charts import save_figure
        from fxticker.charts.settings import use_default_epoch

        use_default_epoch()
        figsize, dpi = (None, dpi) if size is None else size.at(dpi)
        look = Look(theme=theme, title=title, figsize=figsize)
        save_figure(command(look=look, **values), output, dpi=dpi)
        print(output)

    return run


@plot.command()
@_drawing
@selected("any_pairs", "any_sources", "start", "end", "as_of", "tz", "per_usd")
def history(folder: Location, selection: Selection, look: Look) -> Figure:
    """Draw rates over time, their bands and the cause of each gap."""
    from fxticker.charts import plot_history

    return plot_history(folder, order=order_for(selection), **selection.given(), **look)


@plot.command()
@_drawing
@between
@base_option
@max_age_option
@selected("any_pairs", "any_sources", "as_of", "tz", "per_usd")
def drift(
    folder: Location, start: str, end: str | None, base: str, max_age: str | None, selection: Selection, look: Look
) -> Figure:
    """Draw the change between two dates."""
    from fxticker.analysis.drift import drift as drift_of
    from fxticker.charts import plot_drift

    chosen = {"max_age": max_age, "order": order_for(selection), **selection.given()}
    frame = drift_of(folder, start=start, end=end, base=base, **chosen)
    warn_left_out(frame)
    return plot_drift(frame, **look)


@plot.command()
@_drawing
@base_option
@max_age_option
@selected("any_pairs", "any_sources", "start", "end", "as_of", "tz", "per_usd")
def path(
    folder: Location,
    base: str,
    max_age: str | None,
    selection: Selection,
    look: Look,
) -> Figure:
    """Draw the cumulative change of rates since a start."""
    from fxticker.analysis.drift import drift_series
    from fxticker.charts import plot_path

    chosen = {"max_age": max_age, "order": order_for(selection), **selection.given()}
    series = drift_series(folder, base=base, **chosen)
    warn_left_out(series)
    return plot_path(series, **look)


@plot.command()
@_drawing
@every_option("month")
@closes_age_option
@selected("any_pairs", "any_sources", "start", "end", "as_of", "tz", "per_usd")
def heatmap(folder: Location, every: Freq, max_age: str | None, selection: Selection, look: Look) -> Figure:
    """Draw the change of rates per period, side by side."""
    from fxticker.analysis.drift_by_period import drift_by_period
    from fxticker.charts import plot_heatmap

    chosen = {"max_age": max_age, "order": order_for(selection), **selection.given()}
    periods = drift_by_period(folder, every, **chosen)
    warn_left_out(periods)
    return plot_heatmap(periods, **look)


@plot.command()
@_drawing
@selected("sources", "start", "end", "as_of", "tz")
def coverage(folder: Location, selection: Selection, look: Look) -> Figure:
    """Draw a calendar of polls and their outcomes."""
    from fxticker.charts import plot_coverage
    from fxticker.frames.polls import load_polls

    return plot_coverage(load_polls(folder, **selection.given()), **look)


@plot.command()
@_drawing
@official_age_option
@selected("any_pairs", "sources", "start", "end", "as_of", "tz", "per_usd")
def compare(folder: Location, max_age: str | None, selection: Selection, look: Look) -> Figure:
    """Draw the ticker's band, tick by tick, and the official rates in force."""
    from fxticker.analysis.compare import compare as compared
    from fxticker.charts.canvas import Look as ChartLook
    from fxticker.charts.compare import comparison_chart
    from fxticker.charts.hops import Past

    days = compared(folder, max_age=max_age, **selection.given())
    warn_left_out(days)
    return comparison_chart(days, Past(folder, selection.as_of), ChartLook(**look))
