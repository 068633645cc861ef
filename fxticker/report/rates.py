"""Section: the last rate of each pair in the month, its band in both directions, and its age."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from fxticker.model.bands import outward, width_pct
from fxticker.model.currencies import name_of
from fxticker.model.formatting import decimal_point, format_with_band, short_text
from fxticker.model.pairs import currencies_of
from fxticker.model.records import TimeBasis
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Content, Html, element, joined
from fxticker.report.tables import Column, table
from fxticker.report.texts import age, between, number, when
from fxticker.sources.age_limits import AgeLimit

COARSE_PCT = 5.0
"""Printed step in percent of the rate from which on it is said that a month does not show: UZS has 12.5, and the next
widest, KZT, has 0.5."""
_HOUR = timedelta(hours=1)
_DAY = pd.Timedelta(days=1)


def last_rates(facts: MonthFacts) -> pd.DataFrame:
    """Return the last quote of each pair of the main source.

    Returns
    -------
    pandas.DataFrame
        The columns of `fxticker.quotes`, with ``is_date`` (only its date is known), ``age_h`` (hours to the end of the
        report, of a date from its end) and ``step_pct`` (width of its band, of several values that of the widest one's,
        in percent of its middle).
    """
    own = facts.rates[facts.rates["source"] == facts.main]
    last = own.drop_duplicates("pair", keep="last").sort_values("pair").reset_index(drop=True)
    is_date = last["time_basis"] == TimeBasis.DATE
    counts_from = (last["observed_at"] + _DAY).where(is_date, last["observed_at"])
    hours = (pd.Timestamp(facts.period.cut) - counts_from) / pd.Timedelta(_HOUR)
    step = width_pct(last["rate_lo"].to_numpy(), last["rate_hi"].to_numpy())
    widest = [
        max(value.step_pct for value in facts.printed.of(str(pair), at.date())) if count > 1 else own_step
        for pair, at, count, own_step in zip(
            last["pair"], last["observed_at"].dt.tz_convert("UTC"), last["values"], step, strict=True
        )
    ]
    return last.assign(is_date=is_date, age_h=hours.clip(lower=0), step_pct=widest)


def rates_section(facts: MonthFacts) -> Html:
    """Return the section of the last rates."""
    end = "the cut" if facts.period.is_running else "the end of the month"
    columns = [
        Column("Pair"),
        Column("USD per unit, as printed", is_number=True),
        Column("The digits allow: USD per unit", is_number=True),
        Column("Units per USD", is_number=True),
        Column("One printed step", is_number=True),
        Column("Last shown"),
        Column(f"Age at {end}"),
    ]
    intro = (
        "A printed rate is rounded, so it stands for an interval: the true rate lies somewhere in what the digits "
        "allow, and they do not say where. One printed step is the smallest change that can show, in percent of the "
        "rate. An age is marked where it is beyond the limit up to which fxticker takes a rate of this "
        "source for the rate of a later instant."
    )
    last = last_rates(facts)
    if (last["values"] > 1).any():
        intro += (
            " Where several values of one date are on record, all of them are named: which one was the last is not "
            "known, and the interval holds what the digits of each allow."
        )
    rows = [_row(row, facts) for _, row in last.iterrows()]
    return joined(element("p", intro), table(f"Last rate of each pair in {facts.period.name}", columns, rows))


def shown_text(rate_text: object, nominal: int, bounds: tuple[float, float, float]) -> str:
    """Return a rate as it was printed if that is for one unit, else with the digits that its bounds support."""
    if isinstance(rate_text, str) and nominal == 1:
        return decimal_point(rate_text)
    return number(format_with_band(*bounds).value)


def _row(row: pd.Series, facts: MonthFacts) -> list[Content]:
    base, _ = currencies_of(str(row["pair"]))
    rate, lo, hi = (float(row[name]) for name in ("rate", "rate_lo", "rate_hi"))
    inverse_lo, inverse_hi = outward(1 / hi, 1 / lo)
    excess = AgeLimit().excess(str(row["source"]), float(row["age_h"]) * _HOUR)
    old = element("strong", f"over {excess.rpartition('limit ')[2]}", class_="whole") if excess else ""
    return [
        joined(str(row["pair"]), " ", element("span", name_of(base), class_="soft")),
        shown_text(row["rate_text"], int(row["nominal"]), (rate, lo, hi))
        if row["values"] == 1
        else facts.printed.all_of(str(row["pair"]), row["observed_at"].tz_convert("UTC")),
        between(format_with_band(rate, lo, hi)),
        between(format_with_band(1 / rate, float(inverse_lo), float(inverse_hi))),
        f"{short_text(float(row['step_pct']))} %" if row["step_pct"] else "exact",
        element("span", when(row["observed_at"], is_date=bool(row["is_date"])), class_="whole"),
        joined(element("span", age(float(row["age_h"])), class_="whole"), " ", old),
    ]
