"""Estimate: two bands of a rate between and behind its printed digits, one by assumption and one by a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

import numpy as np
import pandas as pd

from fxticker.analysis.interval_rows import (
    intervals_of,
    joined,
    known_of,
    log_of,
    microseconds,
    official_quotes,
    walk_problem,
    without_repeated_days,
)
from fxticker.analysis.largest_move import MoveLimit, largest_move, stated_move
from fxticker.analysis.move_bounds import DAY_US, Known, contradiction, move_bounds
from fxticker.analysis.probable import no_bands, probable_bands
from fxticker.analysis.source_quotes import Ticks, source_quotes
from fxticker.errors import NoData
from fxticker.frames.now_and_zone import in_zone, resolved, zone_of
from fxticker.model.days import extent_of
from fxticker.model.durations import duration_of
from fxticker.model.invalid import InvalidArgument
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import EPOCH, MICROSECOND, Moment, instant, minute_text
from fxticker.sources.age_limits import TICKER
from fxticker.store.arrow import instant_of

_REACH = timedelta(days=90)
"""How far before and after the span ticks are used."""
_LOG_SLACK = 1e-12
"""Relative width by which bounds are moved apart, for logarithms in doubles have errors of some 1e-14."""


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What is known of one pair: its quotes, those of official sources, and the most that it moves."""

    rows: pd.DataFrame
    official: pd.DataFrame
    limit: MoveLimit
    basis_pct: float | None
    walk_problem: str | None

    @property
    def known(self) -> Known:
        move = self.limit.log_move or 0.0
        parts = [known_of(self.rows, move=move)]
        if self.basis_pct is not None and len(self.official):
            parts.append(known_of(self.official, move=move, basis=log_of(self.basis_pct)))
        return joined(parts)

    def named(self, place: int) -> str:
        """Return in words the row at a position in `known`."""
        is_own = place < len(self.rows)
        row = self.rows.iloc[place] if is_own else self.official.iloc[place - len(self.rows)]
        at, is_date = row["observed_at"], row["time_basis"] == TimeBasis.DATE
        when = f"{at:%Y-%m-%d}" if is_date else minute_text(at)
        return f"{row['source']} {when}, {row['rate_lo']:.7g} to {row['rate_hi']:.7g},"


