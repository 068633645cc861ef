"""Resampling: open, high, low and close of each period, with their bands, and the share of successful polls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import tzinfo

import numpy as np
import pandas as pd

from fxticker.analysis.coverage import coverage_of
from fxticker.analysis.periods import Freq, every_period, in_local_order, period_of, start_of
from fxticker.analysis.polls_beside import PollsBeside, span_on_record
from fxticker.analysis.quotes import quotes_of
from fxticker.analysis.record_holes import holds
from fxticker.analysis.series import in_series, may_close
from fxticker.analysis.source_quotes import Ticks
from fxticker.frames.dates_in_zone import instants_in_zone
from fxticker.frames.now_and_zone import in_zone, resolved, zone_of
from fxticker.frames.single_values import SingleValues
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.rate_order import RATE

_RATES = {"": "rate", "_lo": "rate_lo", "_hi": "rate_hi"}
_NO_QUOTE = {"count": 0, "close_at": np.datetime64("NaT"), "open_values": 0, "close_values": 0}
"""What columns have in a period without quotes, if it is not NaN."""


def resample(
    ticks: Ticks,
    freq: Freq,
    *,
    polls: pd.DataFrame | None = None,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    per_usd: bool = False,
    order: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return open, high, low and close of each hour, day, week or month.

    A date-only tick counts at the end of its day; where its source also has a tick of the pair with an instant on that
    day, the date-only one neither opens nor closes a period. Hourly periods ignore date-only ticks.

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    freq
        ``hour`` (of UTC), ``day``, ``week`` (from Monday) or ``month``.
    polls
        A frame of `fxticker.load_polls`, for the coverage; ``None`` reads those of the store, if `ticks` is one.
    pairs
        Stored (``KZT/USD``), inverse (``USD/KZT``) or cross pairs (``KZT/UZS``); ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all; ``rate`` for one source of each pair throughout, the first of `order`
        that has it, as for `fxticker.quotes`.
    start, end
        Span of `observed_at` and of the slots of polls, as for `fxticker.load`. Periods at its ends may be cut, and are
        then not `whole`.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned; where only the date
        of a tick is known, its instant is the midnight of that date there.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.
    order
        Which source answers for ``rate``, as for `fxticker.rate`; ``None`` for ``official, ticker, peg``.

    Returns
    -------
    pandas.DataFrame
        One row per source, pair and period, by these, from the source's first period with a quote to its last:
        ``source`` and ``pair`` (category), ``start_at`` (datetime64[us, UTC], the period's first instant), ``open``,
        ``high``, ``low`` and ``close`` (float64, quote per one unit of base), each followed by its band (``open_lo``,
        ``open_hi``), ``close_at`` (datetime64[us, UTC], when the close was observed, which may be days before the
        period's end; NaT where there is none), ``count`` (int64, instants with a quote), ``coverage`` (float64, as in
        `fxticker.coverage`; NaN where no poll is on record), ``whole`` (boolean; the row, `coverage` included, is of
        the whole period: neither the span nor the present cuts it, and the record reaches over it, as in
        `fxticker.coverage`; null where no poll is on record and nothing cuts it), ``open_values`` and ``close_values``
        (int64; values of one date of which the open or the close is the middle, which none of them printed, and its
        band the hull; 1 where one value counts). ``high`` and ``low`` are the greatest and the least printed value of
        the period, those of one date among them, and the true highest rate lies between the highest lower and the
        highest upper bound of all of them, the lowest likewise. Of a cross rate whose legs both have several values of
        one date the middle counts: which of them were printed together is not known. Periods without quotes are not
        filled: NaN, with `count` 0 and no values.

    Raises
    ------
    NoData
        With ``rate``, if a pair has no source with a rate throughout.
    ValueError
        If `freq` is none of those, or a pair is neither stored nor derivable.
    """
    zone = zone_of(tz)
    given = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    selection = resolved(given)
    rows = quotes_of(ticks, selection, order)
    selection = replace(selection, sources=_answering(selection, rows))
    if freq == "hour":
        rows = rows.loc[rows["time_basis"] != TimeBasis.DATE]
    rows, times = in_local_order(rows, zone, freq)
    recorded = polls if polls is not None or isinstance(ticks, pd.DataFrame) else ticks
    in_order, first = in_series(rows)
    number = period_of(times[in_order], freq)
    begins = np.union1d(first, np.flatnonzero(np.diff(number)) + 1).astype(np.intp)
    series = rows[["source", "pair"]].iloc[in_order[first]]
    sources_of = series["source"].cat.codes.to_numpy()
    of_series, every, places = every_period(number[begins], np.searchsorted(begins, first), sources_of)
    grid: pd.DataFrame = series.take(of_series).reset_index(drop=True)
    grid = grid.assign(start_at=pd.Series(start_of(every, freq, zone)).dt.tz_localize("UTC"))
    for name, values in _summary(rows, times, in_order, begins, zone).items():
        column = np.full(len(grid), _NO_QUOTE.get(name, np.nan), values.dtype)
        column[places] = values
        grid[name] = column
    grid["close_at"] = grid["close_at"].dt.tz_localize("UTC")
    of_dates = {name: grid.pop(name) for name in ("open_values", "close_values")}
    begin, until = span_on_record(selection)
    is_inside = holds(start_of(every, freq, zone), start_of(every + 1, freq, zone), begin, until)
    # a period that the span cuts is not whole; of the others only polls show it
    whole: pd.Series = pd.Series(False, grid.index, dtype="boolean").mask(is_inside)
    if recorded is None:
        return in_zone(grid.assign(coverage=np.nan, whole=whole, **of_dates), tz)
    found = _coverage(grid, coverage_of(PollsBeside.of(recorded, selection), freq, zone))
    return in_zone(grid.assign(coverage=found["coverage"], whole=whole.fillna(found["whole"]), **of_dates), tz)


