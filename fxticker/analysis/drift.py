"""Drift: relative change of rates, with bands that show whether the printed digits prove it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from fxticker.analysis.drift_rows import COLUMNS, Found, drift_row, no_drift
from fxticker.analysis.first_tick import first_after
from fxticker.analysis.lookup import rates_by
from fxticker.analysis.peg_hops import ShownLevels, is_peg_hop, peg_hops
from fxticker.analysis.quote_change import changes_since, columns_of_change
from fxticker.analysis.rate_exact import is_by_order, rates_by_order, rates_of_sources
from fxticker.analysis.rate_quotes import quotes_by_order
from fxticker.analysis.series import in_series
from fxticker.analysis.source_quotes import Ticks, source_quotes
from fxticker.errors import NoData
from fxticker.frames.dates_in_zone import by_instant, instants_in_zone
from fxticker.frames.now_and_zone import in_zone, present, resolved, zone_of
from fxticker.frames.one_per_instant import typed
from fxticker.frames.single_values import SingleValues
from fxticker.model.days import Lookup, closing, lookup
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import AgeLimit, MaxAge
from fxticker.sources.rate_order import RATE

FIRST = "first"
"""Default base of a drift: the rate at its start."""
_BASE = {
    "observed_at": "datetime64[us, UTC]",
    **dict.fromkeys(
        ("rate", "rate_lo", "rate_hi", "values", "lowest", "lowest_hi", "highest", "highest_lo"), "float64"
    ),
}
"""Columns of a base that was looked up: of `fxticker.analysis.quote_change.columns_of_change`."""


def drift(
    ticks: Ticks,
    *,
    start: Moment,
    end: Moment | None = None,
    base: Moment = FIRST,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    max_age: MaxAge = None,
    per_usd: bool = False,
    order: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return the relative change of each rate between two instants, with its band.

    Each end is looked up as of its instant: the last ticks not later than it; a date stands for the last ticks of that
    day. A date-only tick of the ticker counts from the end of its day, unless it also has a tick of the pair with an
    instant on that day, which is then the day's last; that of any other source from the beginning of its value date.
    `start_at` and `end_at` are the instants that were found, `start_age_h`
    and `end_age_h` their distances from those that were asked for. A pair that is in none of the source's last twelve
    months with ticks by then has none.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    start, end
        The two instants; of days the last ticks count, of several days (``2025-11``) those of the last one. An end
        that is open or later than now is now.
    base
        Base of the percentages: ``first`` is the rate at `start`, an instant or a date the rate as of it.
    pairs
        Stored (``KZT/USD``), inverse (``USD/KZT``) or cross pairs (``KZT/UZS``); ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all; ``rate`` for one source of each pair, the first of `order` that has it
        at both ends and at the base, as `fxticker.rate` states it. A pair without one has the reason.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned; where only the date
        of a tick is known, its instant is the midnight of that date there.
    max_age
        Do not use a tick that is older than this at its end or at the base: a duration, or text such as ``12h`` or
        ``14D``; ``None`` for the limit of each source (7 days for the ticker, its longest holidays for a bank; see
        `fxticker.sources.age_limits`), ``any`` for no limit. Fixed rates, and those of sources that publish only
        changes, hold until the next one.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.
    order
        Which source answers for ``rate``, as for `fxticker.rate`; ``None`` for ``official, ticker, peg``.

    Returns
    -------
    pandas.DataFrame
        One row per source and pair, sorted by both: ``source``, ``pair``, ``start_at``, ``end_at``, ``rate_start``,
        ``rate_end``, ``rate_text_start`` and ``rate_text_end`` as printed, ``drift_pct`` = 100 (rate_end - rate_start)
        / rate_base, its band ``drift_lo_pct`` and ``drift_hi_pct``, ``significant``: the band excludes 0, ``base_at``,
        the instant of the base, ``start_age_h`` and ``end_age_h`` (float64, hours from the tick to the instant that was
        asked for, of a date its end, and at most now; of a date-only tick from the end of its day), ``reason``, why a
        pair has no drift, null if it has one, ``nominal_start`` and ``nominal_end`` (int32; units of base that the
        texts are for; 1 without a text), the bands of both rates, ``rate_start_lo`` to ``rate_end_hi``,
        ``values_start`` and ``values_end`` (int32; values that share the date of an end, 1 where one counts; of a cross
        rate the combinations of its legs'), ``several_values`` (bool): the band includes 0 only because several values
        share a date, of which the last one is not known; single ones would prove a change, or are alike at both ends;
        and ``peg_hop`` (bool): a pegged pair came back to a level that its source showed in the year before, earlier
        than it last showed that of the start: more than rounding, and no move of the rate. In a frame of ticks only the
        rows that it holds count. A pair without a tick by `start` or `base`, or with the same one at both ends, has no
        drift (NaN) and is not significant; one whose tick is older than `max_age` has no rates either. Where several
        values share a date, the rate is the middle of their hull, which none of them printed, and its text is null, as
        it is where the rate is derived. Bounds are the doubles nearest to the exact ones.

    Raises
    ------
    NoData
        If no pair has two different ticks at the two ends, none has a tick by `base`, or all are too old: the message
        names their ages.
    ValueError
        If `start` is not before `end`, or later than now as is `base`, `max_age` is no duration, or a pair is
        neither stored nor derivable.
    """
    now, zone = present(), zone_of(tz)
    end = "now" if end is None else end
    first, last = lookup(start, now, zone), closing(end, now, zone)
    if first.upto > last.upto:
        raise InvalidArgument(f"start {start} is after end {end}")
    if first.upto == last.upto:
        raise InvalidArgument(
            f"start {start} and end {end} look up the same ticks, the last ones by then; give an earlier start"
        )
    limit = AgeLimit.of(max_age)
    selection = resolved(Selection.of(pairs=pairs, sources=sources, as_of=as_of, tz=tz, per_usd=per_usd))
    bases_at = first if base == FIRST else lookup(base, now, zone)
    lookups, missing = {first, last, bases_at}, dict[str, str]()
    if is_by_order(selection.sources, order):
        rates_at, missing = rates_by_order(ticks, lookups, selection, limit, order)
    else:
        rates_at = {at: rates_by(ticks, at, selection) for at in lookups}
    if not rates_at[bases_at] and rates_at[last]:
        raise NoData(_no_base(bases_at.upto) + first_after(ticks, bases_at, selection))
    ends = {"start": first, "end": last, "base": bases_at}
    rows = []
    for key in sorted(rates_at[last]):
        later = partial(_first_of, ticks, key, selection)
        found = [Found.of(name, at, rates_at[at].get(key), limit, later) for name, at in ends.items()]
        rows.append((*key, *drift_row(*found, zone=zone)))
    for pair, reason in missing.items():
        nothing = Found(None, problem=reason)
        rows.append((RATE, pair, *drift_row(nothing, nothing, nothing)))
    result = typed(rows, COLUMNS)
    result["peg_hop"] = [
        is_significant and is_peg_hop(ticks, key, rates_at[first][key], rates_at[last][key], as_of)
        for key, is_significant in zip(sorted(rates_at[last]), result["significant"], strict=False)
    ] + [False] * len(missing)
    if result["drift_pct"].isna().all():
        if missing:
            raise NoData("; ".join(missing.values()))
        first_one = first_after(ticks, last if rates_at[first] else first, selection)
        raise NoData(no_drift(result, first.upto, last.upto, first_one))
    return in_zone(result, tz)


