"""Source cbr: Bank of Russia, roubles for the dollar and the five currencies. A fallback, not an independent source.

Since 2024-12-27 its rates of the five are its dollar rate divided by what their own banks print, so they agree with
those to the last digit and do not confirm them.

Past days are requested one by one: the list of a day holds all six currencies with their codes, while that of a span is
for one, which it names by a number of its own. Nominals change over the years, so each is the list's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from fxticker.errors import DamagedPage, NoTicker
from fxticker.model.records import Snapshot
from fxticker.sources.bank import for_day, quoted, read_day
from fxticker.sources.documents import read_xml
from fxticker.sources.source import TUESDAY_TO_SATURDAY, History, Source

_BASES = frozenset(["USD", "KGS", "KZT", "TJS", "TMT", "UZS"])
_MEDIA_TYPES = frozenset(["application/xml", "text/xml"])


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the bank's list of a day.

    Raises
    ------
    NoTicker, DamagedPage
        If there is no dollar, a currency stands there twice, or a rate is invalid.
    """
    root = read_xml(body, headers, root="ValCurs")
    listed = [(item.text_of("CharCode"), item) for item in root.all("Valute")]
    counts = Counter(code for code, _ in listed)
    if "USD" not in counts:
        raise NoTicker("the answer holds no USD")
    if not counts.keys() & (_BASES - {"USD"}):
        raise NoTicker(f"the answer holds none of {', '.join(sorted(_BASES - {'USD'}))}")
    if any(counts[code] > 1 for code in _BASES):
        raise DamagedPage("a currency stands there twice")
    ticks = tuple(
        quoted(f"{code}/RUB", item.text_of("Value"), nominal=item.text_of("Nominal"))
        for code, item in listed
        if code in _BASES
    )
    return Snapshot(ticks, read_day(root.attribute("Date")), 1)


def history_path(first: date, last: date) -> str:
    """Return the path of the list of one day."""
    del last
    return f"XML_daily.asp?date_req={first:%d/%m/%Y}"


def parse_history(body: bytes, headers: Mapping[str, str], first: date, last: date) -> Sequence[Snapshot]:
    """Read the requested list: for a day without rates the bank answers with those of a day before."""
    del last
    return for_day(parse(body, headers), first)


SOURCE = Source(
    id="cbr",
    url="https://www.cbr.ru/scripts/XML_daily.asp",
    every="6h",
    terms_url="https://www.cbr.ru/eng/user_agreement/",
    media_types=_MEDIA_TYPES,
    stale_after_days=11,  # two weeks: Russia's banks are closed for the first days of January
    parse=parse,
    publishes=TUESDAY_TO_SATURDAY,
    frozen_after_days=21,
    history=History(
        since=date(1999, 1, 4),
        span_days=1,
        path=history_path,
        media_types=_MEDIA_TYPES,
        parse=parse_history,
        pause_s=1.0,
    ),
)
