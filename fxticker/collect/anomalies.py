"""Anomalies: names what a person should look at in a snapshot that was parsed; nothing is refused because of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from fxticker.errors import one_line
from fxticker.model.bands import previous_rate
from fxticker.model.formatting import printed_text
from fxticker.model.printed import read_recorded_rate
from fxticker.model.records import PrintedTick, Snapshot, Tick
from fxticker.sources.bank import difference_mismatches
from fxticker.sources.source import Source

JUMP_FACTOR = 2
"""Smallest ratio of two consecutive rates that is a jump. The packaged history's largest is 1.18; a slipped decimal
point gives 10."""

MAX_AHEAD = timedelta(days=31)
"""Largest distance of a printed date ahead of the observation. Banks print the day a rate is for, which lies some days
ahead over holidays."""


def anomalies(source: Source, ticks: Sequence[Tick], snapshot: Snapshot, previous: Snapshot | None) -> str | None:
    """The anomalies of a snapshot as one line, the gravest first; `None` if there are none.

    Parameters
    ----------
    ticks
        Of the snapshot, normalised; at least one.
    previous
        The last snapshot of the source; `None` if it is not known, and nothing is compared.
    """
    results = [
        ("date far ahead", _dates_far_ahead(snapshot, ticks[0].observed_at)),
        ("not read", list(snapshot.remarks)),
        ("date unreadable", [repr(snapshot.unread_date)] if snapshot.unread_date else []),
    ]
    if previous is not None:
        results += [
            ("date missing", _dates_only_in(previous, snapshot)),
            ("rate jump", _rate_jumps(previous, snapshot)),
            ("pair missing", _pairs_only_in(previous, snapshot)),
            ("new pair", _pairs_only_in(snapshot, previous)),
            ("printed difference is not that of the rates", difference_mismatches(source, previous, snapshot)),
        ]
    results.append(("percentage inconsistent with the rate", _inconsistent_percentages(ticks)))
    text = "; ".join(f"{name}: {', '.join(places)}" for name, places in results if places)
    return one_line(text) if text else None


def _dates_far_ahead(snapshot: Snapshot, observed_at: datetime) -> list[str]:
    source_date = snapshot.source_date
    is_far = source_date is not None and source_date - observed_at.date() > MAX_AHEAD
    return [str(source_date)] if is_far else []


def _dates_only_in(previous: Snapshot, snapshot: Snapshot) -> list[str]:
    """The date of the last snapshot if this one prints none; one that is unreadable has been named."""
    is_gone = snapshot.source_date is None and snapshot.unread_date is None
    return [f"{previous.source_date} before"] if is_gone and previous.source_date else []


def _rate_jumps(previous: Snapshot, snapshot: Snapshot) -> list[str]:
    before = {printed.pair: printed for printed in previous.ticks}
    return [
        f"{printed.pair} {_rate_label(before[printed.pair])} -> {_rate_label(printed)}"
        for printed in snapshot.ticks
        if printed.pair in before and _is_jump(before[printed.pair], printed)
    ]


def _is_jump(before: PrintedTick, after: PrintedTick) -> bool:
    low, high = sorted(
        Fraction(read_recorded_rate(printed.rate_text).value) / printed.nominal for printed in (before, after)
    )
    return high >= JUMP_FACTOR * low


def _rate_label(printed: PrintedTick) -> str:
    return printed_text(printed.rate_text, printed.nominal)


def _pairs_only_in(snapshot: Snapshot, other: Snapshot) -> list[str]:
    known = {printed.pair for printed in other.ticks}
    return [printed.pair for printed in snapshot.ticks if printed.pair not in known]


def _inconsistent_percentages(ticks: Sequence[Tick]) -> list[str]:
    """Pairs whose printed percentage is not the change from any earlier rate to the printed one."""
    return [
        tick.pair
        for tick in ticks
        if tick.change_text is not None and previous_rate(tick.rate_text, tick.change_text) is None
    ]
