"""True rates and what is printed of them: what a derived band must hold."""

import math
from datetime import timedelta
from fractions import Fraction

import pandas as pd
from builders import NOON, tick
from hypothesis import strategies as st


def half_even(value, decimals):
    return Fraction(round(value * 10**decimals), 10**decimals)


def half_up(value, decimals):
    steps = math.floor(abs(value) * 10**decimals + Fraction(1, 2))
    return Fraction(steps if value >= 0 else -steps, 10**decimals)


def as_printed(value, decimals):
    steps = int(value * 10**decimals)
    whole, part = divmod(steps, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else str(whole)


def site_percentage(rate, base, rounded):
    """What the ticker prints, by the formula found in 371 captures."""
    percentage = rounded(100 * rounded(rate - base, 4) / base, 2)
    digits = as_printed(abs(percentage), 2).rstrip("0").rstrip(".")
    return f"{'-' if rate < base else ''}{digits}%"


ROUNDINGS = st.sampled_from([half_even, half_up])


@st.composite
def true_and_printed(draw):
    """A true rate and its printed text."""
    decimals = draw(st.integers(0, 9))
    least = Fraction(1, 10**decimals)
    step_halves = st.integers(2, 10**6).map(lambda halves: halves * least / 2)  # exactly between two printed rates too
    true = draw(st.fractions(least, 10**6) | st.fractions(least, 100 * least) | step_halves)
    return true, as_printed(draw(ROUNDINGS)(true, decimals), decimals)


def frame_of(ticks, recorded_at=NOON + timedelta(hours=1)):
    """A frame as load gives it, without a store; each tick is recorded a second after the one before."""
    fields = (
        *("source", "pair", "observed_at", "time_basis", "rate", "rate_text", "nominal"),
        *("change_pct", "change_text", "source_date", "origin"),
    )
    frame = pd.DataFrame({name: [getattr(item, name) for item in ticks] for name in fields})
    recorded = [recorded_at + timedelta(seconds=number) for number in range(len(ticks))]
    kinds = {
        **dict.fromkeys(("source", "pair", "time_basis", "rate_text", "change_text", "origin"), "category"),
        **dict.fromkeys(("observed_at", "recorded_at"), "datetime64[us, UTC]"),
    }
    return frame.assign(
        recorded_at=recorded,
        source_date=pd.to_datetime(frame["source_date"]),
        time_basis=[str(item.time_basis) for item in ticks],
        origin=[str(item.origin) for item in ticks],
    ).astype(kinds)


def shown(pair, rate_text, observed_at=NOON, **changes):
    """A tick without a percentage."""
    return tick(pair, rate_text, None, observed_at, **changes)
