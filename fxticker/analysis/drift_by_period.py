"""Drift by period: relative change of rates from the close of one hour, day, week or month to the next one's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import numpy as np
import pandas as pd

from fxticker.analysis.peg_hops import ShownLevels, peg_hops
from fxticker.analysis.periods import Freq, every_period, in_local_order, period_of, start_of
from fxticker.analysis.quote_change import changes_since, columns_of_change
from fxticker.analysis.quotes import quotes_of
from fxticker.analysis.series import in_series, may_close
from fxticker.analysis.source_quotes import Ticks
from fxticker.frames.dates_in_zone import instants_in_zone
from fxticker.frames.now_and_zone import in_zone, present, resolved, zone_of
from fxticker.model.durations import limit_text
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment, instant
from fxticker.sources.age_limits import ANY, AgeLimit, MaxAge

_HOUR, _DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")


def drift_by_period(
    ticks: Ticks,
    freq: Freq,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    max_age: MaxAge = ANY,
    per_usd: bool = False,
    order: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return the relative change of each rate from one period's close to the next one's, with its band.

    The close is the last quote of the period. A date-only tick closes its day if its source has no tick of the pair
    with an instant on that day; hourly periods ignore date-only ticks.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    freq
        ``hour`` (of UTC), ``day``, ``week`` (from Monday) or ``month``.
    pairs
        Stored, inverse or cross pairs; ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all; ``rate`` for one source of each pair throughout, the first of `order`
        that has it, as for `fxticker.quotes`.
    start, end
        Span of `observed_at`, as for `fxticker.load`.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned; where only the date
        of a tick is known, its instant is the midnight of that date there.
    max_age
        Do not use a close that is older than this at the end of its period, or, of the close before, at the start of
        this one; ``None`` for each source's own limit, as for `fxticker.drift`. By default there is none: a change is
        one from close to close, and its row names both instants, however far they lie apart. Which source answers for
        ``rate`` is by each source's own limit.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.
    order
        Which source answers for ``rate``, as for `fxticker.rate`; ``None`` for ``official, ticker, peg``.

    Returns
    -------
    pandas.DataFrame
        One row per source, pair and period, sorted by these, from the pair's first period with a quote to its last:
        ``source``, ``pair`` (categories), ``start_at`` (the period's first instant), ``drift_pct`` = 100 (close / close
        before - 1), where the close before is that of the last period that has one, its band ``drift_lo_pct`` and
        ``drift_hi_pct``, as in `drift_series`, ``significant``: the band excludes 0, ``peg_hop`` and ``several_values``
        as in `fxticker.drift`, ``from_at`` and ``to_at``: the instants of the two closes, ``start_age_h`` and
        ``end_age_h`` (float64): hours from them to the start and the end of the period, at most to `end` and now, and
        ``reason`` (category), why a close does not count, null otherwise. NaN and NaT where there is none: in a period
        without quotes, and in the first; NaN also where a close is older than `max_age`.

    Raises
    ------
    NoData
        With ``rate``, if a pair has no source with a rate throughout.
    ValueError
        If `freq` is none of those, `max_age` is no duration, or a pair is neither stored nor derivable.
    """
    now, zone = present(), zone_of(tz)
    given = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    selection = resolved(given)
    rows, times = in_local_order(quotes_of(ticks, selection, order), zone, freq)
    last = np.datetime64(instant(selection.end or now).replace(tzinfo=None), "us")
    closing = (rows["time_basis"] != TimeBasis.DATE).to_numpy() if freq == "hour" else may_close(rows, times)
    rows, times = rows[closing], times[closing]
    in_order, first = in_series(rows)
    number = period_of(times[in_order], freq)
    is_close = np.ones(len(in_order), bool)
    is_close[:-1] = number[1:] != number[:-1]
    is_close[first[1:] - 1] = True
    shown = ShownLevels.of(ticks, rows, selection.as_of).take(in_order[is_close])
    closes, number = rows.iloc[in_order[is_close]].reset_index(drop=True), number[is_close]
    begins = np.searchsorted(np.flatnonzero(is_close), first)
    places_before = np.arange(len(closes)) - 1
    places_before[begins] = -1  # a label that no row has
    before = (
        columns_of_change(closes).assign(time_basis=closes["time_basis"]).reindex(places_before).reset_index(drop=True)
    )
    moved = changes_since(closes, before).assign(
        peg_hop=peg_hops(closes, before, shown),
        from_at=instants_in_zone(before, zone),
        to_at=instants_in_zone(closes, zone),
    )
    of_series, every, places = every_period(number, begins)
    series = closes[["source", "pair"]].iloc[begins].iloc[of_series].reset_index(drop=True)
    aged = moved.assign(
        start_age_h=_age_h(before, start_of(number, freq, zone)),
        end_age_h=_age_h(closes, np.minimum(start_of(number + 1, freq, zone), last)),
    )
    aged = _without_old(aged, closes["source"], AgeLimit.of(max_age))
    start_at = pd.Series(start_of(every, freq, zone)).dt.tz_localize("UTC")
    result = pd.concat([series.assign(start_at=start_at), aged.set_index(places).reindex(series.index)], axis=1)
    verdicts = {name: result.pop(name).eq(True) for name in ("peg_hop", "several_values")}
    return in_zone(result.assign(significant=result["significant"].eq(True), **verdicts), tz)


def _age_h(closes: pd.DataFrame, at: np.ndarray) -> np.ndarray:
    """Return the hours from closes to instants; those of date-only closes count from the end of their day."""
    counts_from = closes["observed_at"].to_numpy("M8[us]")
    counts_from = counts_from + (closes["time_basis"] == TimeBasis.DATE).to_numpy() * _DAY
    age: np.ndarray = np.maximum((at - counts_from) / _HOUR, 0.0)
    return age


def _without_old(changes: pd.DataFrame, sources: pd.Series, limit: AgeLimit) -> pd.DataFrame:
    """Return the changes with `reason`, and without figures where a close is too old."""
    reason = pd.Series(None, index=changes.index, dtype="object")
    for source in sources.cat.categories:
        longest = limit.of_source(str(source))
        if longest is None:
            continue
        for name in ("start", "end"):
            too_old = (sources == source) & (changes[f"{name}_age_h"] > longest / timedelta(hours=1))
            if too_old.any():
                reason[too_old & reason.isna()] = f"{name} tick older than {limit_text(longest)}"
    changes.loc[reason.notna(), ["drift_pct", "drift_lo_pct", "drift_hi_pct"]] = np.nan
    verdicts = {name: changes[name] & reason.isna() for name in ("significant", "peg_hop", "several_values")}
    return changes.assign(**verdicts, reason=reason.astype("category"))