def _answering(selection: Selection, rows: pd.DataFrame) -> tuple[str, ...] | None:
    """Return the selected sources; those of the rows where an order chose them."""
    if selection.sources is None or RATE not in selection.sources:
        return selection.sources
    return tuple(dict.fromkeys(source for name in rows["source"].cat.categories for source in str(name).split("+")))


def _summary(
    rows: pd.DataFrame, times: np.ndarray, order: np.ndarray, begins: np.ndarray, zone: tzinfo
) -> dict[str, np.ndarray]:
    """Return the columns of the periods that have quotes."""
    count = np.diff(np.append(begins, len(order))).astype(np.int64)
    at_ends = np.flatnonzero(may_close(rows, times)[order])  # every period has one
    places = {
        "open": at_ends[np.searchsorted(at_ends, begins)],
        "close": at_ends[np.searchsorted(at_ends, begins + count) - 1],
    }
    rates = {suffix: rows[name].to_numpy()[order] for suffix, name in _RATES.items()}
    single = SingleValues.of(rows)
    of_dates = {f"{end}_values": single.count[order[place]].astype(np.int64) for end, place in places.items()}
    highest: Mapping[str, np.ndarray] = rates
    lowest: Mapping[str, np.ndarray] = rates
    if single.is_several.any():
        highest, lowest = _highest(single.take(order), rates), _lowest(single.take(order), rates)
    extremes = {"high": (np.maximum, highest), "low": (np.minimum, lowest)}
    columns: dict[str, np.ndarray] = {}
    for column in ("open", "high", "low", "close"):
        for suffix, values in rates.items():
            if column in places or not len(begins):
                columns[column + suffix] = values[places.get(column, begins)]
            else:
                extreme, of_single = extremes[column]
                columns[column + suffix] = extreme.reduceat(of_single[suffix], begins)
    closed_at = instants_in_zone(rows, zone).to_numpy("M8[us]")[order][places["close"]]
    return {**columns, "close_at": closed_at, "count": count, **of_dates}


def _highest(single: SingleValues, rates: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the greatest value of each instant, the highest lower and the highest upper bound."""
    is_known = ~np.isnan(single.highest)
    lo = np.where(is_known, single.highest_lo, rates["_lo"])
    return {"": np.where(is_known, single.highest, rates[""]), "_lo": lo, "_hi": rates["_hi"]}


def _lowest(single: SingleValues, rates: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the least value of each instant, the lowest lower and the lowest upper bound."""
    is_known = ~np.isnan(single.lowest)
    hi = np.where(is_known, single.lowest_hi, rates["_hi"])
    return {"": np.where(is_known, single.lowest, rates[""]), "_lo": rates["_lo"], "_hi": hi}


def _coverage(grid: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return the share of successful polls in each period of the grid, and whether that is on record."""
    shares = found.set_index(["source", "start_at"])[["coverage", "whole"]].astype({"whole": "boolean"})
    wanted = pd.MultiIndex.from_arrays([grid["source"].astype("str"), grid["start_at"]])
    return shares.reindex(wanted).reset_index(drop=True)
