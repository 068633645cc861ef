"""Source nbk: National Bank of Kazakhstan, tenge for a US dollar, the exchange's average of 15:30, for the next day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from fxticker.model.records import Snapshot
from fxticker.sources.bank import for_day, listed, quoted, read_day
from fxticker.sources.documents import Element, read_xml
from fxticker.sources.source import TUESDAY_TO_SATURDAY, History, Kind, Source

_MEDIA_TYPES = frozenset(["text/xml", "application/xml"])


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the bank's list of a day.

    Raises
    ------
    NoTicker, DamagedPage
        If there is no dollar, or no valid rate for it.
    """
    return _snapshot(read_xml(body, headers, root="rates"))


def history_path(first: date, last: date) -> str:
    """Return the path of the list of one day."""
    del last
    return f"get_rates.cfm?fdate={first:%d.%m.%Y}"


def parse_history(body: bytes, headers: Mapping[str, str], first: date, last: date) -> Sequence[Snapshot]:
    """Read the requested list."""
    del last
    root = read_xml(body, headers, root="rates")
    return for_day(_snapshot(root), first) if root.all("item") else ()


def _snapshot(root: Element) -> Snapshot:
    # The document has a title and a description of its own: only those of items are rates.
    found = listed(root.all("item"), lambda item: item.texts_of("title"), ("USD",))
    dollar = found.item_of("USD")
    change = dollar.all("change")
    tick = quoted(
        "USD/KZT",
        dollar.text_of("description"),
        nominal=dollar.text_of("quant"),
        difference=change[0].text if change else "",
    )
    return Snapshot((tick,), read_day(root.text_of("date")), 1, found.remarks)


SOURCE = Source(
    id="nbk",
    url="https://nationalbank.kz/rss/get_rates.cfm",
    every="6h",
    terms_url=None,
    media_types=_MEDIA_TYPES,
    stale_after_days=6,  # more than a week: no holidays are so long
    parse=parse,
    kind=Kind.OFFICIAL,
    publishes=TUESDAY_TO_SATURDAY,  # Friday's rate is dated Saturday, and held through Monday
    frozen_after_days=14,
    history=History(
        since=date(2000, 1, 1),
        span_days=1,
        path=history_path,
        media_types=_MEDIA_TYPES,
        parse=parse_history,
        pause_s=1.0,
    ),
)
