"""Section: what changed when, as the last value of each day and as a summary of each pair."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from fxticker.model.formatting import counted, format_with_band
from fxticker.model.pegs import peg_on
from fxticker.model.timestamps import minute_text
from fxticker.report.drawings import Charts, placed
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Content, Html, element, joined
from fxticker.report.rates import shown_text
from fxticker.report.tables import Column, table
from fxticker.report.texts import NONE, age, between, day_name, number

_UP, _DOWN = "\u2191", "\u2193"
_MOST_STEPS = 12
"""Number of single changes that are listed, the largest ones: the 82 polls of December 2025 show 39."""
_COLUMNS = (
    Column("Pair"),
    Column("Ticks", is_number=True),
    Column("Values", is_number=True),
    Column("Changes", is_number=True),
    Column("Of these more than rounding", is_number=True),
    Column("Lowest, first shown"),
    Column("Highest, first shown"),
    Column("Longest unchanged"),
)
_STEPS = (
    Column("Pair"),
    Column("After"),
    Column("By"),
    Column("From"),
    Column("To"),
    Column("Change", is_number=True),
    Column("The digits allow", is_number=True),
)


def daily_section(facts: MonthFacts, charts: Charts) -> Html:
    """Return the section of the values of each day."""
    heads = [Column(_head(pair, facts), is_number=True) for pair in facts.pairs]
    intro = (
        "A value changed at some time between the last tick that had the one before and the first tick that had it. A "
        "change and its return between two ticks do not show, and a value that stayed may have moved inside its digits."
    )
    rows = [_summary(pair, facts.runs[facts.runs["pair"] == pair]) for pair in facts.pairs]
    days = [Column("Day"), Column("Instants", is_number=True), *heads]
    return joined(
        element("p", intro),
        table(f"Values of each pair in {facts.period.name}", _COLUMNS, rows),
        *_steps(facts),
        element("p", _days_text(facts)),
        table(f"Last value of each day of {facts.period.name}, USD per unit", days, _day_rows(facts), class_="days"),
        *placed(charts, "history"),
    )


def _days_text(facts: MonthFacts) -> str:
    return (
        f"The table has the last value that {facts.main} showed on each day, and the number of instants at which it is "
        f"on record. {_UP} and {_DOWN} mark a value that is higher or lower than on the day before that has one, by "
        f"more than rounding; a pegged currency has no such marks. A day with {NONE} has no tick: nothing is filled in."
    )


def _proven(runs: pd.DataFrame) -> str:
    """Return the number of changes that are moves, and of those that are more than rounding and none."""
    hops = int(runs["peg_hop"].sum())
    moves = int((runs["significant"] & ~runs["peg_hop"]).sum())
    return f"{moves:,}, and {counted(hops, 'peg hop')}" if hops else f"{moves:,}"


def changed_text(facts: MonthFacts) -> str:
    """Return how often each pair changed, as a sentence."""
    parts = [f"{pair} {counted(len(facts.runs[facts.runs['pair'] == pair]) - 1, 'time')}" for pair in facts.pairs]
    return f"The printed value changed, as far as it was recorded: {', '.join(parts)}."


def _head(pair: str, facts: MonthFacts) -> str:
    return f"{pair} (pegged)" if peg_on(pair, facts.period.last_day) else pair


def _summary(pair: str, runs: pd.DataFrame) -> list[Content]:
    lengths = runs["last_at"] - runs["first_at"]
    lowest, highest, longest = (
        runs.iloc[int(place)] for place in (runs["rate"].argmin(), runs["rate"].argmax(), lengths.argmax())
    )
    return [
        pair,
        f"{runs['polls'].sum():,}",
        f"{runs['rate'].nunique():,}",
        f"{len(runs) - 1:,}",
        _proven(runs),
        joined(_value(lowest), _soft(minute_text(lowest["first_at"]))),
        joined(_value(highest), _soft(minute_text(highest["first_at"]))),
        joined(
            _value(longest),
            _soft(minute_text(longest["first_at"])),
            _soft(f"to {minute_text(longest['last_at'])},"),
            _soft(f"up to {age(float(longest['gap_h']))} without a tick"),
        ),
    ]


def _steps(facts: MonthFacts) -> list[Html]:
    """Return the largest single changes by more than rounding, in the order of time, as a table."""
    before = facts.runs.groupby(["source", "pair"], observed=True).shift()
    names = {name: before[name] for name in ("rate", "rate_lo", "rate_hi", "rate_text", "nominal", "last_at")}
    steps = facts.runs.assign(**{f"{name}_before": column for name, column in names.items()})
    steps = steps[steps["significant"] & ~steps["peg_hop"]]
    if steps.empty:
        return [element("p", "No value changed by more than rounding from one tick to the next, hops of a peg aside.")]
    largest = steps.loc[steps["drift_pct"].abs().nlargest(_MOST_STEPS, keep="first").index]
    is_part = len(largest) < len(steps)
    many = f"The {len(largest)} largest of {len(steps):,} changes" if is_part else "Changes"
    aside = ", hops of a peg aside" if facts.runs["peg_hop"].any() else ""
    caption = f"{many} by more than rounding{aside}, from one tick to the next in {facts.period.name}, by time"
    rows = [_step_row(row) for _, row in largest.sort_values(["first_at", "pair"], kind="stable").iterrows()]
    return [table(caption, _STEPS, rows)]


def _step_row(row: pd.Series) -> list[Content]:
    texts = format_with_band(row["drift_pct"], row["drift_lo_pct"], row["drift_hi_pct"], signed=True)
    return [
        str(row["pair"]),
        element("span", minute_text(row["last_at_before"]), class_="whole"),
        element("span", minute_text(row["first_at"]), class_="whole"),
        _value(row, "_before"),
        _value(row),
        number(f"{texts.value} %"),
        between(texts, " %"),
    ]


def _soft(text: str) -> Html:
    return joined(" ", element("span", text, class_="soft whole"))


def _value(run: pd.Series, which: str = "") -> str:
    bounds = (float(run[f"rate{which}"]), float(run[f"rate_lo{which}"]), float(run[f"rate_hi{which}"]))
    return shown_text(run[f"rate_text{which}"], int(run[f"nominal{which}"]), bounds)


def _day_rows(facts: MonthFacts) -> list[list[Content]]:
    days = [facts.period.first_day + timedelta(place) for place in range(facts.period.days)]
    cells = {pair: _day_cells(pair, facts.days[facts.days["pair"] == pair]) for pair in facts.pairs}
    instants = facts.days.groupby(facts.days["start_at"].dt.date)["count"].max()
    return [
        [day_name(day), f"{instants.get(day, 0):,}", *(cells[pair].get(day, _marked(NONE, "")) for pair in facts.pairs)]
        for day in days
    ]


def _day_cells(pair: str, closes: pd.DataFrame) -> dict[date, Html]:
    """Return the cell of each day on which the pair has a tick."""
    cells: dict[date, Html] = {}
    before: pd.Series | None = None
    for _, row in closes[closes["count"] > 0].iterrows():
        day = row["start_at"].date()
        text = number(format_with_band(row["close"], row["close_lo"], row["close_hi"]).value)
        cells[day] = _marked(text, "" if before is None or peg_on(pair, day) else _direction(before, row))
        before = row
    return cells


def _marked(text: str, mark: str) -> Html:
    return joined(text, " ", element("span", mark, class_="mark"))


def _direction(before: pd.Series, row: pd.Series) -> str:
    """Return the mark of a value whose band is disjoint from the one before."""
    return _UP if row["close_lo"] > before["close_hi"] else _DOWN if row["close_hi"] < before["close_lo"] else ""
