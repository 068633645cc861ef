"""Source nbt: National Bank of Tajikistan, somoni for a US dollar, dated every day.

Where there is no new rate, the one before is carried forward.

Its answers write days in three ways, and the `ID` of a currency may be wrong: the code decides. Decimals have a point;
older programs met a comma ("5,9950"), so a comma is accepted where it cannot stand before thousands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from fxticker.errors import NoTicker, OtherDate
from fxticker.model.records import Snapshot
from fxticker.sources.bank import for_span, listed, quoted, read_day
from fxticker.sources.documents import read_xml
from fxticker.sources.source import EVERY_DAY, History, Kind, Source

_MEDIA_TYPES = frozenset(["text/xml", "application/xml"])


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the bank's list of a day.

    Raises
    ------
    NoTicker, DamagedPage
        If there is no dollar, or no valid rate for it.
    """
    root = read_xml(body, headers, root="ValCurs")
    found = listed(root.all("Valute"), lambda item: item.texts_of("CharCode"), ("USD",))
    dollar = found.item_of("USD")
    tick = quoted("USD/TJS", dollar.text_of("Value"), nominal=dollar.text_of("Nominal"))
    return Snapshot((tick,), read_day(root.attribute("Date")), 1, found.remarks)


def history_path(first: date, last: date) -> str:
    """Return the path of the dollar's rates of a span."""
    return f"export_xml_dynamic.php?d1={first}&d2={last}&cn=840&cs=USD&export=xml"


def parse_history(body: bytes, headers: Mapping[str, str], first: date, last: date) -> Sequence[Snapshot]:
    """Read the rates of a span: for days that it lacks the bank answers with the list of today."""
    root = read_xml(body, headers, root="ValCurs")
    if "Date" in root.attributes:
        raise OtherDate(f"{first} to {last}", read_day(root.attributes["Date"]))
    for name, day in (("DateRange1", first), ("DateRange2", last)):
        if read_day(root.attribute(name)) != day:
            raise OtherDate(f"{first} to {last}", read_day(root.attribute(name)))
    snapshots = []
    for record in root.all("Record"):
        if record.text_of("CharCode") != "USD":
            raise NoTicker("the answer is for another currency than USD")
        tick = quoted("USD/TJS", record.text_of("Value"), nominal=record.text_of("Nominal"))
        snapshots.append(Snapshot((tick,), read_day(record.attribute("Date")), 1))
    return for_span(snapshots, first, last)


SOURCE = Source(
    id="nbt",
    url="https://www.nbt.tj/en/kurs/export_xml.php?export=xmlout",
    every="6h",
    terms_url="https://www.nbt.tj/",  # its footer asks that the site be named as the source
    media_types=_MEDIA_TYPES,
    stale_after_days=3,
    parse=parse,
    kind=Kind.OFFICIAL,
    publishes=EVERY_DAY,
    frozen_after_days=None,  # the somoni is managed, and may stand still for weeks
    history=History(
        since=date(2001, 1, 1),
        span_days=366,
        path=history_path,
        media_types=_MEDIA_TYPES,
        parse=parse_history,
        pause_s=1.0,
    ),
)
