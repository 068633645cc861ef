"""Rate: the rate of a pair by one source, which a stated order chooses, beside what all other sources have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta, tzinfo

import numpy as np
import pandas as pd

from fxticker.analysis.rate_choice import Choice, choices_of
from fxticker.analysis.rate_grid import Grid, grid_at, grid_every
from fxticker.analysis.rate_lines import RateLine
from fxticker.analysis.rate_texts import other_sources
from fxticker.analysis.source_quotes import Ticks
from fxticker.errors import NoData
from fxticker.frames.now_and_zone import in_zone, present, resolved, zone_of
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import MICROSECOND, Moment
from fxticker.sources.age_limits import TICKER, AgeLimit, MaxAge

_HOUR_US = timedelta(hours=1) // MICROSECOND
DEFAULT_EVERY = "1D"
"""Step of a series for which none is given."""


def rate(
    ticks: Ticks,
    pairs: Iterable[str] | str,
    *,
    at: Moment | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    every: str | timedelta | None = None,
    order: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    max_age: MaxAge = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the rate of pairs by the first source of a stated order that has it, at one instant or as a series.

    The order alone decides which source answers, never the width of a band: print width is not accuracy. Nothing is
    averaged or intersected across sources, and a series uses one source throughout. What the other sources have stands
    beside it.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pairs
        Stored (``KZT/USD``), inverse (``USD/KZT``) or cross pairs (``KZT/UZS``), one or several. A cross rate is of one
        source, or of the rates of two sources against USD.
    at
        The instant of the lookup; a date stands for its end; ``None`` for now, if there is no `start`.
    start, end
        Period of a series, as for `fxticker.load`; an open end is now.
    every
        Step of the series: ``15min``, ``1h``, ``7D``; ``None`` for a day. Steps of whole days are looked up at the ends
        of days, others at instants from the start on.
    order
        Which source answers, the foremost first: ids of sources and the words ``official`` (rates that a central bank
        sets), ``ticker``, ``market`` (the ticker, aggregators and plug-ins that do not state otherwise) and ``peg``, in
        an iterable or as text with commas; ``None`` for ``official, ticker, peg``. Within a word a source that prints
        the pair goes before one from which it follows, then the id that is alphabetically first. Of a cross rate the
        leg that stands last in the order counts; of equal ones that of one source goes before that of two.
    sources
        Use only these sources; ``None`` for all.
    max_age
        The greatest age of a tick at each instant; ``None`` for the limit of each source, as for `fxticker.drift`.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned. Value dates are the
        bank's.

    Returns
    -------
    pandas.DataFrame
        One row per instant and pair, by instant and then in the order of `pairs`: ``pair`` (category), ``at``
        (datetime64[us, UTC], the instant), ``rate``, ``rate_lo``, ``rate_hi`` (float64, quote per one unit of base; the
        rate is the printed one, which is the middle of its interval, or follows from printed ones, and is no likelier
        than any other point of the interval), ``kind`` (category; ``official``, ``market``, ``peg``, or two with a
        plus), ``source`` (category; of two ``nbk+cbu``), ``legs`` (category; the printed pairs that the rate follows
        from, each with its source), ``value_date`` (datetime64 without zone; the day of an official rate, of the ticker
        the one on which it was observed, in `tz`, of a peg the first day in force; of two sources the older one),
        ``observed_at`` (datetime64[us, UTC]; instant of the tick, of all but the ticker 00:00 UTC of the value date),
        ``age_h`` (float64; hours from the tick to `at`, of a date from its end), ``others`` (category; each other
        source that has a rate within its limit of age, ``"cbr agrees; timesca contradicts by -0.12 %"``, null if none;
        two agree if their bands share a point, else the distance of the nearest points of both, the other one minus
        this rate, in percent of this rate; cross rates of sources of two kinds are left out), ``contradictions``
        (int64; number of them that contradict), ``passed_over`` (category; sources that stand before in the order and
        why they do not answer, null if none), ``reason`` (category; why a pair has no rate, null if it has one),
        ``values`` (int32; values of one date of which the rate is the middle, which none of them printed, and the band
        the hull; else 1) and ``leg_dates`` (category; of two sources both value dates, ``2025-01-20+2025-01-23``, null
        of one).

    Raises
    ------
    NoData
        If no pair has a rate, or in a series if one pair has no source with a rate at all instants; names what is
        missing.
    ValueError
        If a pair is neither stored nor derivable, `order` names something unknown, or a moment or a step is invalid.
    """
    wanted = replace(resolved(Selection.of(pairs=pairs, sources=sources, as_of=as_of, tz=tz)), tz=None)
    grid = _grid(at, start, end, every, zone_of(tz))
    limit = AgeLimit.of(max_age)
    choices = choices_of(ticks, wanted, grid, limit, order)
    missing = [choice.reason for choice in choices if choice.reason is not None]
    if missing and (len(missing) == len(choices) or start is not None):
        raise NoData("; ".join(missing))
    rows = pd.concat([rows_of(choice, grid, zone_of(tz)) for choice in choices], ignore_index=True)
    order_of_rows = np.arange(len(rows)).reshape(len(choices), -1).T.ravel()
    rows = rows.iloc[order_of_rows].reset_index(drop=True)
    texts = ["pair", "kind", "source", "legs", "leg_dates", "others", "passed_over", "reason"]
    return in_zone(rows.astype(dict.fromkeys(texts, "category")), tz)


