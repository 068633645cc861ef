"""Charts of the results: time per operation and contender, and its growth with the rows stored."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks import measurements
from fxticker.charts.style import themed

_OURS, _OTHERS, _FLOOR = "#1b3a57", "#8a8a8a", "#d55e00"
_GROWING = ("fxticker", "DuckDB, own file", "ArcticDB, LMDB", "Delta Lake", "SQLite", "pandas, one file")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_MARKS = ("o", "s", "^", "D", "v", "P")


def draw(results: dict[str, Any]) -> dict[str, Figure]:
    """Return the charts by name."""
    with themed("light"):
        return {"comparison": _comparison(results), "growth": _growth(results)}


def _comparison(results: dict[str, Any]) -> Figure:
    """Draw a panel per operation with a row per contender over time; the vertical line marks fxticker."""
    rows = measurements.sizes(results)[-1]
    appends = {
        name: measurements.append_ms(results, rows, name) for name in measurements.names(results, with_="appends")
    }
    loaders = measurements.whole(results, rows)
    figure = Figure(figsize=(11, 1.6 + 0.3 * (len(appends) + 2 * len(loaders))), layout="constrained")
    grid = figure.add_gridspec(3, 2, height_ratios=[len(appends), len(loaders), len(loaders)])
    _dots(figure.add_subplot(grid[0, :]), appends, f"Append of a snapshot to {rows:,} rows")
    for number, (load, shown) in enumerate(measurements.LOAD_NAMES.items()):
        axes = figure.add_subplot(grid[1 + number // 2, number % 2])
        times = {name: measurements.load_ms(results, rows, name, load) for name in loaders}
        _dots(axes, times, f"Load of {shown} from {rows:,} rows", names=number % 2 == 0)
    return figure


def _dots(axes: Axes, times_ms: dict[str, float | None], title: str, *, names: bool = True) -> None:
    positions = range(len(times_ms), 0, -1)
    ours = times_ms.get("fxticker")
    if ours:
        axes.axvline(ours, color=_OURS, linewidth=0.8, alpha=0.5)
    for position, (name, ms) in zip(positions, times_ms.items(), strict=True):
        if ms is None:
            continue
        colour = _OURS if name == "fxticker" else _FLOOR if name == "floor" else _OTHERS
        axes.plot([ms], [position], "o", color=colour, markersize=6, clip_on=False)
        axes.annotate(
            _duration(ms),
            (ms, position),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.set_xscale("log")
    axes.set_title(title)
    axes.set_yticks(list(positions), list(times_ms) if names else [""] * len(times_ms))
    axes.set_ylim(0.3, len(times_ms) + 0.7)
    known = [ms for ms in times_ms.values() if ms is not None]
    if known:
        axes.set_xlim(min(known) / 1.6, max(known) * 2.6)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3) if max(known) < 100 * min(known) else (1,), numticks=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: _duration(value)))
    axes.grid(visible=True, axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def _growth(results: dict[str, Any]) -> Figure:
    """Draw append and load over the rows stored, and the append while a segment grows."""
    figure = Figure(figsize=(11, 7.4), layout="constrained")
    panels = figure.subplots(2, 2)
    sizes = measurements.sizes(results)
    _lines(panels[0, 0], results, sizes, None, "Append of a snapshot")
    _lines(panels[0, 1], results, sizes, "load_all", "Load of all rows")
    _lines(panels[1, 0], results, sizes, "latest", "Load of the last tick")
    _segment_growth(panels[1, 1], results["segment_life"])
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _lines(axes: Axes, results: dict[str, Any], sizes: list[int], load: str | None, title: str) -> None:
    shown = (*_GROWING, "floor") if load is None else _GROWING
    for number, name in enumerate(shown):
        points = []
        for size in sizes:
            ms = (
                measurements.append_ms(results, size, name)
                if load is None
                else measurements.load_ms(results, size, name, load)
            )
            if ms is not None:
                points.append((size, ms))
        style = {"color": _OTHERS, "linewidth": 1.0, "markersize": 4}
        if name == "fxticker":
            style = {"color": _OURS, "linewidth": 2.0, "markersize": 5, "zorder": 3}
        if name == "floor":
            style = {"color": _FLOOR, "linewidth": 1.0, "markersize": 4}
        dashes, mark = _DASHES[number % len(_DASHES)], _MARKS[number % len(_MARKS)]
        axes.plot(*zip(*points, strict=True), linestyle=dashes, marker=mark, label=name, **style) if points else None
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel("rows stored")
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: _count(value)))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=12))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: _duration(value)))


def _segment_growth(axes: Axes, growth: dict[str, Any] | None) -> None:
    axes.set_title("Append while a segment grows")
    if not growth:
        return
    rows, times_ms = zip(*growth["curve"], strict=True)
    axes.plot(rows, times_ms, color=_OURS, linewidth=1.6)
    axes.axhline(growth["floor_ms"], color=_FLOOR, linewidth=1.0)
    axes.set_ylim(0, max(*times_ms, growth["floor_ms"]) * 1.12)
    axes.set_xlabel("rows in the open segment")
    axes.set_ylabel("ms, medians of 100")
    axes.annotate(
        "floor", (rows[-1], growth["floor_ms"]), xytext=(0, 3), textcoords="offset points", ha="right", color=_FLOOR
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:,.0f}"))


def _duration(value_ms: float) -> str:
    return f"{value_ms / 1000:.3g} s" if value_ms >= 1000 else f"{value_ms:.3g} ms"  # noqa: PLR2004 - a second


def _count(value: float) -> str:
    return f"{value / 1e6:g} M" if value >= 1e6 else f"{value / 1e3:g} k"  # noqa: PLR2004
