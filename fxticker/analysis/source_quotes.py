"""Source quotes: the rate of any stored or derivable pair as each source has it, one row per instant, with its band."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from fxticker.analysis.cross_rates import NO_RATES, Rates, SettledTicks, join, rates_of
from fxticker.analysis.direction import in_one_direction
from fxticker.errors import NotDerivable
from fxticker.frames.dates_in_zone import in_span
from fxticker.frames.load import load_selected
from fxticker.frames.now_and_zone import in_zone, resolved
from fxticker.frames.one_per_instant import one_per_instant
from fxticker.frames.pairs import StorePath, pairs_in
from fxticker.frames.single_values import COLUMNS as SINGLE_VALUES
from fxticker.frames.single_values import SingleValues
from fxticker.frames.tick_columns import require_columns
from fxticker.model.pairs import THROUGH, currencies_of, inverse_of, legs_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.timestamps import last_instant

Ticks = StorePath | pd.DataFrame
"""A store's folder, an open store, or a frame of ticks as `fxticker.load` gives it."""
_NEEDED = ["source", "pair", "observed_at", "time_basis", "rate", "rate_text", "nominal", "recorded_at", "origin"]
_COLUMNS = [
    "pair",
    "observed_at",
    "rate",
    "rate_lo",
    "rate_hi",
    "rate_text",
    "recorded_at",
    "nominal",
    "time_basis",
    "source",
]


def ticks_of(ticks: Ticks, selection: Selection, *, columns: Collection[str] | None = None) -> pd.DataFrame:
    """Return the selected ticks of a store or a frame.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    selection
        Which ticks; pairs as stored.
    columns
        Only these columns, in this order; ``None`` for all.

    Returns
    -------
    pandas.DataFrame
        As `fxticker.load` gives it, in UTC; of a frame, its matching rows in their order.
    """
    selection = resolved(selection)
    if not isinstance(ticks, pd.DataFrame):
        return load_selected(ticks, selection, columns=columns)
    require_columns(ticks, columns or ())
    kept = np.ones(len(ticks), bool)
    for column, names in (("pair", selection.pairs), ("source", selection.sources)):
        if names is not None:
            kept &= ticks[column].isin(names).to_numpy()
    if selection.start is not None or selection.end is not None:
        kept &= in_span(ticks, selection)
    if selection.as_of is not None:
        kept &= (ticks["recorded_at"] <= last_instant(selection.as_of)).to_numpy()
    frame = ticks if columns is None else ticks[list(columns)]
    return in_zone(frame.reset_index(drop=True) if kept.all() else frame[kept].reset_index(drop=True), "UTC")


def source_quotes(ticks: Ticks, selection: Selection) -> pd.DataFrame:
    """Return the quotes of each selected source: a resolved selection of `fxticker.quotes`, instants in UTC.

    Returns
    -------
    pandas.DataFrame
        As of `fxticker.quotes`, but without `values`; if several values of one date count in any row, with the columns
        of `fxticker.frames.single_values`.

    Raises
    ------
    NotDerivable
        If a pair is neither stored nor derivable.
    """
    wanted = selection.pairs
    legs = None if wanted is None else tuple(sorted({leg for pair in wanted for leg in legs_of(pair)}))
    rows = settled_ticks(ticks, replace(selection, pairs=legs))
    if wanted is None:
        columns = [*_COLUMNS, *(name for name in SINGLE_VALUES if name in rows.columns)]
        return in_one_direction(tidied(_with_nominal(rows[columns])), per_usd=bool(selection.per_usd))
    settled = SettledTicks.of(rows)
    rates = {pair: rates_of(settled, pair) for pair in sorted({*wanted})}
    check_derivable(ticks, [pair for pair, parts in rates.items() if not parts], selection.sources)
    return _frame_of(rows, rates)


def settled_ticks(ticks: Ticks, selection: Selection) -> pd.DataFrame:
    """Return the selected ticks, pairs as stored, one per source, pair and instant, with their bands.

    Returns
    -------
    pandas.DataFrame
        As `fxticker.frames.one_per_instant.one_per_instant` gives it, of the columns that a rate is derived from, with
        the single values of hulls.
    """
    has_origin = not isinstance(ticks, pd.DataFrame) or "origin" in ticks.columns
    needed = _NEEDED if has_origin else _NEEDED[:-1]
    return one_per_instant(tidied(ticks_of(ticks, selection, columns=needed)), with_single_values=True)


