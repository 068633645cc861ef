"""Builders of the records that tests need; every default is a plain, sound value."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from fxticker.model.records import Origin, PrintedTick, Tick, TimeBasis
from fxticker.simulation.captures import dated_slots, read_captures

NOON = datetime(2025, 11, 14, 12, tzinfo=UTC)
TICKER = (
    ("KGS/USD", "0.01144", "0%"),
    ("KZT/USD", "0.00191", "-0%"),
    ("TJS/USD", "0.10840", "0.37%"),
    ("UZS/USD", "0.00008", "0%"),
    ("TMT/USD", "0.28571", "0%"),
)
PRINTED_TICKS = tuple(PrintedTick(*printed) for printed in TICKER)


def cases(module):
    """The inputs and expected results of a test module, by name, from its file in the folder `cases`."""
    return tomllib.loads((Path(__file__).parent / "cases" / f"{module}.toml").read_text("utf-8"))


def at_time(clock_time):
    """The instant at this time (HH:MM, UTC) of the day of `NOON`."""
    return datetime.fromisoformat(f"2025-11-14T{clock_time}:00+00:00")


class FixedClock:
    """A clock that stands where it was put and moves on by `step` with every look."""

    def __init__(self, at=NOON, step=timedelta(0)):
        self.at = at
        self.step = step

    def now(self):
        self.at += self.step
        return self.at


def tick(pair="KZT/USD", rate_text="0.00191", change_text="-0%", observed_at=NOON, **changes):
    fields = {
        "source": "timesca",
        "pair": pair,
        "observed_at": observed_at,
        "time_basis": TimeBasis.CLOCK,
        "rate": float(rate_text.replace(",", ".")),
        "rate_text": rate_text,
        "nominal": 1,
        "change_pct": None if change_text is None else float(change_text.rstrip("%")) + 0.0,
        "change_text": change_text,
        "source_date": date(2025, 11, 14),
        "origin": Origin.LIVE,
    }
    return Tick(**{**fields, **changes})


def snapshot_ticks(observed_at=NOON, **changes):
    return [tick(pair, rate, change, observed_at, **changes) for pair, rate, change in TICKER]


def capture_ticks():
    """Every dated capture of the packaged history, as ticks."""
    return [
        tick(printed.pair, printed.rate_text, printed.change_text, slot, source_date=capture.page_date)
        for slot, capture in dated_slots(read_captures())
        for printed in capture.ticks
    ]


def store_polled_history(folder):
    """Write the packaged history as polls at its slots store and record it, the same at each time."""
    from fxticker.model.records import Outcome, Poll
    from fxticker.store.store import Store

    clock = FixedClock()
    store = Store(folder, clock=clock)
    for slot, shown in groupby(capture_ticks(), key=attrgetter("observed_at")):
        clock.at, ticks = slot, list(shown)
        store.append(ticks)
        page = {"http_status": 200, "source_date": ticks[0].source_date, "attempts": 1}
        store.record([Poll("timesca", slot, Outcome.OK, started_at=slot, ticks=len(ticks), **page)])
