"""Monthly report: a month of a store as one HTML page."""

from __future__ import annotations

from fxticker.frames.now_and_zone import present, zone_of
from fxticker.frames.pairs import StorePath
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment
from fxticker.report.drawings import charts_of
from fxticker.report.facts import facts_of
from fxticker.report.page import page_of
from fxticker.report.period import period_of
from fxticker.store.store import opened


def monthly_report(store: StorePath, month: str, *, as_of: Moment | None = None, tz: Zone = "UTC") -> str:
    """Return a report of a month: rates, changes with their bands, official rates, gaps, ages and limits in words.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    month
        The month, ``"2025-12"``. One that has not ended is cut at the present, or at `as_of`, and says so.
    as_of
        Report what was known then: ticks and outcomes recorded by then, without ticks retracted by then; a date stands
        for its end. ``None`` for the present state of the store.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and whose clock is shown.

    Returns
    -------
    str
        An HTML document without scripts, which loads nothing and prints on A4. It is about the ticker, or, in a month
        without ticks of it, about another source of the month. Its last line is the command that makes it again. The
        same state of the store gives the same text with the same versions of all packages, and so does `as_of` that
        state later, whatever was recorded or retracted since.

    Raises
    ------
    StoreError
        If there is no store at the path, or a file of it cannot be read.
    ValueError
        If `month` is no month, or begins later than now or than `as_of`.
    """
    period = period_of(month, present(), zone_of(tz), as_of)
    opened_store = opened(store)
    facts = facts_of(opened_store, period)
    return page_of(facts, charts_of(opened_store, facts))