def check_derivable(ticks: Ticks, pairs: Iterable[str], sources: Collection[str] | None) -> None:
    """Refuse pairs that are neither stored nor derivable of some sources; if nothing is stored, none is refused.

    Raises
    ------
    NotDerivable
        If a pair is neither stored nor derivable.
    """
    missing = sorted(set(pairs))
    if not missing:
        return
    shown = pairs_in(ticks, sources)
    known = shown | {inverse_of(pair) for pair in shown}
    for pair in missing if shown else ():
        base, quote = currencies_of(pair)
        ways = ({f"{base}/{common}", f"{quote}/{common}"} for common in THROUGH)
        if pair not in known and not any(way <= known for way in ways):
            of = f" of {', '.join(sorted(sources))}" if sources else ""
            raise NotDerivable(f"{pair} is neither stored nor derivable{of}; stored are {', '.join(sorted(shown))}")


def _frame_of(settled: pd.DataFrame, rates: dict[str, list[Rates]]) -> pd.DataFrame:
    """Return the rates of pairs as a frame, by instant, pair and source."""
    pairs = [pair for pair, parts in rates.items() if parts]
    sizes = [(number, len(part)) for number, pair in enumerate(pairs) for part in rates[pair]]
    joined = join([part for parts in rates.values() for part in parts] or [NO_RATES])
    pair = np.repeat(*np.array(sizes, np.int64).reshape(-1, 2).T)
    order = np.argsort(joined.instants, kind="stable")  # pairs, and then sources, are in order already
    ordered = joined.rows(order)
    left, right = (settled.iloc[row].reset_index(drop=True) for row in (ordered.left, ordered.right))
    later = left["recorded_at"].where(left["recorded_at"] >= right["recorded_at"], right["recorded_at"])
    frame = left.assign(
        pair=pd.Categorical.from_codes(pair[order], categories=pd.Index(pairs, dtype="str")),
        time_basis=left["time_basis"].mask(right["time_basis"] == TimeBasis.DATE, right["time_basis"]),
        rate=ordered.rate,
        rate_lo=ordered.lo,
        rate_hi=ordered.hi,
        rate_text=left["rate_text"].where(ordered.is_stored),
        recorded_at=later,
    )
    if SINGLE_VALUES[0] not in settled.columns:
        return tidied(_with_nominal(frame[_COLUMNS]))
    singles = _single_values(settled, ordered, frame["pair"].astype(str))
    return tidied(_with_nominal(frame[_COLUMNS].assign(**singles.columns())))


def _single_values(settled: pd.DataFrame, rates: Rates, pair: pd.Series) -> SingleValues:
    """Return the single values of rates, stored, inverse or cross, of pairs."""
    stored, names = SingleValues.of(settled), settled["pair"].astype(str).to_numpy()
    legs = []
    for rows, place in ((rates.left, 0), (rates.right, -1)):
        currency = pair.str.split("/").str[place].to_numpy()  # the base of the pair, or its quote
        is_turned = np.array([not name.startswith(f"{of}/") for name, of in zip(names[rows], currency, strict=True)])
        leg = stored.take(rows)
        legs.append(leg.inverse().where(is_turned.astype(bool), leg))
    base, quote = legs
    return base.crossed(quote).where(rates.left != rates.right, base)


def _with_nominal(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the nominal 1 where there is no text."""
    without = frame["rate_text"].isna().to_numpy()
    return frame.assign(nominal=frame["nominal"].mask(without, 1)) if without.any() else frame


def tidied(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with texts as sorted categories that all occur."""
    for name in ("source", "pair", "time_basis", "rate_text"):
        texts = frame[name].astype("category").cat
        codes = texts.codes.to_numpy(np.int64)
        occurs = np.bincount(codes + 1, minlength=len(texts.categories) + 1)[1:] > 0  # a null's code is -1
        if occurs.all() and texts.categories.is_monotonic_increasing and frame[name].dtype == "category":
            continue
        kept = np.flatnonzero(occurs)
        kept = kept[texts.categories[kept].argsort()]
        places = np.full(len(occurs) + 1, -1)
        places[kept] = np.arange(len(kept))
        kinds = pd.CategoricalDtype(pd.Index(texts.categories[kept], dtype="str"))
        frame[name] = pd.Categorical.from_codes(places[codes], dtype=kinds, validate=False)
    return frame
