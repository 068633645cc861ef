"""Texts about other sources: which of them agree with a rate, and by how much the others contradict it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from fxticker.analysis.rate_lines import RateLine

_DIGITS = 2
"""Significant digits of a distance: it tells its size, and the bands of both rates have the rest."""


def distance_pct(line: RateLine, other: RateLine) -> np.ndarray:
    """Return by how much another line contradicts one, in percent of its rate; 0 where they agree.

    Two agree if their bands share a point. Otherwise it is the distance of the nearest points, the other minus the
    line. NaN where either has no rate within its limit of age.
    """
    above, below = other.lo - line.hi, other.hi - line.lo
    apart = np.where(above > 0, above, np.where(below < 0, below, 0.0))
    return np.where(line.is_young & other.is_young, 100 * apart / line.rate, np.nan)


def of_one_kind(lines: Sequence[RateLine]) -> list[RateLine]:
    """Return lines by source, without cross rates of two kinds: each of their sources has a rate of its own or none."""
    return sorted((line for line in lines if "+" not in line.kind), key=lambda line: line.source)


def other_sources(line: RateLine, others: Sequence[RateLine]) -> tuple[pd.Categorical, np.ndarray]:
    """Return for each instant a text about each other source, null where none has a rate, and how many contradict.

    Others are those of `of_one_kind`.
    """
    count = len(line.rate)
    contradictions = np.zeros(count, np.int64)
    codes, texts = np.zeros(count, np.int64), np.array([""], object)
    for other in of_one_kind(others):
        distance = distance_pct(line, other)
        contradictions += np.nan_to_num(distance) != 0
        distinct, known = pd.factorize(distance)  # NaN has the code -1
        more = np.array([*(_text(other.source, float(value)) for value in known), ""], object)
        # numbers of the pairs of texts that occur, so that each text is put together once
        codes, pairs = pd.factorize(codes * len(more) + np.where(distinct < 0, len(known), distinct))
        texts = np.array(
            ["; ".join(filter(None, (texts[pair // len(more)], more[pair % len(more)]))) for pair in pairs], object
        )
    # different distances may have equal texts
    of_texts, names = pd.factorize(texts)
    number = of_texts[codes]
    is_none = np.array([name == "" for name in names])
    places = np.cumsum(~is_none) - 1
    places[is_none] = -1
    kept = pd.Index([name for name in names if name], dtype="str")
    return pd.Categorical.from_codes(places[number], categories=kept), contradictions


def _text(source: str, distance: float) -> str:
    if not distance:
        return f"{source} agrees"
    return f"{source} contradicts by {Decimal(f'{distance:.{_DIGITS}g}'):+f} %"
