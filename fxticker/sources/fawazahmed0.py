"""Source fawazahmed0: daily collection from undisclosed sources under CC0, all five currencies for a US dollar.

It is built at 00:00 UTC, so its rates are those of the day before its date; TMT shows market noise about the peg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from fxticker.errors import DamagedPage, NoTicker
from fxticker.model.records import PrintedTick, Snapshot
from fxticker.sources.bank import for_day, quoted, read_day, remark_on
from fxticker.sources.documents import NumberText, RepeatedName, read_json, without_exponent
from fxticker.sources.source import EVERY_DAY, History, Source

_QUOTES = ("KGS", "KZT", "TJS", "TMT", "UZS")
"""Its TMM is the manat before 2009."""


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the collection of a day.

    A currency whose rate is invalid is left out, with a remark. A rate with an exponent, which JSON allows, is written
    out: 1.20311e4 is 12031.1.

    Raises
    ------
    NoTicker, DamagedPage
        If it is not for the dollar, lacks all five currencies or a valid rate for any, or holds one of them twice.
    """
    del headers
    document = read_json(body)
    if not isinstance(document, dict):
        raise DamagedPage("the answer must be an object")
    if "usd" not in document:
        raise NoTicker("the answer holds no usd")
    rates, day = document["usd"], document.get("date")
    if not isinstance(rates, dict) or not isinstance(day, str):
        raise DamagedPage("usd must be an object, and date a text")
    rates_of = [(quote, rates[quote.lower()]) for quote in _QUOTES if quote.lower() in rates]
    if not rates_of:
        raise NoTicker(f"the answer holds none of {', '.join(_QUOTES)}")
    ticks: list[PrintedTick] = []
    remarks: list[str] = []
    for quote, rate in rates_of:
        if isinstance(rate, RepeatedName):
            raise DamagedPage(f"the answer holds {quote} twice")
        try:
            ticks.append(_tick(quote, rate))
        except DamagedPage as error:
            remarks.append(remark_on(f"USD/{quote}", error))
    if not ticks:
        raise DamagedPage("; ".join(remarks))
    return Snapshot(tuple(ticks), read_day(day), 1, tuple(remarks))


def _tick(quote: str, rate: object) -> PrintedTick:
    if not isinstance(rate, NumberText):
        raise DamagedPage("the rates must be numbers")
    return quoted(f"USD/{quote}", without_exponent(rate))


def history_path(first: date, last: date) -> str:
    """Return the path of the collection of one day."""
    del last
    return f"/npm/@fawazahmed0/currency-api@{first}/v1/currencies/usd.json"


def parse_history(body: bytes, headers: Mapping[str, str], first: date, last: date) -> Sequence[Snapshot]:
    """Read the requested collection."""
    del last
    return for_day(parse(body, headers), first)


SOURCE = Source(
    id="fawazahmed0",
    url="https://cdn.jsdelivr.net/npm/@fawazahmed0/currency-api@latest/v1/currencies/usd.json",
    every="12h",
    terms_url="https://github.com/fawazahmed0/exchange-api/blob/main/LICENSE",  # CC0 1.0
    media_types=frozenset(["application/json"]),
    stale_after_days=3,  # single days are missing now and then
    parse=parse,
    publishes=EVERY_DAY,
    history=History(
        since=date(2024, 3, 2),
        span_days=1,
        path=history_path,
        media_types=frozenset(["application/json"]),
        parse=parse_history,
        pause_s=0.5,
    ),
)
