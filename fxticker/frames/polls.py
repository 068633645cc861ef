"""Polls: reads the outcomes of slots into frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fxticker.frames.dates_in_zone import span_of
from fxticker.frames.loaded_types import to_frame
from fxticker.frames.now_and_zone import in_zone, resolved
from fxticker.frames.pairs import StorePath
from fxticker.frames.read_cost import counted
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment, last_instant
from fxticker.store.arrow import order_by, take
from fxticker.store.polls_by import polls_by
from fxticker.store.read_span import read_span

if TYPE_CHECKING:
    import pandas as pd


def load_polls(
    store: StorePath,
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the outcome of every slot, one row each.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    sources
        Read only these sources; ``None`` for all.
    start, end
        Span of `slot`, as for `load`.
    as_of
        Read only outcomes that were recorded by then; a date stands for its end. One that 0.1.0 recorded counts from
        its slot on.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.

    Returns
    -------
    pandas.DataFrame
        Sorted by slot, then source. Columns: ``source``, then those of the data contract, from ``slot`` to
        ``recorded_at``; whole numbers that may be null are float64.
    """
    return in_zone(_polls(store, Selection.of(sources=sources, start=start, end=end, as_of=as_of, tz=tz)), tz)


def load_outcomes(
    store: StorePath,
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """Return what `load_polls` does, of source, slot and outcome alone, which takes less memory."""
    selection = Selection.of(sources=sources, start=start, end=end, as_of=as_of)
    return _polls(store, selection, ["slot", "outcome", "recorded_at"])[["source", "slot", "outcome"]]


def _polls(store: StorePath, selection: Selection, columns: Sequence[str] | None = None) -> pd.DataFrame:
    selection = resolved(selection)
    with counted(store) as found:
        table = read_span(found.polls, sources=selection.sources, span=span_of(selection), columns=columns)
    as_of = None if selection.as_of is None else last_instant(selection.as_of)
    table = polls_by(table, as_of).unify_dictionaries()
    return to_frame(take(table, order_by(table, ("slot", "source"))))
