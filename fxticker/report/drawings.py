"""Drawings: the charts that a report of a month has, by name."""

from __future__ import annotations

from collections.abc import Mapping

from fxticker.charts import plot_compare, plot_coverage, plot_drift, plot_history, plot_path
from fxticker.report.charts import chart
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Html

Charts = Mapping[str, Html]
"""Charts by name: ``drift``, ``path``, ``compare``, ``history``, ``coverage``; those without data are missing."""


def charts_of(facts: MonthFacts) -> Charts:
    """Return the charts of a month."""
    drifts, first, last = facts.own_drifts, facts.period.first_day, facts.period.last_day
    drawn = {}
    if len(drifts):
        drawn["drift"] = chart("drift", "change over the month", lambda theme: plot_drift(drifts, theme=theme))
    if len(facts.path):
        drawn["path"] = chart("path", "change from tick to tick", lambda theme: plot_path(facts.path, theme=theme))
    if len(facts.official):
        drawn["compare"] = chart("compare", "official rates", lambda theme: plot_compare(facts.compared, theme=theme))
    if facts.pairs:
        drawn["history"] = chart(
            "history", "rates over time", lambda theme: plot_history(facts.ticks, polls=facts.polls, theme=theme)
        )
    if len(facts.polls):
        drawn["coverage"] = chart(
            "coverage", "polls by day", lambda theme: plot_coverage(facts.polls, start=first, end=last, theme=theme)
        )
    return drawn


def placed(charts: Charts, *names: str) -> list[Html]:
    """Return those of some charts that there are."""
    return [charts[name] for name in names if name in charts]
