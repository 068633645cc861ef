"""Commands about what lies behind printed digits: estimate, volatility."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fxticker.cli import completion
from fxticker.cli.columns import Columns, Value, band_of, banded
from fxticker.cli.formats import Format
from fxticker.cli.left_out import reason_of, warn_left_out
from fxticker.cli.options import queried
from fxticker.cli.output import show_frame
from fxticker.model.selection import Selection
from fxticker.sources.age_limits import TICKER

if TYPE_CHECKING:
    from fxticker.store.location import Location

_ESTIMATED: Columns = (
    "source",
    "pair",
    "at",
    band_of("conditional"),
    banded("probable"),
    "move_pct",
    "move_from",
    "sigma_pct",
)
_VOLATILITY: Columns = (
    "source",
    "pair",
    "start_at",
    "end_at",
    "ticks",
    "step_pct",
    "volatility_pct",
    Value("interval_pct", ("volatility_lo_pct", "volatility_hi_pct"), shows_value=False),  # also where none is told
    "naive_pct",
)


def _duration(_context: object, _option: object, text: str | None) -> str | None:
    """Refuse, as wrong usage, a text that is no duration."""
    from fxticker.model.durations import duration_of

    if text is not None:
        try:
            duration_of(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return text


_PERCENT = click.FloatRange(min=0)


@click.command()
@click.option("--source", default=TICKER, shell_complete=completion.sources, help="Source of the printed rates.")
@click.option("--every", callback=_duration, help="A row every 15min, 1h or 1d; default: at each tick.")
@click.option(
    "--max-move",
    type=_PERCENT,
    help="Most that a rate moves in a day, percent; default: the largest official daily move of 365 days.",
)
@click.option(
    "--basis", type=_PERCENT, help="How far ticker and bank may differ, percent; without it no official rates."
)
@queried("any_pairs", "start", "end", "as_of", "tz", "per_usd")
def estimate(
    source: str,
    every: str | None,
    max_move: float | None,
    basis: float | None,
    folder: Location,
    selection: Selection,
    form: Format,
) -> None:
    """Print what lies behind the digits: two bands.

    The conditional band holds if no day moves more than --max-move. The probable band is that of a model, a random
    walk, at 95 %. No other command uses either.
    """
    from fxticker.analysis.estimate import estimate as estimated

    frame = estimated(folder, source=source, every=every, max_move_pct=max_move, basis_pct=basis, **selection.given())
    warn_left_out(frame)
    show_frame(frame, [*_ESTIMATED, *([] if basis is None else ["basis_pct"])], form)


@click.command()
@queried("any_pairs", "sources", "start", "end", "as_of", "tz", "per_usd")
def volatility(folder: Location, selection: Selection, form: Format) -> None:
    """Print how much rates move in a day, with intervals.

    Where one printed step is many times the daily move, it cannot be told. The naive figure is that of the printed
    numbers alone.
    """
    from fxticker.analysis.volatility import volatility as volatility_of

    frame = volatility_of(folder, **selection.given())
    show_frame(frame, [*_VOLATILITY, *reason_of(frame)], form)
