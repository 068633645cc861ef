"""Ticks of the ticker, of banks and of a peg, and drawn true rates with what two sources print of them."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from builders import tick
from hypothesis import strategies as st
from true_rates import as_printed, frame_of, half_even

from fxticker.model.records import Origin, TimeBasis

DAY = timedelta(days=1)
AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


def official(pair, rate_text, source, day=date(2026, 4, 1), **changes):
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    fields = {"time_basis": TimeBasis.DATE, "origin": Origin.ARCHIVE, "source_date": day}
    return tick(pair, rate_text, None, at, source=source, **fields | changes)


def market(pair, rate_text, at=AT):
    return tick(pair, rate_text, "0%", at)


PEG = official("USD/TMT", "3.5", "tmt-peg", date(2015, 1, 1), origin=Origin.CONSTANT)
TICKS = [
    market("UZS/USD", "0.00008"),
    market("KZT/USD", "0.00209"),
    market("TMT/USD", "0.28490"),
    official("USD/UZS", "12194.21", "cbu"),
    official("USD/KZT", "478.77", "nbk"),
    PEG,
]


@st.composite
def printed_paths(draw):
    """Two currencies' true rates in USD by two sources, six days each, and the ticks that are printed of them."""
    ticks, truths = [], {}
    for pair, decimals, least in (("KZT/USD", 5, 150), ("UZS/USD", 6, 60)):
        steps = draw(st.lists(st.integers(-9, 9), min_size=6, max_size=6))
        for source, shift in (("timesca", 0), ("nbk" if pair == "KZT/USD" else "cbu", draw(st.integers(-20, 20)))):
            value = Fraction(least, 10**5) + Fraction(shift, 10**7)
            for number, step in enumerate(steps):
                value += Fraction(step, 10**6)
                is_ticker = source == "timesca"
                shown = value if is_ticker else 1 / value
                text = as_printed(half_even(shown, decimals if is_ticker else 2), decimals if is_ticker else 2)
                at = AT + number * DAY
                truths[source, pair, at.date()] = value
                ticks.append(
                    market(pair, text, at) if is_ticker else official(f"USD/{pair[:3]}", text, source, at.date())
                )
    return ticks, truths


def true_paths():
    """The same as a frame, and the true rates."""
    return printed_paths().map(lambda drawn: (frame_of(drawn[0]), drawn[1]))


PAIRS = ("KZT/USD", "UZS/USD", "KZT/UZS")
