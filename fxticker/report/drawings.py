"""Drawings: the charts that a report of a month has, by name."""

from __future__ import annotations

from collections.abc import Mapping

from fxticker.charts import plot_coverage, plot_drift, plot_path
from fxticker.charts.canvas import Look
from fxticker.charts.compare import comparison_chart
from fxticker.charts.history import rates_chart
from fxticker.charts.hops import Past
from fxticker.report.charts import chart
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Html
from fxticker.store.store import Store

Charts = Mapping[str, Html]
"""Charts by name: ``drift``, ``path``, ``compare``, ``history``, ``coverage``; those without data are missing."""


def charts_of(store: Store, facts: MonthFacts) -> Charts:
    """Return the charts of a month, of a store, where levels before the month are looked up."""
    past, main = Past(store, facts.period.as_of), str(facts.main)
    drifts, first, last = facts.own_drifts, facts.period.first_day, facts.period.last_day
    month = (facts.period.begin, facts.period.cut)
    drawn = {}
    if len(drifts):
        drawn["drift"] = chart("drift", "change over the month", lambda theme: plot_drift(drifts, theme=theme))
    if len(facts.path):
        drawn["path"] = chart("path", "change from tick to tick", lambda theme: plot_path(facts.path, theme=theme))
    if len(facts.official):
        drawn["compare"] = chart(
            "compare", "official rates", lambda theme: comparison_chart(facts.compared, past, Look(theme), main)
        )
    if facts.pairs:
        drawn["history"] = chart(
            "history", "rates over time", lambda theme: rates_chart(facts.ticks, facts.polls, past, Look(theme), month)
        )
    if len(facts.polls):
        drawn["coverage"] = chart(
            "coverage", "polls by day", lambda theme: plot_coverage(facts.polls, start=first, end=last, theme=theme)
        )
    return drawn


def placed(charts: Charts, *names: str) -> list[Html]:
    """Return those of some charts that there are."""
    return [charts[name] for name in names if name in charts]
