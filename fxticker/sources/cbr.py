"""Source cbr: Bank of Russia, roubles for the dollar and the five currencies. A fallback, not an independent source.

Since 2024-12-27 its rates of the five are its dollar rate divided by what their own banks print, so they agree with
those to the last digit and do not confirm them.

Past days are requested one by one: the list of a day holds all six currencies with their codes, while that of a span is
for one, which it names by a number of its own. Nominals change over the years, so each is the list's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from fxticker.errors import DamagedPage
from fxticker.model.records import PrintedTick, Snapshot
from fxticker.sources.bank import for_day, listed, quoted, read_day, remark_on
from fxticker.sources.documents import Element, read_xml
from fxticker.sources.source import TUESDAY_TO_SATURDAY, History, Kind, Source

_BASES = frozenset(["USD", "KGS", "KZT", "TJS", "TMT", "UZS"])
_DECIMAL_MARK = ","
"""Before decimals, in all answers seen from 2016 to 2026; the bank prints no mark before thousands."""
_MEDIA_TYPES = frozenset(["application/xml", "text/xml"])


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the bank's list of a day.

    A currency other than the dollar whose rate is invalid is left out, with a remark.

    Raises
    ------
    NoTicker, DamagedPage
        If there is no dollar or none of the five, one of the six stands there twice, or the dollar's rate is invalid.
    """
    root = read_xml(body, headers, root="ValCurs")
    found = listed(root.all("Valute"), lambda item: item.texts_of("CharCode"), _BASES)
    dollar = _tick("USD", found.item_of("USD"))
    if len(found.items) == 1:
        found.refuse(" or ".join(sorted(_BASES - {"USD"})))
    ticks: list[PrintedTick] = []
    remarks = list(found.remarks)
    for code, item in found.items.items():
        try:
            ticks.append(dollar if code == "USD" else _tick(code, item))
        except DamagedPage as error:
            remarks.append(remark_on(f"{code}/RUB", error))
    if len(ticks) == 1:
        raise DamagedPage(f"the answer holds no valid rate but the dollar's: {'; '.join(remarks)}")
    return Snapshot(tuple(ticks), read_day(root.attribute("Date")), 1, tuple(remarks), _DECIMAL_MARK)


def _tick(code: str, item: Element) -> PrintedTick:
    return quoted(f"{code}/RUB", item.text_of("Value"), nominal=item.text_of("Nominal"), decimal_mark=_DECIMAL_MARK)


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
    kind=Kind.OFFICIAL,
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
