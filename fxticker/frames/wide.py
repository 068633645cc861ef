"""Wide frames: the rates of one source with a column per pair."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from fxticker.frames.dates_in_zone import one_each_in_zone
from fxticker.frames.load import load
from fxticker.frames.now_and_zone import zone_of
from fxticker.frames.one_per_instant import one_per_instant
from fxticker.frames.pairs import StorePath
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment


def wide(
    store: StorePath,
    *,
    source: str | None = None,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the rates of one source with a column per pair.

    Returns
    -------
    pandas.DataFrame
        Index ``observed_at`` (in the zone `tz`, whose days are also meant; of a tick of which only the date is known
        the midnight of that date there), a float64 column per pair in alphabetical order, NaN where a pair was not
        shown at that instant. Several values at one instant are settled by
        `fxticker.frames.one_per_instant.one_per_instant`: several of one date by the middle of their hull, which none
        of them printed; `fxticker.load` has each.

    Raises
    ------
    ValueError
        If the store has several sources and none is named; `fxticker.errors.NotStored` if one of `pairs` is not stored.
    """
    frame = load(store, sources=None if source is None else [source], pairs=pairs, start=start, end=end, tz=tz)
    stored = sorted(frame["source"].unique())
    if len(stored) > 1:
        raise InvalidArgument(f"the store holds several sources, name one: {', '.join(stored)}")
    one_each = one_each_in_zone(one_per_instant(frame), zone_of(tz))
    return (
        one_each.assign(pair=one_each["pair"].astype(str))
        .set_index(["observed_at", "pair"])["rate"]
        .unstack("pair")
        .sort_index(axis="columns")
        .rename_axis(columns=None)
        .astype("float64")
    )
