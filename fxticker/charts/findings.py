"""Findings of charts of rates: titles that state what the bands of the first and the last value prove, and no more."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fxticker.charts.hops import Levels
from fxticker.charts.line_looks import main_source
from fxticker.charts.lines import Line
from fxticker.charts.moves import moves_text
from fxticker.model.pairs import COMMON, currencies_of


def finding(lines: Sequence[Line], levels: Sequence[Levels], span: str) -> str:
    """Return the title of a chart of rates.

    Parameters
    ----------
    lines, levels
        All lines, and the levels of each. Of several sources the title is about the first one of `main_source`: their
        values are not of the same instants.
    span
        From when to when, as text.
    """
    sources = sorted({line.source for line in lines})
    main = main_source(sources)
    own = [(line, of_line) for line, of_line in zip(lines, levels, strict=True) if line.source == main]
    by = f" by {main}" if len(sources) > 1 else ""
    if any(len(line.steps.when) > 1 for line, _ in own):
        return f"{moves_text(_changes(own))}{by}, {span}"
    line = own[0][0]
    last = line.last.replace("\n", " ")
    return f"{line.pair}: {last}{by}, {span}" if len(own) == 1 else f"{len(own)} rates{by}, {span}"


def subject_of(pair: str) -> str:
    """Return the currency that a pair against USD is about; of a cross rate, which is about both, the pair."""
    base, quote = currencies_of(pair)
    return pair if COMMON not in (base, quote) else quote if base == COMMON else base


def _changes(own: Sequence[tuple[Line, Levels]]) -> pd.DataFrame:
    """Return the change of each line from its first value to its last one, as `moves_text` takes it."""
    rows = []
    for line, levels in own:
        value, lo, hi = line.steps.value, line.steps.lo, line.steps.hi
        is_proven = bool(lo[-1] > hi[0] or hi[-1] < lo[0])
        rows.append(
            {
                "pair": line.pair,
                "drift_pct": 100 * (value[-1] / value[0] - 1),
                "drift_lo_pct": 100 * (lo[-1] / hi[0] - 1),
                "drift_hi_pct": 100 * (hi[-1] / lo[0] - 1),
                "significant": is_proven,
                "peg_hop": levels.came_back if is_proven else len(levels.hops) > 0,
            }
        )
    return pd.DataFrame(rows)
