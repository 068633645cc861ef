"""Quotes: the rate of any pair that the stored ones give, one row per instant, with its band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fxticker.errors import NotDerivable
from fxticker.frames.load import StorePath, load, names, stored_pairs
from fxticker.frames.settle import one_per_instant
from fxticker.model.bands import outward
from fxticker.model.records import TimeBasis
from fxticker.model.timestamps import Moment, instant, last_instant

Ticks = StorePath | pd.DataFrame
"""A store's folder, an open store, or a frame of ticks as `fxticker.load` gives it."""
COMMON = "USD"
"""The currency through which cross rates go: the ticker shows all others against it."""
THROUGH = (COMMON, "RUB")
"""In this order: the Bank of Russia gives all rates against its own currency."""
_NEEDED = ["source", "pair", "observed_at", "time_basis", "rate", "rate_text", "nominal", "recorded_at", "origin"]
_COLUMNS = [
    "source",
    "pair",
    "observed_at",
    "time_basis",
    "rate",
    "rate_lo",
    "rate_hi",
    "rate_text",
    "recorded_at",
]


def ticks_of(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    columns: Iterable[str] | None = None,
) -> pd.DataFrame:
    """The ticks of a store or a frame that match, with the meaning that `fxticker.load` gives to each argument.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pairs
        Only these, as stored.
    sources
        Only these.
    start, end
        Half-open span of `observed_at`; a date stands for its 00:00 UTC.
    as_of
        Only rows that were recorded by then; a date reaches to its end.
    columns
        Only these columns, in this order.

    Returns
    -------
    pandas.DataFrame
        As `fxticker.load` gives it; of a frame, its matching rows in their order.
    """
    if not isinstance(ticks, pd.DataFrame):
        return load(ticks, pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, columns=columns)
    kept = np.ones(len(ticks), bool)
    for column, wanted in (("pair", pairs), ("source", sources)):
        if wanted is not None:
            kept &= ticks[column].isin(names(wanted)).to_numpy()
    if start is not None:
        kept &= (ticks["observed_at"] >= instant(start)).to_numpy()
    if end is not None:
        kept &= (ticks["observed_at"] < instant(end)).to_numpy()
    if as_of is not None:
        kept &= (ticks["recorded_at"] <= last_instant(as_of)).to_numpy()
    held = ticks if columns is None else ticks[names(columns)]
    return held.reset_index(drop=True) if kept.all() else held[kept].reset_index(drop=True)


def as_of(ticks: Ticks, at: Moment) -> pd.DataFrame:
    """The ticks as they were known at an instant: those that were recorded by then.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    at
        The instant, included; a date reaches to its end.

    Returns
    -------
    pandas.DataFrame
        As `fxticker.load` gives it.
    """
    return ticks_of(ticks, as_of=at)


