"""Rate quotes: all rates of the one source of each pair that a stated order chooses for a whole span."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd

from fxticker.analysis.periods import local_times
from fxticker.analysis.rate_choice import Choice, choices_of
from fxticker.analysis.rate_exact import named_pairs
from fxticker.analysis.rate_grid import Grid, grid_every, grid_of
from fxticker.analysis.rate_lines import RateLine
from fxticker.analysis.series import may_close
from fxticker.analysis.source_quotes import Ticks, source_quotes, ticks_of, tidied
from fxticker.analysis.value_dates import official_ticks
from fxticker.errors import NoData
from fxticker.frames.dates_in_zone import in_span
from fxticker.frames.now_and_zone import present, zone_of
from fxticker.model.bands import cross_bounds
from fxticker.model.days import Lookup
from fxticker.model.pairs import legs_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.sources.age_limits import TICKER, AgeLimit
from fxticker.store.arrow import instant_of

_EVERY = "1D"
"""Step at which the source must have a rate: the ends of days, as by default in a series of `fxticker.rate`."""
_DAY = timedelta(days=1)


def quotes_by_order(
    ticks: Ticks,
    selection: Selection,
    order: Iterable[str] | None,
    limit: AgeLimit,
    also_at: Sequence[Lookup] = (),
) -> pd.DataFrame:
    """Return the quotes of one source of each pair, the first of an order that has a rate throughout the span.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    selection
        Pairs in any direction, all stored ones if None, `per_usd`, the span, `as_of`, and whose days are meant,
        resolved; sources are ignored. An open start is the first rate of the source that answers, an open end the last
        tick of any source.
    order
        The order; None for the default.
    limit
        The limit of age at the end of each day.
    also_at
        Further lookups at which the source must have a rate.

    Returns
    -------
    pandas.DataFrame
        As of `fxticker.quotes` with the source `RATE`, instants in UTC.

    Raises
    ------
    NoData
        If no source has a rate of a pair throughout, or the one that answers states none within the span.
    """
    selection = replace(selection, sources=None)
    pairs = named_pairs(ticks, selection)
    grid = _days(ticks, pairs, selection, also_at)
    if grid is None:
        return source_quotes(ticks, selection)
    wanted = Selection(pairs=pairs, as_of=selection.as_of)
    is_open = {"from_first": selection.start is None, "to_last": selection.end is None}
    choices = choices_of(ticks, wanted, grid, limit, order, lambda lines: _asked(lines, **is_open))
    if missing := [choice for choice in choices if choice.line is None]:
        raise NoData(_lacking(missing, len(choices)))
    selection = replace(selection, end=selection.end or present())
    parts = [_of_line(ticks, choice.line, selection, limit) for choice in choices if choice.line is not None]
    texts = ("source", "pair", "time_basis", "rate_text")
    rows = pd.concat([part.astype(dict.fromkeys(texts, "object")) for part in parts], ignore_index=True)
    return tidied(rows.sort_values(["observed_at", "pair", "source"], kind="stable", ignore_index=True))


def _lacking(missing: Sequence[Choice], asked: int) -> str:
    """Return which pairs have no source throughout, what to do, and what each source lacks."""
    named, details = "a source that is named is taken with its gaps", [choice.missing for choice in missing]
    if asked == 1:
        return "; ".join([*details, named])
    pairs = ", ".join(choice.pair for choice in missing)
    return f"no source has {pairs} throughout: name other pairs (--pair); {named}; {'; '.join(details)}"


def _days(ticks: Ticks, pairs: Iterable[str], selection: Selection, also_at: Sequence[Lookup]) -> Grid | None:
    """Return the ends of the days of a span, and further lookups; None if nothing is stored."""
    zone, now = zone_of(selection.tz), present()
    start, end = selection.start, selection.end
    if start is None or end is None:
        legs = tuple(sorted({leg for pair in pairs for leg in legs_of(pair)}))
        shown = ticks_of(ticks, replace(selection, pairs=legs), columns=["observed_at", "time_basis"])
        if shown.empty:
            return None
        times = local_times(shown, zone)
        first, last = (max(each, np.datetime64(0, "us")).item().date() for each in (times.min(), times.max()))
        start, end = first if start is None else start, last if end is None else end
    days = grid_every(_EVERY, start, end, now, zone)
    also = grid_of(also_at)
    upto, dated_upto = np.append(days.upto, also.upto), np.append(days.dated_upto, also.dated_upto)
    in_order = np.argsort(upto, kind="stable")
    return Grid(upto[in_order], dated_upto[in_order])


def _asked(lines: Sequence[RateLine], *, from_first: bool, to_last: bool) -> list[RateLine]:
    """Return lines that lack nothing where nothing is asked of them: before their first rate, and after that of all."""
    last = max((int(np.flatnonzero(line.is_young).max(initial=0)) for line in lines), default=0)
    result = []
    for line in lines:
        is_free = np.zeros(len(line.rate), bool)
        if from_first:
            is_free |= ~np.logical_or.accumulate(line.has_rate)
        if to_last:
            is_free[last + 1 :] = True
        result.append(replace(line, is_young=line.is_young | is_free))
    return result


def _of_line(ticks: Ticks, line: RateLine, selection: Selection, limit: AgeLimit) -> pd.DataFrame:
    rows = _of_two_sources(ticks, line, selection, limit) if line.parts else _of_one_source(ticks, line, selection)
    if rows.empty:
        last = instant_of(int(line.observed_at[-1]))
        raise NoData(
            f"{line.source} states no new rate of {line.pair} in the span: that of {last:%Y-%m-%d} is in force"
            " throughout, as `rate` has it"
        )
    return rows


def _of_one_source(ticks: Ticks, line: RateLine, selection: Selection) -> pd.DataFrame:
    wanted = replace(selection, pairs=(line.pair,), sources=(line.source,))
    if line.source == TICKER:
        return source_quotes(ticks, wanted)
    dated = official_ticks(ticks, replace(wanted, pairs=tuple(legs_of(line.pair)), start=None, end=None), ticker=TICKER)
    return source_quotes(dated, replace(wanted, as_of=None))


def _of_two_sources(ticks: Ticks, line: RateLine, selection: Selection, limit: AgeLimit) -> pd.DataFrame:
    """Return the cross rate at each instant at which one of its legs is stated and both are in force."""
    shown = [_of_one_source(ticks, part, replace(selection, start=None)) for part in line.parts]
    shown = [rows[may_close(rows)].reset_index(drop=True) for rows in shown]
    at = pd.DatetimeIndex(np.union1d(*(rows["observed_at"].to_numpy("M8[us]") for rows in shown)), tz="UTC")
    places = [rows["observed_at"].searchsorted(at, side="right") - 1 for rows in shown]
    in_force = np.logical_and.reduce(
        [
            _is_young(part.source, rows, place, at, limit)
            for part, rows, place in zip(line.parts, shown, places, strict=True)
        ]
    )
    at = at[in_force]
    base, quote = (rows.iloc[place[in_force]].reset_index(drop=True) for rows, place in zip(shown, places, strict=True))
    is_date = [((leg["observed_at"] == at) & (leg["time_basis"] == TimeBasis.DATE)).to_numpy() for leg in (base, quote)]
    lo, hi = cross_bounds(*(leg[name].to_numpy() for leg in (base, quote) for name in ("rate_lo", "rate_hi")))
    crossed = base.assign(
        pair=line.pair,
        observed_at=at,
        rate=base["rate"] / quote["rate"],
        rate_lo=lo,
        rate_hi=hi,
        rate_text=None,
        recorded_at=base["recorded_at"].where(base["recorded_at"] >= quote["recorded_at"], quote["recorded_at"]),
        nominal=np.ones(len(base), np.int32),
        time_basis=np.where(is_date[0] | is_date[1], TimeBasis.DATE.value, TimeBasis.CLOCK.value),
        source=line.source,
    )
    return crossed[in_span(crossed, selection)].reset_index(drop=True)


def _is_young(source: str, rows: pd.DataFrame, place: np.ndarray, at: pd.DatetimeIndex, limit: AgeLimit) -> np.ndarray:
    """Return whether the row at each place is there and within its age at an instant; a date's counts from its end."""
    longest, has_row = limit.of_source(source), place >= 0
    if longest is None or rows.empty:
        return has_row
    counts_from = rows["observed_at"] + _DAY * (source != TICKER)
    return np.asarray(has_row & (at - pd.DatetimeIndex(counts_from.iloc[place]) <= pd.Timedelta(longest)))
