"""Findings of charts of rates: titles that state what the bands of the first and the last value prove, and no more."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fxticker.charts.hops import Levels
from fxticker.charts.lines import Line
from fxticker.charts.moves import moves_text
from fxticker.model.pairs import COMMON, currencies_of


def finding(lines: Sequence[Line], levels: Sequence[Levels], span: str) -> str:
    """Return the title of a chart of rates.

    Parameters
    ----------
    lines, levels
        All lines, and the levels of each.
    span
        From when to when, as text.
    """
    pairs, sources = ({getattr(line, name) for line in lines} for name in ("pair", "source"))
    if len(sources) > 1:  # their first and last values are not of the same instants
        return f"{next(iter(pairs)) if len(pairs) == 1 else f'{len(pairs)} rates'} by {len(sources)} sources, {span}"
    if all(len(line.steps.when) == 1 for line in lines):
        last = lines[0].last.replace("\n", " ")
        return f"{lines[0].pair}: {last}, {span}" if len(lines) == 1 else f"{len(lines)} rates, {span}"
    return f"{moves_text(_changes(lines, levels))}, {span}"


def subject_of(pair: str) -> str:
    """Return the currency that a pair against USD is about; of a cross rate, which is about both, the pair."""
    base, quote = currencies_of(pair)
    return pair if COMMON not in (base, quote) else quote if base == COMMON else base


def _changes(lines: Sequence[Line], levels: Sequence[Levels]) -> pd.DataFrame:
    """Return the change of each line from its first value to its last one, as `moves_text` takes it."""
    rows = []
    for line, own in zip(lines, levels, strict=True):
        value, lo, hi = line.steps.value, line.steps.lo, line.steps.hi
        is_proven = bool(lo[-1] > hi[0] or hi[-1] < lo[0])
        rows.append(
            {
                "pair": line.pair,
                "drift_pct": 100 * (value[-1] / value[0] - 1),
                "drift_lo_pct": 100 * (lo[-1] / hi[0] - 1),
                "drift_hi_pct": 100 * (hi[-1] / lo[0] - 1),
                "significant": is_proven,
                "peg_hop": own.came_back if is_proven else len(own.hops) > 0,
            }
        )
    return pd.DataFrame(rows)
