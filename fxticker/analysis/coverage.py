"""Coverage: periods with and without successful polls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from fxticker.analysis.periods import Freq, local_clock, period_of, start_of
from fxticker.analysis.polls_beside import PollsBeside, latest_on_record, span_on_record
from fxticker.analysis.record_holes import holds, is_silence, is_whole
from fxticker.frames.now_and_zone import in_zone, resolved, zone_of
from fxticker.frames.one_per_instant import typed
from fxticker.frames.pairs import StorePath
from fxticker.frames.polls import load_outcomes
from fxticker.model.records import Outcome
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment

COLUMNS = {
    "source": "str",
    "start_at": "datetime64[us, UTC]",
    "end_at": "datetime64[us, UTC]",
    "slots": "int64",
    "why": "str",
}
SILENCE = "nothing is on record"
COVERAGE_COLUMNS = {
    "source": "str",
    "start_at": "datetime64[us, UTC]",
    "slots": "int64",
    "ok": "int64",
    "coverage": "float64",
    "outcome": "str",
    "whole": "bool",
}


def gaps(
    store: StorePath,
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the gaps: periods without a successful poll.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    sources
        Use only these sources; ``None`` for all.
    start, end
        Span of slots, as for `fxticker.load`; an open end is now. A gap that reaches into the span is given whole,
        whether it began before or ended after. Where no later poll is on record, one from the last poll to the end is
        a gap too.
    as_of
        Use only outcomes that were recorded by then, as `fxticker.load_polls` does; a later or open end is then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.

    Returns
    -------
    pandas.DataFrame
        One row per gap, by source and start: ``source``, ``start_at`` (its first slot without a successful poll; where
        nothing is on record, the last slot before), ``end_at`` (the next slot with a successful poll, or, where nothing
        is on record, with any; NaT if none is on record, also none after the span), ``slots`` (number of outcomes on
        record in it), ``why`` (these outcomes with their counts, or that nothing is on record: a hole as for ``whole``
        of `fxticker.coverage`, where the polls around are less than a day apart, or else one of them is missing). A
        source without any poll before `end` has no gap.
    """
    selection = resolved(Selection.of(sources=sources, start=start, end=end, as_of=as_of, tz=tz))
    begin, until = span_on_record(selection)
    if begin is not None and begin >= until:  # as of an instant before the span
        return in_zone(typed([], COLUMNS), tz)
    polls = load_outcomes(store, sources=selection.sources, end=latest_on_record(selection), as_of=selection.as_of)
    first, last = None if begin is None else pd.Timestamp(begin), pd.Timestamp(until)
    rows = [
        (source, *gap)
        for source, rows in polls.groupby("source", observed=True, sort=True)
        for gap in _gaps(rows.reset_index(drop=True), first, last)
    ]
    return in_zone(typed(rows, COLUMNS), tz)


def _gaps(polls: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp) -> list[tuple[Any, Any, int, str]]:
    """Return the gaps of one source that reach into a span; `polls` are all until now."""
    slots, is_successful = polls["slot"], (polls["outcome"] == Outcome.OK).to_numpy()
    if slots[0] >= end:
        return []
    bounds = [0 if start is None else int(slots.searchsorted(start)), int(slots.searchsorted(end))]
    successes = np.flatnonzero(is_successful)
    around = [successes[successes < bounds[0]][-1:], successes[successes >= bounds[1]][:1]]
    near = polls[int(around[0][0]) if len(around[0]) else 0 : int(around[1][0]) + 1 if len(around[1]) else None]
    found = [*_failed_runs(near), *_unrecorded(slots, end)]
    return sorted(
        (gap for gap in found if gap[0] < end and (start is None or pd.isna(gap[1]) or gap[1] > start)),
        key=lambda gap: gap[0],
    )


def _failed_runs(polls: pd.DataFrame) -> Iterator[tuple[Any, Any, int, str]]:
    """Yield a gap for each run of polls that were not successful."""
    slots, outcomes = [*polls["slot"]], polls["outcome"].astype(str).tolist()
    for is_successful, run in groupby(range(len(slots)), lambda place: outcomes[place] == Outcome.OK):
        if not is_successful:
            places = [*run]
            counts = Counter(outcomes[place] for place in places)
            why = ", ".join(f"{name} x {count}" for name, count in counts.most_common())
            following = places[-1] + 1
            yield slots[places[0]], slots[following] if following < len(slots) else pd.NaT, len(places), why


