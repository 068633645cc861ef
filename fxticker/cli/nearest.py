"""The nearest ticks: what an error adds if nothing is stored in the span that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from fxticker.errors import FxTickerError, NoData
from fxticker.model.selection import Selection


@contextmanager
def naming_nearest(folder: Path, selection: Selection) -> Iterator[None]:
    """Add to a `NoData` the last tick before and the first one after the span, if none lies in it."""
    try:
        yield
    except NoData as error:
        if selection.start is not None or selection.end is not None:
            with suppress(FxTickerError):  # a damaged file outside the span does not hide what the answer lacks
                error.args = (f"{error}{_nearest(folder, selection)}",)
        raise


def _nearest(folder: Path, selection: Selection) -> str:
    from fxticker.frames.load import load_selected
    from fxticker.frames.now_and_zone import resolved
    from fxticker.frames.pairs import stored_pairs

    span = resolved(selection)
    pairs = None if span.pairs is None or not {*span.pairs} <= stored_pairs(folder) else span.pairs
    stored = load_selected(folder, replace(span, pairs=pairs, start=None, end=None), columns=["observed_at"])
    instants = stored["observed_at"]
    before = instants[instants < span.start] if span.start is not None else instants[:0]
    after = instants[instants >= span.end] if span.end is not None else instants[:0]
    if len(before) + len(after) < len(instants):
        return ""
    found = [f"{nearest:%Y-%m-%d %H:%M}" for nearest in (*before.nlargest(1), *after.nsmallest(1))]
    return (
        f"; the nearest {'tick is' if len(found) == 1 else 'ticks are'} of {' and '.join(found)} UTC" if found else ""
    )
