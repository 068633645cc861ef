"""Packaged history: the dates and tickers of 214 captures of the site's pages.

``captures.csv`` has a row per capture: the printed date (empty if the page has none), then per pair ``RATE CHANGE%`` as
printed (empty if the ticker lacks the pair). Captured between September 2024 and February 2026; each page repeated its
ticker eight times.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from itertools import groupby

from fxticker.model.records import PrintedTick


@dataclass(frozen=True, slots=True)
class Capture:
    """The date and ticker of one captured page.

    Attributes
    ----------
    page_date
        The printed date; `None` if the page has none.
    ticks
        As printed, in the order of the page.
    """

    page_date: date | None
    ticks: tuple[PrintedTick, ...]


def read_captures() -> list[Capture]:
    """Return all captures, ordered by date; those without a date last."""
    text = files(__package__).joinpath("captures.csv").read_text("utf-8")
    return [_capture(row) for row in csv.DictReader(text.splitlines())]


def dated_slots(captures: list[Capture]) -> Iterator[tuple[datetime, Capture]]:
    """Yield each dated capture with an instant on its date, aware UTC, in order.

    The hour of a capture is not recorded, so the captures of one date are spread evenly over its 24 hours.
    """
    dated = [capture for capture in captures if capture.page_date is not None]
    for day, group in groupby(dated, key=lambda capture: capture.page_date):
        assert day is not None
        of_day = list(group)
        for number, capture in enumerate(of_day):
            yield datetime.combine(day, time(), UTC) + timedelta(days=1) * number / len(of_day), capture


def _capture(row: dict[str, str]) -> Capture:
    printed = {pair: text.split(" ") for pair, text in row.items() if pair != "page_date" and text}
    day = date.fromisoformat(row["page_date"]) if row["page_date"] else None
    return Capture(day, tuple(PrintedTick(pair, rate, change) for pair, (rate, change) in printed.items()))