def estimate(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    source: str = TICKER,
    start: Moment | None = None,
    end: Moment | None = None,
    every: timedelta | str | None = None,
    max_move_pct: float | None = None,
    basis_pct: float | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    per_usd: bool = False,
) -> pd.DataFrame:
    """Estimate rates behind their printed digits by two bands, which are never made one.

    The *conditional band* is what remains if the rate moves by at most w within any day: each printed interval bounds
    the rate at all other instants, ``max(lo - w) <= rate <= min(hi + w)`` on the scale of logarithms, with w taken once
    per begun day (`fxticker.analysis.move_bounds`). The *probable band* is that of a model: the logarithm is a Gaussian
    random walk whose printed intervals have their exact likelihood; its sigma is the likeliest one, and the band is the
    central 95 % given all intervals (`fxticker.analysis.interval_walk`). Sources: ``docs/estimate.md``. No other
    function uses either.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pairs
        Stored, inverse or cross pairs; ``None`` for all that the source has.
    source
        Id of the source whose printed rates are estimated.
    start, end
        The span of the estimate, as for `fxticker.load`; ``None`` for the first and the last tick. Ticks of 90 days
        before and after it are used.
    every
        Distance of the instants: a duration, or text such as ``15min`` and ``1d``; ``None`` for the instants of the
        ticks, of a date-only one 00:00 UTC. Those of whole days are at 00:00 in `tz`, others are whole steps from 00:00
        UTC on.
    max_move_pct
        The most that a rate moves within a day, in percent, also within less than a day; ``None`` for the largest daily
        move of an official source in the 365 days before `end`.
    basis_pct
        How far the rate of the source and an official one of the same day may differ, in percent: official rates then
        enter the conditional band. ``None``: they do not.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant by `start`, `end` and `every`, as ``Asia/Tashkent``, and the zone of the instants that are
        returned. A date-only tick is of a day of UTC.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.

    Returns
    -------
    pandas.DataFrame
        One row per pair and instant, by these: ``source``, ``pair`` (category), ``at`` (datetime64[us, UTC]),
        ``conditional_lo`` and ``conditional_hi`` (float64, quote per one unit of base; NaN where the assumptions are
        missing or contradicted), ``probable`` (the median of the model), ``probable_lo`` and ``probable_hi``,
        ``move_pct`` (w in percent), ``move_from`` (where it comes from), ``basis_pct`` (NaN if official rates do not
        enter), ``sigma_pct`` (the model's standard deviation of a day, percent), and ``reason`` (category), what a band
        lacks: no w, the two rows that contradict the assumptions, or a sigma that cannot be told; null if nothing.

    Raises
    ------
    NoData
        If there is no tick in the span, or, with `every`, within 90 days of it.
    ValueError
        If `max_move_pct` or `basis_pct` is below 0, `every` is no duration above 0, `start` is later than now, or a
        pair is neither stored nor derivable.
    """
    given = resolved(
        Selection.of(pairs=pairs, sources=[source], start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    )
    first, last = (None if moment is None else instant(moment) for moment in (given.start, end and given.end))
    step = None if every is None else _step(every)
    for name, value in (("max_move_pct", max_move_pct), ("basis_pct", basis_pct)):
        if value is not None and not 0 <= value < np.inf:
            raise InvalidArgument(f"{name} is a percentage of 0 or more, not {value}")
    near = replace(
        given,
        start=None if first is None else max(first, EPOCH + _REACH) - _REACH,
        end=None if last is None else last + _REACH,
        tz=None,
    )
    rows = without_repeated_days(source_quotes(ticks, near))
    shown = [str(pair) for pair in rows["pair"].cat.categories]
    official = official_quotes(ticks, shown, Selection.of(as_of=given.as_of), ticker=source)
    parts = []
    for pair in shown:
        own, dated = (frame[frame["pair"] == pair].reset_index(drop=True) for frame in (rows, official))
        at = _instants(own, first, last, step, zone_of(tz))
        if len(at):
            limit = _limit(dated, at[-1], max_move_pct)
            problem = walk_problem(pair, own["observed_at"].iloc[-1].date(), ticks)
            evidence = _Evidence(own, _within(dated, own), limit, basis_pct, problem)
            parts.append(_estimated(source, pair, at, evidence))
    if not parts:
        raise NoData(f"no tick of {source} in the span of the estimate")
    result = pd.concat(parts, ignore_index=True)
    return in_zone(result.astype(dict.fromkeys(("source", "pair", "move_from", "reason"), "category")), tz)


def _limit(official: pd.DataFrame, last: int, max_move_pct: float | None) -> MoveLimit:
    if max_move_pct is not None:
        return stated_move(max_move_pct)
    return largest_move(official, pd.Timestamp(last, unit="us", tz="UTC"))


def _within(official: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the official rates of the days from the first to the last of other rows."""
    first, last = rows["observed_at"].iloc[[0, -1]]
    return official[official["observed_at"].between(first.floor("D"), last)].reset_index(drop=True)


def _step(every: timedelta | str) -> int:
    step = duration_of(every) // MICROSECOND
    if not step:
        raise InvalidArgument(f"the distance of the instants must be above 0, not {every!r}")
    return step


def _instants(
    rows: pd.DataFrame, start: datetime | None, end: datetime | None, step: int | None, zone: tzinfo
) -> np.ndarray:
    """Return the instants of the estimate, in microseconds since 1970; none if no tick is in the span."""
    shown = microseconds(rows["observed_at"])
    first = shown[0] if start is None else (start - EPOCH) // MICROSECOND
    last = shown[-1] + 1 if end is None else (end - EPOCH) // MICROSECOND
    if step is None:
        return np.unique(shown[(shown >= first) & (shown < last)])
    if step % DAY_US:
        return np.arange(-(-first // step) * step, last, step)
    begin, until = (instant_of(int(moment)) for moment in (first, last))
    days = range(begin.astimezone(zone).toordinal(), until.astimezone(zone).toordinal() + 1)
    whole = [date.fromordinal(day) for day in days if (day - EPOCH.toordinal()) % (step // DAY_US) == 0]
    at = np.array([(extent_of(day, until, zone).begin - EPOCH) // MICROSECOND for day in whole], np.int64)
    return at[(at >= first) & (at < last)]


def _estimated(source: str, pair: str, at: np.ndarray, evidence: _Evidence) -> pd.DataFrame:
    """Return the rows of one pair."""
    known, move = evidence.known, evidence.limit.log_move
    lower = upper = np.full(len(at), np.nan)
    problems = [] if evidence.limit.problem is None else [f"no conditional band: {evidence.limit.problem}"]
    if move is not None and (two := contradiction(known, move)) is not None:
        problems.append(
            f"no conditional band: with moves of at most {100 * np.expm1(move):.3g} % a day"
            f" the rate of {evidence.named(two[0])} contradicts that of {evidence.named(two[1]).rstrip(',')}"
        )
    elif move is not None:
        lower, upper = move_bounds(known, at, move)
    if evidence.walk_problem is None:
        probable = probable_bands(intervals_of(known_of(evidence.rows, move=0.0)), at)
    else:
        probable = no_bands(at, evidence.walk_problem)
    problems += [] if probable.problem is None else [f"probable band: {probable.problem}"]
    return pd.DataFrame(
        {
            "source": source,
            "pair": pair,
            "at": pd.to_datetime(at, unit="us", utc=True).as_unit("us"),
            "conditional_lo": np.exp(lower) * (1 - _LOG_SLACK),
            "conditional_hi": np.exp(upper) * (1 + _LOG_SLACK),
            "probable": np.exp(probable.median),
            "probable_lo": np.exp(probable.lo),
            "probable_hi": np.exp(probable.hi),
            "move_pct": np.nan if move is None else 100 * np.expm1(move),
            "move_from": evidence.limit.origin,
            "basis_pct": np.nan if evidence.basis_pct is None or evidence.official.empty else evidence.basis_pct,
            "sigma_pct": 100 * probable.sigma,
            "reason": "; ".join(problems) or None,
        }
    )
