"""Lines of a chart of rates: prepares the steps of each source and pair from a frame of ticks or quotes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from itertools import product

import numpy as np
import pandas as pd

from fxticker.analysis.peg_hops import level_of
from fxticker.charts.causes import SUCCESSFUL, Stretches, cause_codes, instants, local_instants, stretches_of
from fxticker.charts.lookups import Lookups, lookups_of
from fxticker.charts.steps import COLUMNS, EXACT_VALUES, Steps, changes_only, extremes, gap_starts
from fxticker.frames.dates_in_zone import instants_in_zone
from fxticker.frames.one_per_instant import one_per_instant, with_bands
from fxticker.frames.single_values import SingleValues
from fxticker.model.formatting import decimal_point, format_with_band
from fxticker.model.records import Outcome

DAY_US = 86_400_000_000
_AT_ONCE = 2
"""Lines prepared in parallel; each needs memory for copies of some columns of its rows."""


@dataclass(frozen=True, slots=True)
class Line:
    """Values of one source and pair, with the facts for its label and the caption."""

    source: str
    pair: str
    steps: Steps
    quantum: float | None
    """One step of the printed decimals; ``None`` if the values are derived, or fixed."""
    last: str
    rows: int
    days: np.ndarray
    failed: Stretches
    lookups: Lookups | None
    """The ticks behind looked-up rates; ``None`` of ticks and quotes."""
    single_values: SingleValues
    """The printed values behind each value of the steps."""

    @property
    def last_value(self) -> float:
        """Value at which its label is placed."""
        return float(self.steps.value[-1])

    @property
    def levels(self) -> list[set[str]]:
        """The printed values behind each value, as levels of a pegged pair."""
        return [
            {*map(level_of, ends)} for ends in zip(self.single_values.lowest, self.single_values.highest, strict=True)
        ]

    def last_at(self, zone: tzinfo) -> pd.Timestamp:
        """Return when the last value was observed; of a looked-up one the day of its tick."""
        if self.lookups is not None:
            return pd.Timestamp(self.lookups.last_day, unit="D").tz_localize(zone)
        return self.ends(zone)[1]

    def ends(self, zone: tzinfo) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Return the instants of the first and the last value."""
        first, last = (pd.Timestamp(end, unit="us", tz="UTC").tz_convert(zone) for end in self.steps.when[[0, -1]])
        return first, last


def lines_of(frame: pd.DataFrame, polls: pd.DataFrame | None) -> list[Line]:
    """Return the lines of each source and pair, sorted by both."""
    source_of, pair_of = (_texts(frame[name]) for name in ("source", "pair"))
    sources, pairs = source_of.codes, pair_of.codes
    if frame["observed_at"].dt.tz is not UTC and "time_basis" in frame.columns:
        frame = frame.assign(observed_at=instants_in_zone(frame, frame["observed_at"].dt.tz))
    times = instants(frame["observed_at"])
    local = times if frame["observed_at"].dt.tz is UTC else local_instants(frame["observed_at"])
    names = source_of.categories.astype(str)
    looks = [_failed(None if polls is None else polls[(polls["source"] == name).to_numpy()]) for name in names]

    def line(place: tuple[int, int]) -> Line | None:
        source, pair = place
        rows = np.flatnonzero((sources == source) & (pairs == pair))
        name, pair_name = str(names[source]), str(pair_of.categories[pair])
        return _line(frame, rows, times[rows], local[rows], name, pair_name, looks[source]) if len(rows) else None

    places = list(product(range(len(names)), range(len(pair_of.categories))))
    if len(frame) <= EXACT_VALUES:
        return [drawn for drawn in map(line, places) if drawn]
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # numpy releases the interpreter lock
        return [drawn for drawn in pool.map(line, places) if drawn]


def are_quotes(frame: pd.DataFrame) -> bool:
    """Return whether a frame is of quotes, one per instant with its band, and not of ticks."""
    return "rate_lo" in frame.columns and "origin" not in frame.columns


