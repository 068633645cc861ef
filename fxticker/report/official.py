"""Section: official rates and pegs beside the ticker."""

from __future__ import annotations

import pandas as pd

from fxticker.analysis.compare import is_of_peg
from fxticker.analysis.scores import scores
from fxticker.model.currencies import name_of
from fxticker.model.formatting import counted, format_with_band
from fxticker.model.pairs import currencies_of
from fxticker.model.pegs import peg_on, pegs_of
from fxticker.report.drawings import Charts, placed
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Content, Html, element, joined
from fxticker.report.moves import change_table
from fxticker.report.rates import last_rates
from fxticker.report.tables import Column, table
from fxticker.report.texts import age, between, listed, number
from fxticker.sources.rate_order import kind_of
from fxticker.sources.source import Kind

_COLUMNS = (
    Column("Pair"),
    Column("Source"),
    Column("Value date and age"),
    Column("Units per USD", is_number=True),
    Column("Tick minus this", is_number=True),
    Column("The two"),
    Column("Ticks in agreement", is_number=True),
    Column("By chance", is_number=True),
)


def official_section(facts: MonthFacts, charts: Charts) -> Html:
    """Return the section of the rates that central banks set, and of pegs."""
    compared = facts.official
    pegs = [element("p", text) for text in _peg_texts(facts)]
    if compared.empty:
        why = _reasons(facts.compared) or "no official rate of these pairs is stored"
        return joined(element("p", f"There is nothing official to set beside {facts.subject}: {why}."), *pegs)
    score = scores(compared).set_index(["pair", "source"])
    drifts = facts.drifts[[kind_of(str(source)) is Kind.OFFICIAL for source in facts.drifts["source"]]]
    moved = f"Change of official rates in {facts.period.name}, in percent of the rate at the start"
    last = _last(compared).assign(is_peg=is_of_peg)
    rows = [_row(row, score.loc[(row["pair"], row["source"])]) for _, row in last.iterrows()]
    caption = f"Last stored official rates beside the last tick of {facts.period.name} that can be compared"
    left_out = len(facts.compared) - len(compared)
    absent = (
        [element("p", f"{counted(left_out, 'comparison')} left out: {_reasons(facts.compared)}.")] if left_out else []
    )
    return joined(
        element("p", _intro(facts.subject)),
        table(caption, _COLUMNS, rows),
        *absent,
        *([change_table(moved, drifts)] if len(drifts) else []),
        *pegs,
        *placed(charts, "compare"),
    )


def official_sentences(facts: MonthFacts) -> list[str]:
    """Return which official rates the main source contradicts at its last compared tick, as sentences."""
    compared = facts.official
    if compared.empty:
        return [f"No official rate is stored that could stand beside {facts.subject} in this month."]
    last, begin = _last(compared), "At the last tick that can be compared"
    apart = last[~last["inside"].astype(bool)]
    if apart.empty:
        many = counted(len(last), "comparison")
        return [f"{begin} {facts.subject} contradicts no official rate ({many})."]
    names = [f"{row['pair']} of {row['source']}" for _, row in apart.iterrows()]
    of = counted(len(last), "official rate")
    return [f"{begin} {facts.subject} contradicts {len(names)} of {of}: {listed(names)}."]


def _intro(subject: str) -> str:
    return (
        f"An official rate is set by a central bank for a day; {subject} shows what its site took from elsewhere. They "
        "are different quantities, and neither is the error of the other. They agree if their intervals share a point, "
        f"which proves little where that of {subject} is wide: so the share of ticks in agreement stands beside the "
        "one that chance would give, had each tick been set beside the official rates of all its days. Distances are "
        f"in percent of the official rate, in USD per unit, above 0 where {subject} has the higher one. A bank may "
        "have set a later rate that is not stored: so each has its age."
    )


def _last(compared: pd.DataFrame) -> pd.DataFrame:
    return compared.drop_duplicates(["pair", "source"], keep="last").sort_values(["pair", "source"])


def _row(row: pd.Series, score: pd.Series) -> list[Content]:
    rate, lo, hi = (float(row[name]) for name in ("official", "official_lo", "official_hi"))
    off, off_lo, off_hi = (float(row[f"distance{end}_pct"]) for end in ("", "_lo", "_hi"))
    distance = format_with_band(off, off_lo, off_hi, signed=True)
    dated = f"{row['official_at']:%Y-%m-%d}"
    return [
        str(row["pair"]),
        str(row["source"]),
        joined(element("span", dated, class_="whole"), " ", _soft(_age(row))),
        number(format_with_band(1 / rate, 1 / hi, 1 / lo).value),
        joined(number(f"{distance.value} %"), " ", _soft(between(distance))),
        "agree" if row["inside"] else "contradict each other",
        f"{score['inside'] * score['ticks']:,.0f} of {score['ticks']:,.0f}",
        f"{100 * score['chance']:.0f} %",
    ]


def _age(row: pd.Series) -> str:
    """Return the age of an official rate; a peg is in force until the next one."""
    return "peg in force" if row["is_peg"] else age(float(row["official_age_h"]))


def _soft(text: str) -> Html:
    return element("span", text, class_="soft whole")


def _reasons(compared: pd.DataFrame) -> str:
    return "; ".join(sorted({*compared["reason"].dropna().astype(str)})) if len(compared) else ""


def _peg_texts(facts: MonthFacts) -> list[str]:
    """Return of each pegged pair its peg, and whether the last tick's digits contain it."""
    return [text for _, row in last_rates(facts).iterrows() if (text := _peg_text(row))]


def _peg_text(row: pd.Series) -> str:
    pair = str(row["pair"])
    peg = peg_on(pair, row["observed_at"].date())
    if peg is None:
        return ""
    rate = float(next(rate for known, rate in pegs_of(pair) if known == peg))
    is_there = row["rate_lo"] <= rate <= row["rate_hi"]
    off = number(f"{100 * (row['rate'] / rate - 1):+.2f}")
    away = f", from which it is {off} % away" if row["values"] == 1 else ""
    found = "contain that rate" if is_there else f"do not contain that rate{away}"
    return (
        f"The {name_of(currencies_of(pair)[0])} is pegged: {peg.units_text} {peg.currency} per {peg.anchor} since "
        f"{peg.since}. The digits of the last tick {found}. Around a peg market feeds hop between a few levels: that "
        "is noise of theirs and no move of the rate."
    )
