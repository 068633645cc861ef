"""The nearest ticks: what an error adds if nothing is stored in the span, or as of the instant, that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from fxticker.errors import FxTickerError, NoData
from fxticker.model.selection import Selection
from fxticker.model.timestamps import exact_text

if TYPE_CHECKING:
    from fxticker.store.location import Location


@contextmanager
def naming_nearest(folder: Location, selection: Selection) -> Iterator[None]:
    """Add to a `NoData` the last tick before and the first one after the span, if none lies in it.

    Or when the first one was recorded, if none was by the instant as of which ticks were asked for.
    """
    try:
        yield
    except NoData as error:
        with suppress(FxTickerError):  # a damaged file outside the span does not hide what the answer lacks
            known = _first_recorded(folder, selection) or _nearest(folder, selection)
            if known not in str(error):  # `latest` names it itself
                error.args = (f"{error}{known}",)
        raise


def _first_recorded(folder: Location, selection: Selection) -> str:
    if selection.as_of is None:
        return ""
    from fxticker.frames.first_recorded import first_recorded_after
    from fxticker.frames.now_and_zone import resolved

    span = resolved(selection)
    assert isinstance(span.as_of, datetime)
    return first_recorded_after(folder, span.as_of, _as_stored(folder, span))


def _as_stored(folder: Location, selection: Selection) -> Selection:
    """Return the selection without its pairs if one is derived, and of all sources if an order chooses one."""
    from fxticker.frames.pairs import stored_pairs
    from fxticker.sources.rate_order import RATE

    if selection.sources is not None and RATE in selection.sources:
        selection = replace(selection, sources=None)
    is_stored = selection.pairs is None or {*selection.pairs} <= stored_pairs(folder, selection.sources)
    return selection if is_stored else replace(selection, pairs=None)


def _nearest(folder: Location, selection: Selection) -> str:
    from fxticker.frames.dates_in_zone import instants_in_zone
    from fxticker.frames.load import load_selected
    from fxticker.frames.now_and_zone import resolved, zone_of

    if selection.start is None and selection.end is None:
        return ""
    span = resolved(selection)
    whole = replace(_as_stored(folder, span), start=None, end=None)
    stored = load_selected(folder, whole, columns=["observed_at", "time_basis"])
    instants, counted_at = stored["observed_at"], instants_in_zone(stored, zone_of(span.tz))
    before = instants[counted_at < span.start] if span.start is not None else instants[:0]
    after = instants[counted_at >= span.end] if span.end is not None else instants[:0]
    if len(before) + len(after) < len(instants):
        return ""
    found = [exact_text(nearest) for nearest in (*before.nlargest(1), *after.nsmallest(1))]
    if not found:
        return ""
    ends = "" if selection.end is None or not _is_instant(selection) else "; the instant of --end is not included"
    return f"; the nearest {'tick is' if len(found) == 1 else 'ticks are'} of {' and '.join(found)} UTC{ends}"


def _is_instant(selection: Selection) -> bool:
    """Return whether a span ends with an instant, and not with a day."""
    from fxticker.frames.now_and_zone import present, zone_of
    from fxticker.model.days import extent_of

    assert selection.end is not None
    extent = extent_of(selection.end, present(), zone_of(selection.tz))
    return extent.begin == extent.end