def _line(
    frame: pd.DataFrame,
    rows: np.ndarray,
    times: np.ndarray,
    local: np.ndarray,
    source: str,
    pair: str,
    looks: tuple[Stretches, np.ndarray],
) -> Line:
    if (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        rows, times, local = rows[order], times[order], local[order]
    failed, without_ticks = looks
    lookups, count, days = lookups_of(frame, rows, local, source), len(rows), _days(local)
    if lookups is not None:
        rows, times, days = rows[lookups.is_drawn], times[lookups.is_drawn], lookups.days
    is_many = len(rows) > EXACT_VALUES
    breaks = gap_starts(times, without_ticks, (times[-1] - times[0]) / COLUMNS if is_many else 0)
    if lookups is not None:
        breaks = np.union1d(breaks, lookups.breaks)
    if is_many:
        rows = rows[_seen(frame, rows, times, breaks)]
    drawn = frame.iloc[rows]
    if not are_quotes(frame):
        drawn = one_per_instant(drawn, with_single_values=True)
    rate, lo, hi = (drawn[name].to_numpy(np.float64) for name in ("rate", "rate_lo", "rate_hi"))
    steps = Steps(instants(drawn["observed_at"]), rate, lo, hi, times[breaks])
    widths = (drawn["rate_hi"] - drawn["rate_lo"])[drawn["rate_text"].notna()]
    widths = widths[widths > 0]  # a fixed rate has no width
    quantum = float(widths.min()) if len(widths) else None
    single_values, last = SingleValues.of(drawn), _last_text(drawn.iloc[-1])
    return Line(source, pair, steps, quantum, last, count, days, failed, lookups, single_values)


def _days(times: np.ndarray) -> np.ndarray:
    """Return the days that have a value, by binary search in the sorted instants."""
    borders = np.arange(times[0] // DAY_US, times[-1] // DAY_US + 2) * DAY_US
    return borders[:-1][np.diff(np.searchsorted(times, borders)) > 0]


def _seen(frame: pd.DataFrame, rows: np.ndarray, times: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """Return the positions in `rows` of those that change the picture."""
    banded = are_quotes(frame)
    if banded:
        values = [frame[name].to_numpy()[rows] for name in ("rate", "rate_lo", "rate_hi")]
    else:
        values = [column[rows] for column in (_texts(frame["rate_text"]).codes, frame["nominal"].to_numpy())]
    kept = changes_only(times, tuple(values), breaks)
    if len(kept) <= EXACT_VALUES:
        return kept
    values = [value[kept] for value in values]
    if not banded:
        texts, rates = _texts(frame["rate_text"]), frame["rate"].to_numpy()[rows[kept]]
        # rates with the same decimals have the same extremes as their bands
        values = [rates] if _are_alike(texts, *values) else [rates, *_bands(texts, *values)]
    thin: np.ndarray = kept[extremes(times[kept], tuple(values), times[breaks])]
    return thin


def _texts(column: pd.Series) -> pd.Categorical:
    """Return a column of texts as codes, without a copy if it has codes already."""
    texts = column.astype("category").array
    assert isinstance(texts, pd.Categorical)
    return texts


def _are_alike(texts: pd.Categorical, codes: np.ndarray, nominal: np.ndarray) -> bool:
    """Return whether all printed rates have the same decimals and the same nominal."""
    used = texts.categories[np.bincount(codes, minlength=len(texts.categories)) > 0]
    decimals = {len(text.replace(",", ".").partition(".")[2]) for text in used}
    return bool(nominal.min() == nominal.max()) and len(decimals) == 1


def _bands(texts: pd.Categorical, codes: np.ndarray, nominal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of printed rates; each distinct text is parsed once."""
    lo, hi = np.empty(len(codes)), np.empty(len(codes))
    for units in np.unique(nominal):
        rows = slice(None) if nominal.min() == nominal.max() else nominal == units
        used = np.flatnonzero(np.bincount(codes[rows], minlength=len(texts.categories)))
        bands = with_bands(pd.DataFrame({"rate_text": texts.categories[used], "nominal": units}))
        for bound, name in ((lo, "rate_lo"), (hi, "rate_hi")):
            by_text = np.zeros(len(texts.categories))
            by_text[used] = bands[name]
            bound[rows] = by_text[codes[rows]]
    return lo, hi


def _failed(polls: pd.DataFrame | None) -> tuple[Stretches, np.ndarray]:
    """Return the stretches without a successful poll, and the slots that gave no tick."""
    if polls is None or polls.empty:
        nothing = np.zeros(0, np.int64)
        return Stretches(nothing, nothing, nothing), nothing
    # a stale page gave ticks
    without = (cause_codes(polls) != SUCCESSFUL) & (polls["outcome"] != Outcome.STALE).to_numpy()
    return stretches_of(polls), instants(polls["slot"])[without]


def _last_text(row: pd.Series) -> str:
    """Return the last value per one unit with the printed digits, or its range with those that its width needs."""
    texts = format_with_band(row["rate"], row["rate_lo"], row["rate_hi"])
    if pd.notna(row["rate_text"]):
        return _separated(decimal_point(str(row["rate_text"])) if row["nominal"] == 1 else texts.value)
    return _separated(texts.lo) if texts.lo == texts.hi else f"{_separated(texts.lo)} to\n{_separated(texts.hi)}"


def _separated(number: str) -> str:
    """Return a number with separators of thousands and the same digits."""
    return f"{Decimal(number):,f}"
