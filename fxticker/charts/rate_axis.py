"""Axis of rates: ticks with thousands separators, and at the right the same scale in percent from a first value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from fxticker.charts.style import Palette
from fxticker.model.formatting import real_minus

FEWEST_TICKS = 4
"""Of fewer a reader cannot tell how far apart values are."""
_MARK_IN, _TICK_IN = 0.06, 0.1
"""Width of a character of a tick's label in inches, and distance of its first one from the axis."""


def rate_axis(panel: Axes, lo: float, hi: float, quanta: list[float]) -> None:
    """Set the limits and the ticks of an axis of rates.

    Parameters
    ----------
    panel
        The axis.
    lo, hi
        Smallest and largest value that it must show.
    quanta
        One step of the printed decimals of each line; empty if none was printed. Ticks stand at rates that can be
        printed, and only where fewer than four of these are in sight also half-way, at the ends of their bands.
    """
    if not quanta:
        margin = 0.08 * (hi - lo) or 0.01 * hi
        panel.set_ylim(lo - margin, hi + margin)
        _set_ticks(panel, next(_steps(*panel.get_ylim())), decimals=0)
        return
    quantum = float(f"{min(quanta):.3g}")  # rounded: the error of a double would be visible after a thousand steps
    margin = max(0.6 * quantum, 0.08 * (hi - lo))
    panel.set_ylim(lo - margin, hi + margin)
    step = next(_printable(_steps(lo - margin, hi + margin), quantum))
    # the printed decimals of one source; of several sources only as many as distinguish the ticks
    _set_ticks(panel, step, decimals=_decimals(quantum) if max(quanta) < 2 * min(quanta) else 0)


def percent_axis(panel: Axes, first: float, palette: Palette) -> float:
    """Add a scale at the right of an axis of rates: the same values in percent from a first one.

    Returns
    -------
    float
        Width of its labels in inches.
    """

    def percent_of(rate: Any) -> Any:
        return 100 * (rate / first - 1)

    def rate_of(percent: Any) -> Any:
        return first * (1 + percent / 100)

    twin = panel.secondary_yaxis("right", functions=(percent_of, rate_of))
    low, high = map(percent_of, panel.get_ylim())
    step = next(_steps(low, high))
    decimals = _decimals(step)
    twin.yaxis.set_view_interval(low, high, ignore=True)  # until it is drawn it would be 0 to 1: a thousand steps
    twin.yaxis.set_major_locator(MultipleLocator(step))
    twin.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: percent_text(value, decimals)))
    twin.tick_params(colors=palette.muted, labelsize=7, length=2)
    twin.spines["right"].set_visible(False)
    widest = max(len(percent_text(end, decimals)) for end in (low, high))
    return _TICK_IN + _MARK_IN * widest


def percent_text(value: float, decimals: int) -> str:
    """Return a signed number of percent with a real minus; zero without a sign."""
    text = f"{value:+,.{decimals}f}"
    return real_minus(f"{text} %") if text.strip("+-0.") else "0 %"


def _set_ticks(panel: Axes, step: float, decimals: int) -> None:
    shown = max(decimals, _decimals(step))
    panel.yaxis.set_major_locator(MultipleLocator(step))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:,.{shown}f}"))


def _steps(low: float, high: float) -> Iterator[float]:
    """Yield round steps, from the largest that has enough ticks in sight downwards."""
    power = math.ceil(math.log10(high - low))
    for exponent in count(power, -1):
        for digits in ("5", "2.5", "2", "1"):
            step = float(Decimal(digits).scaleb(exponent))
            if math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1 >= FEWEST_TICKS:
                yield step


def _printable(steps: Iterator[float], quantum: float) -> Iterator[float]:
    """Yield the steps that are multiples of a quantum, then half of it."""
    for step in steps:
        if step < 0.9 * quantum:
            break
        if abs(step / quantum - round(step / quantum)) < 1e-6:  # noqa: PLR2004 - of doubles
            yield step
    yield quantum / 2


def _decimals(step: float) -> int:
    """Return the decimals that a multiple of a step has."""
    digits = Decimal(f"{step:.3g}").normalize().as_tuple()
    return max(0, -int(digits.exponent))
