"""Data of a chart: the frame that it draws, computed from a store or from ticks, or as it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from fxticker.analysis.quotes import quotes_of
from fxticker.analysis.source_quotes import Ticks, ticks_of
from fxticker.charts.lines import are_quotes
from fxticker.charts.lookups import as_quotes, is_of_rate
from fxticker.frames.now_and_zone import in_zone, resolved
from fxticker.frames.polls import load_polls
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Selection
from fxticker.sources.age_limits import TICKER
from fxticker.sources.rate_order import RATE


def frame_of(
    data: Ticks, column: str, compute: Callable[..., pd.DataFrame], filters: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the frame to draw.

    Parameters
    ----------
    data
        A store, a frame of ticks, or the frame to draw.
    column
        A column that only the frame to draw has.
    compute
        Computes it from a store or a frame of ticks.
    filters
        Arguments for that; those that are ``None`` or ``False`` are left out.

    Raises
    ------
    ValueError
        If there are filters for a frame that is drawn as it is.
    """
    given = _given(filters)
    if isinstance(data, pd.DataFrame) and column in data.columns:
        _refuse(given)
        return data
    return compute(data, **given)


def rates_of(data: Ticks, filters: Mapping[str, Any]) -> pd.DataFrame:
    """Return the ticks to draw, or the quotes where pairs, a direction or an order are asked for.

    Rows of `fxticker.rate` are returned as quotes at the instants of their lookups, without those that have no rate.
    """
    given = _given(filters)
    if isinstance(data, pd.DataFrame) and (not given or are_quotes(data)):
        _refuse(given)
        return as_quotes(data) if is_of_rate(data) else data
    if given.keys() & {"pairs", "per_usd", "order"} or by_order(filters):
        zone, order = given.get("tz", "UTC"), given.pop("order", None)
        return in_zone(quotes_of(data, resolved(Selection.of(**given)), order), zone)
    return in_zone(ticks_of(data, Selection.of(**given)), given.get("tz", "UTC"))


def polls_of(data: Ticks, filters: Mapping[str, Any]) -> pd.DataFrame:
    """Return the outcomes of polls to draw, from a store or as they were given."""
    given = _given(filters)
    if isinstance(data, pd.DataFrame):
        _refuse(given)
        return data
    return load_polls(data, **given)


def polls_beside(data: Ticks, filters: Mapping[str, Any]) -> pd.DataFrame | None:
    """Return the outcomes of polls of the rates that are drawn; ``None`` for a frame, which has none.

    By an order they are those of the ticker: the rates of all others stand at their value dates.
    """
    if isinstance(data, pd.DataFrame):
        return None
    of_polls = {name: filters[name] for name in ("sources", "start", "end", "as_of", "tz")}
    return load_polls(data, **_given(of_polls | ({"sources": [TICKER]} if by_order(filters) else {})))


def by_order(filters: Mapping[str, Any]) -> bool:
    """Return whether an order chooses the source."""
    sources = filters.get("sources")
    return sources is not None and RATE in ([sources] if isinstance(sources, str) else sources)


def _given(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None and value is not False}


def _refuse(given: Mapping[str, Any]) -> None:
    if given:
        raise InvalidArgument(f"{', '.join(given)}: only for a store or ticks; the frame given is drawn as it is")
