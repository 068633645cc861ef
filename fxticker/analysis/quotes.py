"""Quotes: the rate of any stored or derivable pair, one row per source and instant, or of one source by an order."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from fxticker.analysis.rate_exact import is_by_order
from fxticker.analysis.rate_quotes import quotes_by_order
from fxticker.analysis.source_quotes import Ticks, source_quotes, ticks_of
from fxticker.frames.now_and_zone import in_zone, resolved
from fxticker.frames.single_values import COLUMNS as SINGLE_VALUES
from fxticker.frames.single_values import SingleValues
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import AgeLimit


def as_of(ticks: Ticks, at: Moment, *, tz: Zone = "UTC") -> pd.DataFrame:
    """Return the ticks as they were known at an instant: those that were recorded by then.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    at
        The instant, included; of a date its end.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.

    Returns
    -------
    pandas.DataFrame
        As `fxticker.load` gives it.
    """
    return in_zone(ticks_of(ticks, Selection.of(as_of=at, tz=tz)), tz)


def quotes(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    per_usd: bool = False,
    order: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return one rate per source, pair and instant, with its band, for pairs in any direction.

    A pair may be stored (``KZT/USD``), the inverse of a stored one (``USD/KZT``), or a cross rate of two that are
    stored against USD, or against RUB (``KZT/UZS``). A cross rate is derived only from two ticks of one source at one
    instant. Where a source has a pair in several of these ways at an instant, the first of them counts.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pairs
        Pairs in any direction; ``None`` for all stored ones, those against USD in the direction of the ticker.
    sources
        Use only these sources; ``None`` for all; ``rate`` for one source of each pair, the first of `order` that has a
        rate within its limit of age at the end of each day of the span, as `fxticker.rate` states it for these days. An
        open start is then the first rate of the source that answers, an open end the last tick of any source.
    start, end
        Span of `observed_at`, as for `fxticker.load`.
    as_of
        Use only rows that were recorded by then; of a date its end.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned; that of a date is
        00:00 UTC of it in every zone, as in the store.
    per_usd
        Return pairs against USD as units per USD (``USD/KZT``), whichever way they were named.
    order
        Which source answers for ``rate``, as for `fxticker.rate`; ``None`` for ``official, ticker, peg``.

    Returns
    -------
    pandas.DataFrame
        Sorted by observed_at, pair and source: ``pair`` (category), ``observed_at``, ``rate``, ``rate_lo``, ``rate_hi``
        (float64, quote per one unit of base), ``rate_text`` (category; as printed, null where the rate is derived or
        several texts of one day count), ``recorded_at`` (of a cross rate the later of the two), ``nominal`` (int32,
        units of base that the text is printed for; 1 without a text), ``time_basis`` (``date`` if one of the ticks has
        a date only), ``source`` (category), ``values`` (int32; values of one date of which the rate is the middle,
        which none of them printed, and the band the hull; else 1; of a cross rate the combinations of its legs').
        Several values at one instant are settled by `fxticker.frames.one_per_instant.one_per_instant`. The bounds of
        stored pairs are the doubles nearest to the exact ones; those of derived pairs contain the exact ones and are
        wider by a few units in the last place (`fxticker.model.bands.outward`). With ``rate`` the instant of all but
        the ticker is 00:00 UTC of the value date, and a cross rate may be of two sources, ``nbk+cbu``, that of its base
        and that of its quote; it has a row whenever one of its legs has.

    Raises
    ------
    NoData
        With ``rate``, if a pair has no source with a rate throughout, or none in the span; names what is missing.
    ValueError
        If a text is not a pair; `fxticker.errors.NotDerivable` if a pair is neither stored nor derivable: the message
        names the pair and the stored ones.
    """
    given = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    rows = quotes_of(ticks, resolved(given), order)
    values = SingleValues.of(rows).count
    return in_zone(rows.drop(columns=[*SINGLE_VALUES], errors="ignore").assign(values=values), tz)


def quotes_of(ticks: Ticks, selection: Selection, order: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the quotes of a resolved selection, instants in UTC: see `quotes`; with single values, not their number.

    The columns are those of `fxticker.analysis.source_quotes.source_quotes`.
    """
    if is_by_order(selection.sources, order):
        return quotes_by_order(ticks, selection, order, AgeLimit())
    return source_quotes(ticks, selection)
