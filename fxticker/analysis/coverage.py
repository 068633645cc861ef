"""When the ticker was looked at and when not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fxticker.analysis.periods import Freq, period_of, start_of
from fxticker.frames.load import StorePath, load_polls
from fxticker.frames.settle import typed
from fxticker.model.records import Outcome
from fxticker.model.selection import Selection
from fxticker.model.timestamps import Moment, instant

GAP_CADENCES = 3
"""A distance of more than three times the usual one is a hole, not a late poll."""
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
}


def gaps(
    store: StorePath,
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> pd.DataFrame:
    """The stretches without a sound poll.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    sources
        Only these.
    start, end
        Half-open span of slots that are looked at. Silence from the last poll before `start` on is a stretch too if
        it reaches into the span, and with `end` given so is silence from the last poll up to it.

    Returns
    -------
    pandas.DataFrame
        One row per stretch, by source and start: ``source``, ``start_at`` (its first slot without a sound poll; where
        nothing is on record, the last slot before), ``end_at`` (the next slot with a sound poll, or, where nothing is
        on record, with any; NaT if there is none yet), ``slots`` (outcomes on record in it), ``why`` (those outcomes
        with their counts, or that nothing is on record: the distance of two polls is more than three times the
        source's median). Of a source without any poll before `end` nothing is known, and it has no stretch.
    """
    polls = load_polls(store, sources=sources, end=end)
    first, last = (None if moment is None else pd.Timestamp(instant(moment)) for moment in (start, end))
    rows = [
        (source, *stretch)
        for source, held in polls.groupby("source", observed=True, sort=True)
        for stretch in _stretches(held.reset_index(drop=True), first, last)
    ]
    return typed(rows, COLUMNS)


def _stretches(
    polls: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None
) -> list[tuple[Any, Any, int, str]]:
    """The stretches of one source; `polls` may begin before `start`."""
    inside = polls if start is None else polls[polls["slot"] >= start]
    # The span's own cadence: it may have been another in other years. One poll has none, and a day is silence then.
    usual = (inside if len(inside) > GAP_CADENCES else polls)["slot"].diff().median()
    slots, outcomes = inside["slot"], inside["outcome"].astype(str)
    sound = outcomes == Outcome.OK
    found: list[tuple[Any, Any, int, str]] = []
    for _, run in slots.groupby((sound != sound.shift()).cumsum()):
        if not sound[run.index[0]]:
            following = slots.get(run.index[-1] + 1, pd.NaT)
            counts = outcomes[run.index].value_counts()
            why = ", ".join(f"{name} x {count}" for name, count in counts.items())
            found.append((run.iloc[0], following, len(run), why))
    before = polls["slot"][: len(polls) - len(inside)].tail(1)
    marks = [*before, *slots]
    limit = pd.Timedelta(days=1) if pd.isna(usual) else GAP_CADENCES * usual
    found.extend(
        (earlier, later, 0, SILENCE)
        for earlier, later in zip(marks, [*marks[1:], end], strict=True)
        if later is not None and later - earlier > limit
    )
    return sorted(
        ((begin, pd.NaT if until is end else until, count, why) for begin, until, count, why in found),
        key=lambda stretch: stretch[0],
    )


def coverage(
    polls: StorePath | pd.DataFrame,
    freq: Freq = "day",
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> pd.DataFrame:
    """How much of each hour, day, week or month of UTC was looked at, and what was got where nothing was.

    Parameters
    ----------
    polls
        A store's folder, an open store, or a frame of `fxticker.load_polls`.
    freq
        ``hour``, ``day``, ``week`` (from Monday) or ``month``.
    sources
        Only these.
    start, end
        Half-open span of slots. Periods at its ends may be cut.

    Returns
    -------
    pandas.DataFrame
        One row per source and period, by these, from the source's first period with a poll to its last: ``source``,
        ``start_at`` (the period's first instant), ``slots`` (outcomes on record in it), ``ok`` (sound polls among
        them), ``coverage`` (``ok / slots``, from 0 to 1; NaN where nothing is on record), ``outcome`` (the most
        frequent other than ``ok``, of equally frequent ones the first by name; null if there is none).

    Raises
    ------
    ValueError
        If `freq` is none of those.
    """
    if not isinstance(polls, pd.DataFrame):
        polls = load_polls(polls, sources=sources, start=start, end=end)
    else:
        polls = _matching(polls, Selection.of(sources=sources, start=start, end=end))
    texts = polls["outcome"].astype("category").cat
    outcomes = texts.set_categories(sorted(texts.categories)).cat
    number = period_of(polls["slot"].to_numpy("M8[us]"), freq)
    parts = [
        _coverage_of(str(source), number[rows], outcomes.codes.to_numpy()[rows], list(outcomes.categories), freq)
        for source, rows in sorted(polls.groupby("source", observed=True).indices.items())
    ]
    return pd.concat([typed([], COVERAGE_COLUMNS), *parts], ignore_index=True).astype(COVERAGE_COLUMNS)


def _matching(polls: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    kept = np.ones(len(polls), bool)
    if selection.sources is not None:
        kept &= polls["source"].isin(selection.sources).to_numpy()
    if selection.start is not None:
        kept &= (polls["slot"] >= instant(selection.start)).to_numpy()
    if selection.end is not None:
        kept &= (polls["slot"] < instant(selection.end)).to_numpy()
    return polls[kept]


def _coverage_of(source: str, number: np.ndarray, outcome: np.ndarray, known: list[str], freq: Freq) -> pd.DataFrame:
    """One source's periods, given the number of the period and the code of the outcome of each poll."""
    lowest = number.min()
    shape = (int(number.max() - lowest) + 1, len(known))
    counts = np.bincount((number - lowest) * len(known) + outcome, minlength=shape[0] * shape[1]).reshape(shape)
    is_ok = np.array([name == Outcome.OK for name in known])
    slots, sound, others = counts.sum(axis=1), counts[:, is_ok].sum(axis=1), np.where(is_ok, 0, counts)
    most = np.array(known, object)[others.argmax(axis=1)]
    return pd.DataFrame(
        {
            "source": source,
            "start_at": pd.Series(start_of(lowest + np.arange(shape[0]), freq)).dt.tz_localize("UTC"),
            "slots": slots,
            "ok": sound,
            "coverage": np.divide(sound, slots, out=np.full(shape[0], np.nan), where=slots > 0),
            "outcome": np.where(others.any(axis=1), most, None),
        }
    )
