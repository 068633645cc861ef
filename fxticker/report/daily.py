"""Section: what changed when, as the last value of each day and as a summary of each pair."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from fxticker.model.formatting import counted, format_with_band
from fxticker.model.pegs import peg_on, pegs_of
from fxticker.model.verdicts import HOP
from fxticker.report.drawings import Charts, placed
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Content, Html, element, joined
from fxticker.report.printed_values import PrintedValue, PrintedValues, fewest_changes
from fxticker.report.rates import shown_text
from fxticker.report.tables import Column, table
from fxticker.report.texts import NONE, age, between, day_name, listed, number

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
_OF_DATES = (
    "Where several values of one date are on record, in an order that is not known, the lowest and the highest of them "
    "are shown."
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
    rows = [_summary(facts, pair) for pair in facts.pairs]
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
        + (f" {_OF_DATES}" if (facts.days["close_values"] > 1).any() else "")
    )


def _changes(facts: MonthFacts, pair: str) -> str:
    """Return how often a value changed, at least if several values share a date."""
    runs = _runs(facts, pair)
    if not (runs["values"] > 1).any():
        return f"{len(runs) - 1:,}"
    shown = ([each.rate for _, each in _shown(facts, pair, run)] for _, run in runs.iterrows())
    return f"at least {fewest_changes(shown):,}"


def _runs(facts: MonthFacts, pair: str) -> pd.DataFrame:
    return facts.runs[facts.runs["pair"] == pair]


def _shown(facts: MonthFacts, pair: str, run: pd.Series) -> list[tuple[pd.Timestamp, PrintedValue]]:
    """Return the printed values of a run, each with its first instant or the midnight of its date."""
    first, last = run["first_at"], run["last_at"]
    if run["values"] > 1:
        found = facts.printed.between(pair, first.date(), last.date())
        return [(pd.Timestamp(day, tz=first.tz), value) for day, value in found]
    rate, lo, hi = (float(run[name]) for name in ("rate", "rate_lo", "rate_hi"))
    return [(first, PrintedValue(rate, lo, hi, _value(run)))]


def _proven(pair: str, runs: pd.DataFrame) -> str:
    """Return the number of changes that are moves, and of those that are more than rounding and none."""
    hops = int(runs["peg_hop"].sum())
    moves = int((runs["significant"] & ~runs["peg_hop"]).sum())
    least = "at least " if (runs["values"] > 1).any() else ""
    newer = f" to {'a newer level' if moves == 1 else 'newer levels'}" if moves and pegs_of(pair) else ""
    return f"{least}{moves:,}{newer}{f', and {counted(hops, HOP)}' if hops else ''}"


def changed_text(facts: MonthFacts) -> str:
    """Return how often each pair changed, as a sentence."""
    counts = [(pair, _changes(facts, pair)) for pair in facts.pairs]
    parts = [f"{pair} {count} time{'' if count == '1' else 's'}" for pair, count in counts]
    return f"The printed value changed, as far as it was recorded: {', '.join(parts)}."


def _head(pair: str, facts: MonthFacts) -> str:
    return f"{pair} (pegged)" if peg_on(pair, facts.period.last_day) else pair


def _summary(facts: MonthFacts, pair: str) -> list[Content]:
    runs = _runs(facts, pair)
    shown = [each for _, run in runs.iterrows() for each in _shown(facts, pair, run)]
    lowest, highest = min(shown, key=lambda each: each[1].rate), max(shown, key=lambda each: each[1].rate)
    return [
        pair,
        f"{runs['polls'].sum():,}",
        f"{len({value.rate for _, value in shown}):,}",
        _changes(facts, pair),
        _proven(pair, runs),
        *(joined(value.text, _soft(facts.printed.when(pair, at))) for at, value in (lowest, highest)),
        _longest(facts, pair, runs[runs["values"] == 1]),
    ]


def _longest(facts: MonthFacts, pair: str, runs: pd.DataFrame) -> Content:
    """Return the longest run of one value; nothing where each date has several."""
    if runs.empty:
        return NONE
    run = runs.iloc[int((runs["last_at"] - runs["first_at"]).argmax())]
    return joined(
        _value(run),
        _soft(facts.printed.when(pair, run["first_at"])),
        _soft(f"to {facts.printed.when(pair, run['last_at'])},"),
        _soft(f"up to {age(float(run['gap_h']))} without a tick"),
    )


def _steps(facts: MonthFacts) -> list[Html]:
    """Return the largest single changes by more than rounding, in the order of time, as a table."""
    before = facts.runs.groupby(["source", "pair"], observed=True).shift()
    names = {name: before[name] for name in ("rate", "rate_lo", "rate_hi", "rate_text", "nominal", "last_at", "values")}
    steps = facts.runs.assign(**{f"{name}_before": column for name, column in names.items()})
    steps = steps[steps["significant"] & ~steps["peg_hop"]]
    if steps.empty:
        return [element("p", "No value changed by more than rounding from one tick to the next, hops of a peg aside.")]
    largest = steps.loc[steps["drift_pct"].abs().nlargest(_MOST_STEPS, keep="first").index]
    is_part = len(largest) < len(steps)
    many = f"The {len(largest)} largest of {len(steps):,} changes" if is_part else "Changes"
    aside = ", hops of a peg aside" if facts.runs["peg_hop"].any() else ""
    caption = f"{many} by more than rounding{aside}, from one tick to the next in {facts.period.name}, by time"
    rows = [
        _step_row(row, facts.printed) for _, row in largest.sort_values(["first_at", "pair"], kind="stable").iterrows()
    ]
    newer = sorted({pair for pair in largest["pair"].astype(str) if pegs_of(pair)})
    if not newer:
        return [table(caption, _STEPS, rows)]
    note = f"Of {listed(newer)} they are to newer levels, not on record in the year before: the supplier's, or a move."
    return [table(caption, _STEPS, rows), element("p", note)]


def _step_row(row: pd.Series, printed: PrintedValues) -> list[Content]:
    pair, after, by = str(row["pair"]), row["last_at_before"], row["first_at"]
    before, now = row["values_before"] > 1, row["values"] > 1
    texts = format_with_band(row["drift_pct"], row["drift_lo_pct"], row["drift_hi_pct"], signed=True)
    return [
        pair,
        element("span", printed.when(pair, after), class_="whole"),
        element("span", printed.when(pair, by), class_="whole"),
        printed.all_of(pair, after) if before else _value(row, "_before"),
        printed.all_of(pair, by) if now else _value(row),
        NONE if before or now else number(f"{texts.value} %"),
        between(texts, " %"),
    ]


def _soft(text: str) -> Html:
    return joined(" ", element("span", text, class_="soft whole"))


def _value(run: pd.Series, which: str = "") -> str:
    bounds = (float(run[f"rate{which}"]), float(run[f"rate_lo{which}"]), float(run[f"rate_hi{which}"]))
    return shown_text(run[f"rate_text{which}"], int(run[f"nominal{which}"]), bounds)


def _day_rows(facts: MonthFacts) -> list[list[Content]]:
    days = [facts.period.first_day + timedelta(place) for place in range(facts.period.days)]
    cells = {pair: _day_cells(pair, facts) for pair in facts.pairs}
    instants = facts.days.groupby(facts.days["start_at"].dt.date)["count"].max()
    return [
        [day_name(day), f"{instants.get(day, 0):,}", *(cells[pair].get(day, _marked(NONE, "")) for pair in facts.pairs)]
        for day in days
    ]


def _day_cells(pair: str, facts: MonthFacts) -> dict[date, Html]:
    """Return the cell of each day on which the pair has a tick."""
    closes = facts.days[facts.days["pair"] == pair]
    cells: dict[date, Html] = {}
    before: pd.Series | None = None
    for _, row in closes[closes["count"] > 0].iterrows():
        day = row["start_at"].date()
        text = number(format_with_band(row["close"], row["close_lo"], row["close_hi"]).value)
        if row["close_values"] > 1:
            text = facts.printed.range_of(pair, row["close_at"])
        cells[day] = _marked(text, "" if before is None or peg_on(pair, day) else _direction(before, row))
        before = row
    return cells


def _marked(text: str, mark: str) -> Html:
    return joined(text, " ", element("span", mark, class_="mark"))


def _direction(before: pd.Series, row: pd.Series) -> str:
    """Return the mark of a value whose band is disjoint from the one before."""
    return _UP if row["close_lo"] > before["close_hi"] else _DOWN if row["close_hi"] < before["close_lo"] else ""