def quotes(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """One rate per source, pair and instant, with its band, for pairs in any direction.

    A pair may be stored (``KZT/USD``), the inverse of a stored one (``USD/KZT``), or a cross rate of two that are
    stored against USD, or against RUB (``KZT/UZS``). A cross rate is made only of two ticks of one source at one
    instant. Where a source shows a pair in several of these ways at an instant, the first of them counts.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pairs
        Only these; all stored ones if null.
    sources
        Only these.
    start, end
        Half-open span of `observed_at`; a date stands for its 00:00 UTC.
    as_of
        Only rows that were recorded by then; a date reaches to its end.

    Returns
    -------
    pandas.DataFrame
        Sorted by observed_at, pair and source: ``source``, ``pair`` (categories), ``observed_at``, ``time_basis``
        (``date`` if one of the ticks has a date only), ``rate``, ``rate_lo``, ``rate_hi`` (float64, quote per one unit
        of base), ``rate_text`` (category; as printed, null where the rate is derived or several texts of one day
        count), ``recorded_at`` (of a cross rate the later of the two). Several values at one instant are settled as
        `fxticker.frames.settle.one_per_instant` says. The bounds of stored pairs are the doubles nearest to the exact
        ones; those of derived pairs hold the exact ones, moved apart by a few units in the last place
        (`fxticker.model.bands.outward`).

    Raises
    ------
    ValueError
        If a text is no pair; `fxticker.errors.NotDerivable` if a pair is neither stored nor derivable: the message
        names it and what is stored.
    """
    wanted = None if pairs is None else [*dict.fromkeys(names(pairs))]
    legs = None if wanted is None else sorted({leg for pair in wanted for leg in legs_of(pair)})
    has_origin = not isinstance(ticks, pd.DataFrame) or "origin" in ticks.columns
    needed = _NEEDED if has_origin else _NEEDED[:-1]
    shown = ticks_of(ticks, pairs=legs, sources=sources, start=start, end=end, as_of=as_of, columns=needed)
    held = one_per_instant(_tidied(shown))
    if wanted is None:
        return _tidied(held[_COLUMNS])
    codes = _Held.of(held)
    found = {pair: _quoted(codes, pair) for pair in sorted(wanted)}
    check_derivable(ticks, [pair for pair, parts in found.items() if not parts])
    return _frame_of(held, found)


def legs_of(pair: str) -> list[str]:
    """The stored pairs, in either direction, that a pair can be made of.

    Raises
    ------
    ValueError
        If the text is no pair of two currencies.
    """
    base, quote = currencies_of(pair)
    ways = {(base, quote), *((currency, common) for currency in (base, quote) for common in THROUGH)}
    return [f"{a}/{b}" for one, other in ways if one != other for a, b in ((one, other), (other, one))]


def currencies_of(pair: str) -> tuple[str, str]:
    """Base and quote of a pair.

    Raises
    ------
    ValueError
        If the text is no pair of two currencies.
    """
    base, slash, quote = pair.partition("/")
    if not (base and slash and quote) or "/" in quote or base == quote:
        raise ValueError(f'{pair!r} is no pair of two currencies such as "KZT/USD"')
    return base, quote


def inverse_of(pair: str) -> str:
    """The pair the other way round.

    Raises
    ------
    ValueError
        As `currencies_of`.
    """
    base, quote = currencies_of(pair)
    return f"{quote}/{base}"


def check_derivable(ticks: Ticks, pairs: Iterable[str]) -> None:
    """Refuse pairs that nothing stored gives; where nothing is stored at all, none is refused.

    Raises
    ------
    NotDerivable
        If one is neither stored nor derivable.
    """
    missing = sorted(set(pairs))
    if not missing:
        return
    shown = set(ticks["pair"].unique()) if isinstance(ticks, pd.DataFrame) else stored_pairs(ticks)
    known = shown | {inverse_of(pair) for pair in shown}
    for pair in missing if shown else ():
        base, quote = currencies_of(pair)
        ways = ({f"{base}/{common}", f"{quote}/{common}"} for common in THROUGH)
        if pair not in known and not any(way <= known for way in ways):
            raise NotDerivable(f"{pair} is neither stored nor derivable; stored are {', '.join(sorted(shown))}")


@dataclass(frozen=True, slots=True)
class _Held:
    """The settled ticks as plain arrays, by instant."""

    pairs: list[str]
    sources: int
    pair: np.ndarray
    source: np.ndarray
    observed_at: np.ndarray
    rate: np.ndarray
    lo: np.ndarray
    hi: np.ndarray

    @classmethod
    def of(cls, settled_ticks: pd.DataFrame) -> _Held:
        pair, source = settled_ticks["pair"].cat, settled_ticks["source"].cat
        return cls(
            pair.categories.tolist(),
            len(source.categories),
            pair.codes.to_numpy(),
            source.codes.to_numpy(),
            settled_ticks["observed_at"].to_numpy("M8[us]").view(np.int64),
            *(settled_ticks[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi")),
        )


@dataclass(frozen=True, slots=True)
class _Quoted:
    """The rates of one pair by one source, by instant.

    Attributes
    ----------
    row, other
        The settled ticks that each is made of; the same where it is one.
    is_stored
        Whether it is the tick's rate as it stands.
    """

    at: np.ndarray
    row: np.ndarray
    other: np.ndarray
    rate: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    is_stored: np.ndarray

    @classmethod
    def none(cls) -> _Quoted:
        at, rate = np.empty(0, np.int64), np.empty(0, np.float64)
        return cls(at, at, at, rate, rate, rate, np.empty(0, bool))

    def __len__(self) -> int:
        return len(self.at)

    def rows(self, chosen: np.ndarray) -> _Quoted:
        """Some of them."""
        return _joined([self], chosen)


def _joined(parts: Sequence[_Quoted], chosen: np.ndarray | slice = slice(None)) -> _Quoted:
    return _Quoted(*(np.concatenate([getattr(part, name) for part in parts])[chosen] for name in _Quoted.__slots__))


def _quoted(held: _Held, pair: str) -> list[_Quoted]:
    """A pair's rates by each source that has any, in the order of the sources."""
    base, quote = currencies_of(pair)
    found = []
    for source in range(held.sources):
        rates = _either_way(held, source, base, quote)
        for common in THROUGH:
            if common not in (base, quote):
                legs = (_either_way(held, source, currency, common) for currency in (base, quote))
                rates = _with(rates, _crossed(*legs))
        if len(rates):
            found.append(rates)
    return found


def _either_way(held: _Held, source: int, base: str, quote: str) -> _Quoted:
    stored, turned = (_stored(held, source, pair) for pair in (f"{base}/{quote}", f"{quote}/{base}"))
    lo, hi = outward(1 / turned.hi, 1 / turned.lo)
    inverse = _Quoted(turned.at, turned.row, turned.row, 1 / turned.rate, lo, hi, np.zeros(len(turned), bool))
    return _with(stored, inverse)


def _stored(held: _Held, source: int, pair: str) -> _Quoted:
    if pair not in held.pairs:
        return _Quoted.none()
    row = np.flatnonzero((held.pair == held.pairs.index(pair)) & (held.source == source))
    return _Quoted(held.observed_at[row], row, row, held.rate[row], held.lo[row], held.hi[row], np.ones(len(row), bool))


def _crossed(base: _Quoted, quote: _Quoted) -> _Quoted:
    where, is_same = _places(base.at, quote.at)
    base, quote = base.rows(is_same), quote.rows(where[is_same])
    lo, hi = outward(base.lo / quote.hi, base.hi / quote.lo)
    return _Quoted(base.at, base.row, quote.row, base.rate / quote.rate, lo, hi, np.zeros(len(base), bool))


def _with(first: _Quoted, second: _Quoted) -> _Quoted:
    """The first, and the second at instants that the first has not."""
    if not (len(first) and len(second)):
        return first if len(first) else second
    _, is_same = _places(second.at, first.at)
    both = _joined([first, second.rows(~is_same)])
    return both.rows(np.argsort(both.at, kind="stable"))


def _places(wanted: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each wanted instant stands among sorted ones, and whether it is there."""
    if not len(at):
        return np.zeros(len(wanted), int), np.zeros(len(wanted), bool)
    where = np.searchsorted(at, wanted).clip(max=len(at) - 1)
    return where, at[where] == wanted


def _frame_of(settled_ticks: pd.DataFrame, found: dict[str, list[_Quoted]]) -> pd.DataFrame:
    """The quotes as a frame: by instant, pair and source."""
    shown = [pair for pair, parts in found.items() if parts]
    sizes = [(number, len(part)) for number, pair in enumerate(shown) for part in found[pair]]
    everything = _joined([part for parts in found.values() for part in parts] or [_Quoted.none()])
    pair = np.repeat(*np.array(sizes, np.int64).reshape(-1, 2).T)
    order = np.argsort(everything.at, kind="stable")  # pairs and then sources are in order already
    rates = everything.rows(order)
    one, other = (settled_ticks.iloc[row].reset_index(drop=True) for row in (rates.row, rates.other))
    later = one["recorded_at"].where(one["recorded_at"] >= other["recorded_at"], other["recorded_at"])
    frame = one.assign(
        pair=pd.Categorical.from_codes(pair[order], categories=pd.Index(shown, dtype="str")),
        time_basis=one["time_basis"].mask(other["time_basis"] == TimeBasis.DATE, other["time_basis"]),
        rate=rates.rate,
        rate_lo=rates.lo,
        rate_hi=rates.hi,
        rate_text=one["rate_text"].where(rates.is_stored),
        recorded_at=later,
    )
    return _tidied(frame[_COLUMNS])


def _tidied(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts as categories that are sorted and all occur."""
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
