"""First recorded: what an answer adds if nothing had been recorded by the instant as of which it was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fxticker.frames.load import load_selected
from fxticker.frames.pairs import StorePath
from fxticker.model.selection import Selection
from fxticker.model.timestamps import minute_text


def first_recorded_after(store: StorePath, instant: datetime, selection: Selection) -> str:
    """Return the rest of a sentence: when the first tick was recorded; empty if one was by then, or none is stored.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    instant
        The instant as of which nothing was found.
    selection
        Pairs as stored, and sources; a span and `as_of` are ignored.
    """
    whole = replace(selection, start=None, end=None, as_of=None)
    recorded_at = load_selected(store, whole, columns=["recorded_at"])["recorded_at"]
    if recorded_at.empty or recorded_at.min() <= instant:
        return ""
    return f"; the first one was recorded at {minute_text(recorded_at.min())} UTC"
