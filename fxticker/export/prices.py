"""Price lines for plain-text accounting: the last rate of each day, as ledger, hledger and Beancount read it.

A line has a day and no time, so it can hold one rate of a day: the close. A day without a tick has no line; the
programs use the last line before a day. Prices are for one unit, whatever nominal the source prints.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from fxticker.export.formats import Format
from fxticker.model.formatting import format_with_band, plain_decimal
from fxticker.model.invalid import InvalidArgument
from fxticker.model.pairs import currencies_of

_MAX_PRINTED_CHARS = 16
"""Characters of a rate per one unit as printed, its point included. Those of derived rates, as doubles, have more."""


def price_lines(days: pd.DataFrame, syntax: Format) -> Iterator[str]:
    """Yield a comment and a line for each day and pair, by day.

    Parameters
    ----------
    days
        Daily periods of one source, as `fxticker.resample` returns them.
    syntax
        ``ledger``, ``hledger`` or ``beancount``; the lines of the first two are the same.

    Yields
    ------
    str
        ``P 2025-12-14 KZT 0.00192 USD`` or ``2025-12-14 price KZT 0.00192 USD``. A printed rate has its printed
        decimals, zeros included, less those of a nominal above 1; a derived one as many as its band supports. Of a date
        with several values it is their middle, and a comment before the line says so.

    Raises
    ------
    ValueError
        If there are several sources: their prices would contradict each other.
    """
    closed = days[days["count"] > 0].sort_values(["start_at", "pair"], kind="stable")
    names = sorted(closed["source"].unique())
    if len(names) > 1:
        raise InvalidArgument(
            f"prices need one source, and there are several: {', '.join(names)}; choose with --source"
        )
    yield f"; {', '.join(names)}: the last rate of each day ({days['start_at'].dt.tz}), for one unit"
    bands = zip(closed["close"].tolist(), closed["close_lo"].tolist(), closed["close_hi"].tolist(), strict=True)
    days_of, values = closed["start_at"].dt.strftime("%Y-%m-%d"), closed["close_values"]
    for day, pair, band, count in zip(days_of, closed["pair"], bands, values, strict=True):
        if count > 1:
            yield f"; {day} {pair}: the middle of {count} printed values, whose order is not known"
        base, quote = currencies_of(pair)
        price = f"{base} {_price(*band)} {quote}"
        yield f"{day} price {price}" if syntax == "beancount" else f"P {day} {price}"


def _price(close: float, lo: float, hi: float) -> str:
    text, by_band = plain_decimal(close), format_with_band(close, lo, hi).value
    return by_band if float(by_band) == close or len(text) > _MAX_PRINTED_CHARS else text
