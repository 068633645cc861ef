"""Source cbu: Central Bank of Uzbekistan, sums for a US dollar, set on banking days at 16:00 in Tashkent for the next.

The same list holds other currencies, some of them wrong at times (4037.68 sums for a manat on 2026-04-01, 3469.17 on
the next day), so only the dollar is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from fxticker.errors import DamagedPage
from fxticker.model.records import Snapshot
from fxticker.sources.bank import for_day, listed, quoted, read_day
from fxticker.sources.documents import NumberText, RepeatedName, read_json
from fxticker.sources.source import WORKING_DAYS, History, Kind, Source


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the bank's list of a day.

    Raises
    ------
    NoTicker, DamagedPage
        If there is no dollar, or no valid rate for it.
    """
    del headers
    return _snapshot(_rows(body))


def history_path(first: date, last: date) -> str:
    """Return the path of the list of one day."""
    del last
    return f"all/{first}/"


def parse_history(body: bytes, headers: Mapping[str, str], first: date, last: date) -> Sequence[Snapshot]:
    """Read the requested list: for a day without a rate the bank answers with that of a day before."""
    del headers, last
    rows = _rows(body)
    return for_day(_snapshot(rows), first) if rows else ()


def _rows(body: bytes) -> list[Any]:
    rows = read_json(body)
    if not isinstance(rows, list):
        raise DamagedPage("the answer must be a list of objects")
    return rows


def _codes_of(row: Any) -> Sequence[object]:
    code = row.get("Ccy") if isinstance(row, dict) else None
    return code.values if isinstance(code, RepeatedName) else [code]


def _snapshot(rows: Sequence[Any]) -> Snapshot:
    found = listed(rows, _codes_of, ("USD",))
    row = found.item_of("USD")
    texts = {name: row.get(name) for name in ("Rate", "Nominal", "Diff", "Date")}
    texts["Diff"] = texts["Diff"] if texts["Diff"] is not None else ""  # none was printed
    if any(not isinstance(text, str) or isinstance(text, NumberText) for text in texts.values()):
        raise DamagedPage("USD: Rate, Nominal, Diff and Date must be texts")
    rate, nominal, difference, day = (str(text) for text in texts.values())
    tick = quoted("USD/UZS", rate, nominal=nominal, difference=difference)
    return Snapshot((tick,), read_day(day), 1, found.remarks)


SOURCE = Source(
    id="cbu",
    url="https://cbu.uz/en/arkhiv-kursov-valyut/json/",
    every="6h",
    terms_url=None,  # none found; the bank describes the service as meant for other systems
    media_types=frozenset(["application/json"]),
    stale_after_days=6,  # more than a week: no holidays are so long
    parse=parse,
    kind=Kind.OFFICIAL,
    publishes=WORKING_DAYS,  # Friday's rate is dated Monday
    frozen_after_days=14,
    history=History(
        since=date(1994, 7, 1),
        span_days=1,
        path=history_path,
        media_types=frozenset(["application/json"]),
        parse=parse_history,
        pause_s=1.0,
    ),
)