def _unrecorded(slots: pd.Series, end: pd.Timestamp) -> Iterator[tuple[Any, Any, int, str]]:
    """Yield a gap for each time without a poll, also from the last slot to `end`."""
    for place in np.flatnonzero(is_silence(slots.to_numpy("M8[us]"), end)):
        yield slots[place], slots[place + 1] if place + 1 < len(slots) else pd.NaT, 0, SILENCE


def coverage(
    polls: StorePath | pd.DataFrame,
    freq: Freq = "day",
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the share of successful polls in each hour, day, week or month.

    Parameters
    ----------
    polls
        A store's folder, an open store, or a frame of `fxticker.load_polls`.
    freq
        ``hour`` (of UTC), ``day``, ``week`` (from Monday) or ``month``.
    sources
        Use only these sources; ``None`` for all.
    start, end
        Span of slots, as for `fxticker.load`. Periods at its ends may be cut, and are then not `whole`.
    as_of
        Use only outcomes that were recorded by then, as `fxticker.load_polls` does.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.

    Returns
    -------
    pandas.DataFrame
        One row per source and period, by these, from the source's first period with a poll to its last: ``source``,
        ``start_at`` (first instant of the period), ``slots`` (number of outcomes on record in it), ``ok`` (number of
        successful polls among them), ``coverage`` (``ok / slots``, from 0 to 1; NaN where nothing is on record),
        ``outcome`` (the most frequent one other than ``ok``, of equally frequent ones the first by name; null if there
        is none), ``whole`` (bool; `coverage` is that of the whole period: neither the span nor the present cuts it, the
        record neither begins nor ends within it, it has a poll, and no hole: no time without one that is more than
        three times the usual distance of polls before it or after it, and more than both. The polls beside the span,
        31 days of them, count for this; of a frame only its rows are known, and its record begins with the first one).

    Raises
    ------
    ValueError
        If `freq` is none of those.
    """
    selection = resolved(Selection.of(sources=sources, start=start, end=end, as_of=as_of, tz=tz))
    return in_zone(coverage_of(PollsBeside.of(polls, selection), freq, zone_of(tz)), tz)


def coverage_of(beside: PollsBeside, freq: Freq, zone: tzinfo) -> pd.DataFrame:
    """Return what `coverage` does, in UTC, of polls of its span and beside it."""
    polls, is_inside = beside.polls, beside.is_inside()
    texts = polls["outcome"].astype("category").cat
    outcomes = texts.set_categories(sorted(texts.categories)).cat
    times = polls["slot"].to_numpy("M8[us]") if zone is UTC or freq == "hour" else local_clock(polls["slot"], zone)
    number = period_of(times, freq)
    slots = polls["slot"].to_numpy("M8[us]")
    parts = []
    for source, rows in sorted(polls.groupby("source", observed=True).indices.items()):
        inside = np.asarray(rows)[is_inside[rows]]
        if not len(inside):
            continue
        lowest, counted = _counts(number[inside], outcomes.codes.to_numpy()[inside], list(outcomes.categories))
        ends = start_of(lowest + np.arange(len(counted) + 1), freq, zone)
        whole = is_whole(slots[rows], ends[:-1], ends[1:], beside.known_until)
        whole &= holds(ends[:-1], ends[1:], beside.begin, beside.until)
        starts = pd.Series(ends[:-1]).dt.tz_localize("UTC")
        parts.append(counted.assign(source=str(source), start_at=starts, whole=whole)[list(COVERAGE_COLUMNS)])
    return pd.concat([typed([], COVERAGE_COLUMNS), *parts], ignore_index=True).astype(COVERAGE_COLUMNS)


def _counts(number: np.ndarray, outcome: np.ndarray, known: list[str]) -> tuple[int, pd.DataFrame]:
    """Return the first period and the counts of all, given the period number and the outcome code of each poll."""
    lowest = int(number.min())
    shape = (int(number.max()) - lowest + 1, len(known))
    counts = np.bincount((number - lowest) * len(known) + outcome, minlength=shape[0] * shape[1]).reshape(shape)
    is_ok = np.array([name == Outcome.OK for name in known])
    slots, successful, others = counts.sum(axis=1), counts[:, is_ok].sum(axis=1), np.where(is_ok, 0, counts)
    most = np.array(known, object)[others.argmax(axis=1)]
    return lowest, pd.DataFrame(
        {
            "slots": slots,
            "ok": successful,
            "coverage": np.divide(successful, slots, out=np.full(shape[0], np.nan), where=slots > 0),
            "outcome": np.where(others.any(axis=1), most, None),
        }
    )
