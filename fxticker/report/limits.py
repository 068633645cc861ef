"""Section: what the figures of a month cannot say."""

from __future__ import annotations

from fxticker.model.formatting import short_text
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Html, element
from fxticker.report.rates import COARSE_PCT, last_rates
from fxticker.report.texts import age, listed
from fxticker.sources.age_limits import TICKER, AgeLimit
from fxticker.sources.rate_order import kind_of
from fxticker.sources.source import Kind

_BETWEEN = "Between two ticks nothing is known. No value is filled in, averaged or estimated in this report."
_INSIDE = (
    "A rate inside its interval is no likelier than another one there: the middle of an interval is no better a figure "
    "than its ends."
)
_PERCENTAGE = (
    "The percentage that the ticker prints beside its rates is not used: it is rounded from a change that was rounded "
    "before, over an earlier rate that is not stated."
)


def limits_section(facts: MonthFacts) -> Html:
    """Return the section of the limits."""
    zone = str(facts.period.zone)
    days = f"Days are those of {zone}, and times its clock. A date that a bank prints is the bank\u2019s own day."
    items = [*_of_the_rates(facts), _BETWEEN, _INSIDE, *([_PERCENTAGE] if facts.main == TICKER else []), days]
    if facts.others:
        items.append(f"The store also has rates of {listed(facts.others)}, of which nothing is in this report.")
    return element("ul", *(element("li", item) for item in items))


def _of_the_rates(facts: MonthFacts) -> list[str]:
    """Return the limits that these rates have."""
    if not facts.pairs:
        return []
    last = last_rates(facts)
    texts = [_age_text(facts, float(last["age_h"].max()))]
    coarse = [
        f"{pair}, whose printed step is {short_text(step)} % of the rate"
        for pair, step in zip(last["pair"].astype(str), last["step_pct"], strict=True)
        if step > COARSE_PCT
    ]
    if coarse:
        texts.append(
            f"The printed digits are too few to show a usual month of {listed(coarse)}. That its value stayed the same "
            "says next to nothing; an official rate says more."
        )
    if kind_of(str(facts.main)) is Kind.MARKET:
        texts.append(
            f"{facts.main} shows what a site displays. Who supplies it, and whether a figure is a bid, an offer or a "
            "middle, is not stated. It is neither an official rate nor a price at which anybody has to buy or sell."
        )
    return texts


def _age_text(facts: MonthFacts, oldest_h: float) -> str:
    limit = AgeLimit().of_source(str(facts.main))
    end = "the cut of this report" if facts.period.is_running else "the end of the month"
    text = f"The last tick of a pair is up to {age(oldest_h)} older than {end}"
    if limit is None or oldest_h <= limit.total_seconds() / 3600:
        return f"{text}."
    return (
        f"{text}, and so the report says nothing about the days since. A last rate is the last one that was shown, not "
        "the rate at that end."
    )
