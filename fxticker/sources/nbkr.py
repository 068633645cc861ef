"""Source nbkr: National Bank of the Kyrgyz Republic, soms for a US dollar, set by 15:30 on trading days for the next.

The latest rate is XML in windows-1251, which the document itself declares and the HTTP header does not; past ones are a
page of HTML that lists only the days with a new rate and names no nominal, which is 1 for the dollar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from fxticker.errors import DamagedPage, NoTicker
from fxticker.model.records import Snapshot
from fxticker.sources.bank import for_span, listed, quoted, read_day
from fxticker.sources.documents import read_xml
from fxticker.sources.html import decode
from fxticker.sources.source import EVERY_DAY, History, Kind, Source

_DOLLAR = 15
"""The number of the dollar in the bank's URLs."""
_DECIMAL_MARK = ","
"""Before decimals, in all answers seen from 2005 to 2026; the bank prints no mark before thousands."""
_MARKED = re.compile(r"<!--(date|value)-->([^<]{0,100})<!--\1-->")
_MARK = re.compile(r"<!--(?:date|value)-->")


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the bank's list of the day.

    Raises
    ------
    NoTicker, DamagedPage
        If there is no dollar, or no valid rate for it.
    """
    root = read_xml(body, headers, root="CurrencyRates")
    found = listed(root.all("Currency"), lambda item: [item.attributes.get("ISOCode")], ("USD",))
    dollar = found.item_of("USD")
    tick = quoted("USD/KGS", dollar.text_of("Value"), nominal=dollar.text_of("Nominal"), decimal_mark=_DECIMAL_MARK)
    return Snapshot((tick,), read_day(root.attribute("Date")), 1, found.remarks, _DECIMAL_MARK)


def history_path(first: date, last: date) -> str:
    """Return the path of the page of a span."""
    return (
        f"/index1.jsp?item=1562&lang=ENG&valuta_id={_DOLLAR}"
        f"&beg_day={first:%d}&beg_month={first:%m}&beg_year={first:%Y}"
        f"&end_day={last:%d}&end_month={last:%m}&end_year={last:%Y}"
    )


def parse_history(body: bytes, headers: Mapping[str, str], first: date, last: date) -> Sequence[Snapshot]:
    """Read the page of a span.

    A page without any rate is refused, although the span may have none: an unrelated page looks the same.
    """
    page = decode(body, headers)
    marked = list(_MARKED.finditer(page))
    if not marked:
        raise NoTicker("the page lists no rate")
    days, values = marked[::2], marked[1::2]
    is_whole = len(_MARK.findall(page)) == 2 * len(marked) and "</table>" in page[marked[-1].end() :].lower()
    if not is_whole or [item[1] for item in marked] != ["date", "value"] * len(values):
        raise DamagedPage("the page's table is cut short, or has not one rate for each day")
    snapshots = [
        Snapshot(
            (quoted("USD/KGS", value[2].strip(), decimal_mark=_DECIMAL_MARK),),
            read_day(day[2].strip()),
            1,
            decimal_mark=_DECIMAL_MARK,
        )
        for day, value in zip(days, values, strict=True)
    ]
    return for_span(snapshots, first, last)


SOURCE = Source(
    id="nbkr",
    url="https://www.nbkr.kg/XML/daily.xml",
    every="6h",
    terms_url=None,
    media_types=frozenset(["application/xml", "text/xml"]),
    stale_after_days=5,
    parse=parse,
    kind=Kind.OFFICIAL,
    publishes=EVERY_DAY,  # the list is dated anew on weekends too
    frozen_after_days=None,  # 87.4500 for months
    holds_days=None,  # and the history has only the days with another one
    history=History(
        since=date(1999, 1, 1),
        span_days=366,  # the page shows no more rows
        path=history_path,
        media_types=frozenset(["text/html"]),
        parse=parse_history,
        pause_s=1.0,  # the server drops those who connect often
    ),
)
