"""Findings of a chart of rates: its title, which states what the bands prove and nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from fxticker.charts.hops import Levels
from fxticker.charts.lines import Line
from fxticker.model.currencies import name_of
from fxticker.model.formatting import format_with_band
from fxticker.model.pairs import COMMON, currencies_of

STRONGER, WEAKER, WITHIN, HOPS = "stronger", "weaker", "within rounding", "hopping between levels"
"""Verdicts on a line, from its first value to its last one, in the order of a title."""
_VERDICTS = (STRONGER, WEAKER, WITHIN, HOPS)


def finding(lines: Sequence[Line], levels: Sequence[Levels], span: str) -> str:
    """Return the title of a chart of rates.

    Parameters
    ----------
    lines, levels
        All lines, and the levels of each.
    span
        From when to when, as text.
    """
    pairs = [line.pair for line in lines]
    if len({line.source for line in lines}) > 1:  # their first and last values are not of the same instants
        what = pairs[0] if len({*pairs}) == 1 else f"{len({*pairs})} rates"
        return f"{what} by {len({line.source for line in lines})} sources, {span}"
    if all(len(line.steps.when) == 1 for line in lines):
        return f"{pairs[0]}: {_flat(lines[0].last)}, {span}" if len(lines) == 1 else f"{len(lines)} rates, {span}"
    if len(lines) == 1:
        return f"{pairs[0]}: {_change(lines[0], levels[0])}, {span}"
    verdicts = [verdict_on(line, own) for line, own in zip(lines, levels, strict=True)]
    groups = {
        verdict: [subject_of(pair) for pair, own in zip(pairs, verdicts, strict=True) if own == verdict]
        for verdict in _VERDICTS
    }
    told = "; ".join(f"{', '.join(who)} {verdict}" for verdict, who in groups.items() if who)
    return f"{told}, {span}"


def verdict_on(line: Line, levels: Levels) -> str:
    """Return what the bands of the first and the last value prove on the currency of a line's pair."""
    value, lo, hi = line.steps.value, line.steps.lo, line.steps.hi
    if lo[-1] <= hi[0] and lo[0] <= hi[-1]:
        return HOPS if len(levels.hops) else WITHIN
    if levels.came_back:
        return HOPS
    return STRONGER if (value[-1] > value[0]) == (currencies_of(line.pair)[0] != COMMON) else WEAKER


def _change(line: Line, levels: Levels) -> str:
    """Return the verdict on the only line, with the change that its bands allow."""
    verdict, code = verdict_on(line, levels), subject_of(line.pair)
    who = name_of(code) if COMMON in currencies_of(line.pair) else currencies_of(line.pair)[0]
    if verdict in (WITHIN, HOPS):
        return f"change {verdict}" if verdict == WITHIN else verdict
    value, lo, hi = line.steps.value, line.steps.lo, line.steps.hi
    percents = [100 * (end / start - 1) for end, start in ((lo[-1], hi[0]), (hi[-1], lo[0]))]
    texts = format_with_band(abs(100 * (value[-1] / value[0] - 1)), *sorted(map(abs, percents)))
    return f"{who} {verdict} by {texts.band} %"


def subject_of(pair: str) -> str:
    """Return the currency that a change is of; of a cross rate, whose change is of both, the pair."""
    base, quote = currencies_of(pair)
    return pair if COMMON not in (base, quote) else quote if base == COMMON else base


def _flat(label: str) -> str:
    return label.replace("\n", " ")
