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
    drifts = facts.own_drifts
    drawn = {}
    if len(drifts):
        drawn["drift"] = chart("drift", lambda theme: plot_drift(drifts, theme=theme))
    if len(facts.path):
        drawn["path"] = chart("path", lambda theme: plot_path(facts.path, theme=theme))
    if len(facts.official):
        drawn["compare"] = chart("compare", lambda theme: plot_compare(facts.compared, theme=theme))
    if facts.pairs:
        drawn["history"] = chart("history", lambda theme: plot_history(facts.ticks, polls=facts.polls, theme=theme))
    if len(facts.polls):
        drawn["coverage"] = chart("coverage", lambda theme: plot_coverage(facts.polls, theme=theme))
    return drawn


def placed(charts: Charts, *names: str) -> list[Html]:
    """Return those of some charts that there are."""
    return [charts[name] for name in names if name in charts]
