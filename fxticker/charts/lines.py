"""From a frame of ticks or quotes to the lines that a chart of rates draws."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from fxticker.charts.causes import SOUND, Stretches, cause_codes, instants, stretches_of
from fxticker.charts.steps import COLUMNS, EXACT_VALUES, Steps, changes_only, extremes, gap_starts
from fxticker.frames.settle import one_per_instant, with_bands
from fxticker.model.formatting import format_with_band
from fxticker.model.records import Outcome

DAY_US = 86_400_000_000
_AT_ONCE = 2
"""Lines: each holds copies of some of its rows' columns meanwhile."""


@dataclass(frozen=True, slots=True)
class Line:
    """One source's values of one pair, and what is said of them."""

    source: str
    pair: str
    steps: Steps
    quantum: float | None
    """One step of the printed decimals; null if the values are derived, or fixed."""
    last: str
    rows: int
    days: np.ndarray
    unsound: Stretches

    @property
    def last_value(self) -> float:
        """Where its label stands."""
        return float(self.steps.value[-1])


def lines_of(frame: pd.DataFrame, polls: pd.DataFrame | None) -> list[Line]:
    """The lines of each source and pair, by both."""
    source_of, pair_of = (_texts(frame[name]) for name in ("source", "pair"))
    sources, pairs = source_of.codes, pair_of.codes
    at = instants(frame["observed_at"])
    names = source_of.categories.astype(str)
    looks = [_unsound(None if polls is None else polls[(polls["source"] == name).to_numpy()]) for name in names]

    def line(place: tuple[int, int]) -> Line | None:
        source, pair = place
        rows = np.flatnonzero((sources == source) & (pairs == pair))
        name, pair_name = str(names[source]), str(pair_of.categories[pair])
        return _line(frame, rows, at[rows], name, pair_name, looks[source]) if len(rows) else None

    places = list(product(range(len(names)), range(len(pair_of.categories))))
    if len(frame) <= EXACT_VALUES:
        return [found for found in map(line, places) if found]
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # numpy lets go of the interpreter's lock
        return [found for found in pool.map(line, places) if found]


def _line(
    frame: pd.DataFrame,
    rows: np.ndarray,
    at: np.ndarray,
    source: str,
    pair: str,
    looks: tuple[Stretches, np.ndarray],
) -> Line:
    if (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        rows, at = rows[order], at[order]
    unsound, without_ticks = looks
    is_many = len(rows) > EXACT_VALUES
    breaks = gap_starts(at, without_ticks, (at[-1] - at[0]) / COLUMNS if is_many else 0)
    if is_many:
        rows = rows[_seen(frame, rows, at, breaks)]
    drawn = frame.iloc[rows]
    if "nominal" in frame.columns:
        drawn = one_per_instant(drawn)
    rate, lo, hi = (drawn[name].to_numpy(np.float64) for name in ("rate", "rate_lo", "rate_hi"))
    steps = Steps(instants(drawn["observed_at"]), rate, lo, hi, at[breaks])
    widths = (drawn["rate_hi"] - drawn["rate_lo"])[drawn["rate_text"].notna()]
    widths = widths[widths > 0]  # that of a fixed rate is none
    quantum = float(widths.min()) if len(widths) else None
    return Line(source, pair, steps, quantum, _last_text(drawn.iloc[-1]), len(at), _days(at), unsound)


def _days(at: np.ndarray) -> np.ndarray:
    """The days that have a value, without a look at each: instants are in order."""
    borders = np.arange(at[0] // DAY_US, at[-1] // DAY_US + 2) * DAY_US
    return borders[:-1][np.diff(np.searchsorted(at, borders)) > 0]


def _seen(frame: pd.DataFrame, rows: np.ndarray, at: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """Positions in `rows` of those that make a difference to the picture."""
    banded = "nominal" not in frame.columns
    if banded:
        values = [frame[name].to_numpy()[rows] for name in ("rate", "rate_lo", "rate_hi")]
    else:
        values = [column[rows] for column in (_texts(frame["rate_text"]).codes, frame["nominal"].to_numpy())]
    kept = changes_only(at, tuple(values), breaks)
    if len(kept) <= EXACT_VALUES:
        return kept
    values = [value[kept] for value in values]
    if not banded:
        texts, rates = _texts(frame["rate_text"]), frame["rate"].to_numpy()[rows[kept]]
        # Of rates with the same decimals the extremes are those of their bands, too.
        values = [rates] if _are_alike(texts, *values) else [rates, *_bands(texts, *values)]
    thin: np.ndarray = kept[extremes(at[kept], tuple(values), at[breaks])]
    return thin


def _texts(column: pd.Series) -> pd.Categorical:
    """A column of texts as codes, which are not copied where it has them already."""
    texts = column.astype("category").array
    assert isinstance(texts, pd.Categorical)
    return texts


def _are_alike(texts: pd.Categorical, codes: np.ndarray, nominal: np.ndarray) -> bool:
    """Whether all printed rates have the same decimals, and are for as many units."""
    used = texts.categories[np.bincount(codes, minlength=len(texts.categories)) > 0]
    decimals = {len(text.replace(",", ".").partition(".")[2]) for text in used}
    return bool(nominal.min() == nominal.max()) and len(decimals) == 1


def _bands(texts: pd.Categorical, codes: np.ndarray, nominal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of printed rates, each distinct one read once."""
    lo, hi = np.empty(len(codes)), np.empty(len(codes))
    for units in np.unique(nominal):
        rows = slice(None) if nominal.min() == nominal.max() else nominal == units
        used = np.flatnonzero(np.bincount(codes[rows], minlength=len(texts.categories)))
        found = with_bands(pd.DataFrame({"rate_text": texts.categories[used], "nominal": units}))
        for bound, name in ((lo, "rate_lo"), (hi, "rate_hi")):
            by_text = np.zeros(len(texts.categories))
            by_text[used] = found[name]
            bound[rows] = by_text[codes[rows]]
    return lo, hi


def _unsound(polls: pd.DataFrame | None) -> tuple[Stretches, np.ndarray]:
    """The stretches without a sound poll, and the slots that gave no tick."""
    if polls is None or polls.empty:
        nothing = np.zeros(0, np.int64)
        return Stretches(nothing, nothing, nothing), nothing
    # a page that is old gave some
    without = (cause_codes(polls) != SOUND) & (polls["outcome"] != Outcome.STALE).to_numpy()
    return stretches_of(polls), instants(polls["slot"])[without]


def _last_text(row: pd.Series) -> str:
    """The last value as printed, or the range that it may lie in, in digits that show the range's width."""
    if pd.notna(row["rate_text"]):
        return str(row["rate_text"])
    return format_with_band(row["rate"], row["rate_lo"], row["rate_hi"]).band.replace(" to ", " to\n")