def _no_base(instant: datetime) -> str:
    return f"no pair has a tick by {instant:%Y-%m-%d %H:%M} UTC, the base of its change"


def _first_of(ticks: Ticks, key: tuple[str, str], selection: Selection, at: Lookup) -> str:
    """Return `first_after` of one source's pair."""
    source, pair = key
    return first_after(ticks, at, replace(selection, sources=(source,), pairs=(pair,), per_usd=None))


def drift_series(
    ticks: Ticks,
    *,
    base: Moment = FIRST,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    max_age: MaxAge = None,
    per_usd: bool = False,
    order: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return the relative change of each rate since a base, instant by instant, with its band.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    base
        ``first`` is the first quote of each pair in the span, an instant or a date the last ticks as of it.
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
        Do not use a tick as base that is older than this as of `base`; as for `drift`. With ``rate`` the source that
        answers has none that is older, at the ends of days too.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.
    order
        Which source answers for ``rate``, as for `fxticker.rate`; ``None`` for ``official, ticker, peg``.

    Returns
    -------
    pandas.DataFrame
        One row per quote, sorted by observed_at, pair and source: ``observed_at``, ``source``, ``pair`` (categories),
        ``drift_pct`` = 100 (rate / rate_base - 1), its band ``drift_lo_pct`` and ``drift_hi_pct``, ``significant``: the
        band excludes 0, ``several_values`` and ``peg_hop``, as in `drift`, ``values`` (int32; values of one date that
        the rate is the middle of, else 1), ``base_at``, and ``reason`` (category), why a pair has no
        drift, null if it has one. The drift of the base itself is exactly 0. A pair without a base has no drift: NaN,
        ``base_at`` NaT. The bounds contain the exact ones and are wider by a few units in the last place, see
        `fxticker.model.bands.outward`. Empty if the span has no quotes.

    Raises
    ------
    NoData
        If no pair of the span has a tick by `base`, or all are older than `max_age`; with ``rate``, if a pair has no
        source with a rate throughout.
    ValueError
        If `base` is after now, `max_age` is no duration, or a pair is neither stored nor derivable.
    """
    given = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    selection, limit = resolved(given), AgeLimit.of(max_age)
    zone = zone_of(tz)
    at = None if base == FIRST else lookup(base, present(), zone)
    by_order = is_by_order(selection.sources, order)
    if by_order:
        rows = quotes_by_order(ticks, selection, order, limit, [] if at is None else [at])
    else:
        rows = source_quotes(ticks, selection)
    places, first = in_series(rows)
    bases = rows.iloc[places[first]]
    base_at = instants_in_zone(bases, zone)
    reasons: list[str | None] = [None] * len(bases)
    if at is not None:
        shown = tuple(rows["pair"].cat.categories) if by_order or selection.pairs is not None else None
        at_base = replace(selection, pairs=shown, start=None, end=None)
        rates = rates_of_sources(ticks, at, at_base) if by_order else rates_by(ticks, at, at_base)
        keys = [(str(source), str(pair)) for source, pair in zip(bases["source"], bases["pair"], strict=True)]
        found = [Found.of("base", at, rates.get(key), limit, partial(_first_of, ticks, key, selection)) for key in keys]
        reasons = [each.problem for each in found]
        bases = typed([_quote_of(each) for each in found], _BASE)
        stated = [pd.NaT if each.rate is None or each.is_too_old else each.rate.stands_at(zone) for each in found]
        base_at = pd.Series(stated, dtype=bases["observed_at"].dtype).dt.tz_convert(zone)
        if len(rows) and bases["observed_at"].isna().all():
            too_old = sorted({each.problem for each in found if each.is_too_old and each.problem})
            first_one = "" if too_old else first_after(ticks, at, selection)
            raise NoData("; ".join([_no_base(at.upto) + first_one, *too_old]))
    number = np.empty(len(rows), np.intp)
    number[places] = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(rows))))
    since = columns_of_change(bases).iloc[number].reset_index(drop=True)
    changes = changes_since(rows, since)
    several_values = changes.pop("several_values")
    result = pd.concat([rows[["observed_at", "source", "pair"]], changes], axis=1).assign(
        observed_at=instants_in_zone(rows, zone),
        base_at=base_at.take(number).array,
        reason=pd.Categorical(reasons).take(number),
        peg_hop=peg_hops(rows, since, ShownLevels.of(ticks, rows, selection.as_of)),
        several_values=several_values,
        values=SingleValues.of(rows).count,
    )
    return by_instant(result)


def _quote_of(found: Found) -> tuple[Any, ...]:
    if found.rate is None or found.is_too_old:
        return (pd.NaT, *[np.nan] * (len(_BASE) - 1))
    rate, band, single = found.rate, found.rate.band, found.rate.single
    quote = (float(rate.value), float(band.lo), float(band.hi))
    return (rate.observed_at, *quote, single.count, np.nan, float(single.lowest_hi), np.nan, float(single.highest_lo))
