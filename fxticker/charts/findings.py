"""Findings of charts of rates: titles that state what the bands of the first and the last value prove, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

import numpy as np
import pandas as pd

from fxticker.charts.caption_frame import ends_text, span_text
from fxticker.charts.hops import Levels
from fxticker.charts.last_values import dates_text, is_stale
from fxticker.charts.line_looks import main_source
from fxticker.charts.lines import Line
from fxticker.charts.moves import is_move, moves_text, told
from fxticker.model.formatting import counted
from fxticker.model.pairs import COMMON, currencies_of

FIRST_TO_LAST = "from first to last value"
"""Ends of the changes that the title of a chart of lines is about."""
FROM_BASE = "from the base to the last value"
"""Those of lines that begin before their base."""


def finding(lines: Sequence[Line], levels: Sequence[Levels], zone: tzinfo) -> str:
    """Return the title of a chart of rates.

    Parameters
    ----------
    lines, levels
        All lines, and the levels of each. Where a pair has several sources the title is about the first one of
        `main_source`: their values are not of the same instants.
    zone
        Whose dates are stated: those of the values that the title is about.
    """
    sources = sorted({line.source for line in lines})
    main = main_source(sources)
    are_shared = len({line.pair for line in lines}) < len(lines)
    own = [
        (line, of_line) for line, of_line in zip(lines, levels, strict=True) if line.source == main or not are_shared
    ]
    by = f" by {main}" if are_shared else ""
    if changed := [(line, of_line) for line, of_line in own if len(line.steps.when) > 1]:
        changes = _changes(changed)
        moved = is_move(changes)
        of_title = [line for (line, _), is_told in zip(changed, moved, strict=True) if is_told or not moved.any()]
        as_of = "last rates as of " if any(line.lookups is not None for line in of_title) else ""
        return f"{moves_text(changes, FIRST_TO_LAST)}{by}, {as_of}{_span(of_title, zone)}"
    line, span = own[0][0], _span([line for line, _ in own], zone)
    last = line.last.replace("\n", " ")
    span = f"as of {span}" if line.lookups is not None else span
    return f"{line.pair}: {last}{by}, {span}" if len(own) == 1 else f"{len(own)} rates{by}, {span}"


def finding_since_base(lasts: pd.DataFrame, *, begins_before: bool) -> str:
    """Return the title of a chart of changes since a base.

    Parameters
    ----------
    lasts
        The last change of each line.
    begins_before
        Whether a line begins before its base.
    """
    own, by = main_rows(lasts)
    latest = own["observed_at"].max()
    changes = own[own["observed_at"] != own["base_at"]]
    if changes.empty and begins_before:
        ends = ", which ends the chart" if latest == lasts["observed_at"].max() else ""
        return f"Rates in percent of those at the base{by}{ends}, {ends_text(latest, latest)}"
    if changes.empty:
        span = span_text(own["base_at"].min(), own["observed_at"].max())
        return f"No change yet{by}: {counted(len(own), 'rate')} at the base alone, {span}"
    if (changes["base_at"] > changes["observed_at"]).all():
        base = changes["base_at"].max()
        return f"Rates in percent of those at a later base{by}, {ends_text(base, base)}"
    rows = told(changes)
    since, last_base, last = rows["base_at"].min(), rows["base_at"].max(), rows["observed_at"].max()
    span = dates_text([since], [*rows["observed_at"]])
    if since.date() != last_base.date() and not is_stale(rows["observed_at"].min(), last):
        span = f"each since its own base, to {last:%Y-%m-%d}"
    return f"{moves_text(changes, FROM_BASE if begins_before else FIRST_TO_LAST)}{by}, {span}"


def _span(lines: Sequence[Line], zone: tzinfo) -> str:
    """Return from when to when the values of lines are."""
    begins, ends = zip(*(line.ends(zone) for line in lines), strict=True)
    return dates_text(begins, ends)


def main_rows(changes: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the changes that a title is about, and whose they are in words: all, where each pair has one source."""
    of_source = changes["source"].astype(str)
    if not changes["pair"].astype(str).duplicated().any():
        return changes, ""
    main = main_source(sorted(of_source.unique()))
    return changes[of_source == main], f" by {main}"


def subject_of(pair: str) -> str:
    """Return the currency that a pair against USD is about; of a cross rate, which is about both, the pair."""
    base, quote = currencies_of(pair)
    return pair if COMMON not in (base, quote) else quote if base == COMMON else base


def _decides_by_order(line: Line) -> bool:
    """Return whether single values of the dates of both ends would prove a change, or their middles are alike."""
    single, value = line.single_values.take(np.array([0, -1])), line.steps.value
    is_apart = single.highest_lo[1] > single.lowest_hi[0] or single.lowest_hi[1] < single.highest_lo[0]
    return bool(single.is_several.any() and (is_apart or value[0] == value[-1]))


def _changes(own: Sequence[tuple[Line, Levels]]) -> pd.DataFrame:
    """Return the change of each line from its first value to its last one, as `moves_text` takes it."""
    rows = []
    for line, levels in own:
        value, lo, hi = line.steps.value, line.steps.lo, line.steps.hi
        is_proven = bool(lo[-1] > hi[0] or hi[-1] < lo[0])
        rows.append(
            {
                "source": line.source,
                "pair": line.pair,
                "drift_pct": 100 * (value[-1] / value[0] - 1),
                "drift_lo_pct": 100 * (lo[-1] / hi[0] - 1),
                "drift_hi_pct": 100 * (hi[-1] / lo[0] - 1),
                "significant": is_proven,
                "several_values": not is_proven and _decides_by_order(line),
                "peg_hop": is_proven and levels.came_back,
            }
        )
    return pd.DataFrame(rows)