def _grid(
    at: Moment | None, start: Moment | None, end: Moment | None, every: str | timedelta | None, zone: tzinfo
) -> Grid:
    now = present()
    if start is None:
        if end is not None or every is not None:
            raise InvalidArgument("a series has a start: give `start`, or `at` for one instant")
        return grid_at("now" if at is None else at, now, zone)
    if at is not None:
        raise InvalidArgument("give either `at` for one instant, or `start` for a series")
    grid = grid_every(DEFAULT_EVERY if every is None else every, start, end, now, zone)
    if not len(grid):
        raise InvalidArgument(f"the period from {start} has no instant")
    return grid


def rows_of(choice: Choice, grid: Grid, zone: tzinfo) -> pd.DataFrame:
    """Return the rows of a pair, by instant, in UTC; the day of a tick of the ticker is that of the zone."""
    line = choice.line
    head = {"pair": choice.pair, "at": pd.to_datetime(grid.upto.view("M8[us]"), utc=True)}
    if line is None:
        return pd.DataFrame({**head, "contradictions": 0, "reason": choice.reason, "values": 1})
    others, contradictions = other_sources(line, choice.others)
    days = [_value_days(leg, zone) for leg in line.parts or (line,)]
    return pd.DataFrame(
        {
            **head,
            "rate": line.rate,
            "rate_lo": line.lo,
            "rate_hi": line.hi,
            "kind": line.kind,
            "source": line.source,
            "legs": ", ".join(f"{pair} of {source}" for source, pair in line.printed),
            "value_date": np.minimum.reduce(days).astype("M8[ms]"),
            "observed_at": _utc(line),
            "age_h": line.age / _HOUR_US,
            "others": others,
            "contradictions": contradictions,
            "passed_over": "; ".join(choice.passed_over) or None,
            "reason": None,
            "values": line.count,
            "leg_dates": ["+".join(map(str, each)) for each in zip(*days, strict=True)] if line.parts else None,
        }
    )


def _value_days(line: RateLine, zone: tzinfo) -> np.ndarray:
    """Return the value dates of a line of one source, ``datetime64[D]``; those of the ticker are days of the zone."""
    instants = _utc(line)
    local = instants.tz_convert(zone) if line.source == TICKER else instants
    return np.asarray(local.tz_localize(None).to_numpy().astype("M8[D]"))


def _utc(line: RateLine) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(line.observed_at.view("M8[us]"), tz="UTC")
