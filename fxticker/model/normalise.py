"""Normalisation: turns the printed ticks of a snapshot into checked ticks, with numbers beside their texts."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from fxticker.model.printed import read_change, read_rate
from fxticker.model.records import Origin, PrintedTick, Snapshot, Tick, TimeBasis


def normalise(
    snapshot: Snapshot,
    *,
    source: str,
    observed_at: datetime,
    time_basis: TimeBasis,
    origin: Origin,
    evidence: str | None = None,
) -> tuple[Tick, ...]:
    """Return the ticks of a snapshot, in its order.

    Parameters
    ----------
    snapshot
        What the source printed.
    source
        The source's id.
    observed_at
        When the source showed it, aware UTC.
    time_basis
        The evidence for `observed_at`.
    origin
        How the page was obtained.
    evidence
        Hash of the kept piece of the page; None if none is kept.

    Raises
    ------
    InvalidNumber
        If a text is no number in the form of its publisher, which parsing refuses.
    """
    return tuple(
        Tick(
            source=source,
            pair=printed.pair,
            observed_at=observed_at,
            time_basis=time_basis,
            rate=float(Fraction(read_rate(printed.rate_text, snapshot.decimal_mark).value) / printed.nominal),
            rate_text=printed.rate_text,
            nominal=printed.nominal,
            change_pct=_change_pct(printed),
            change_text=printed.change_text,
            source_date=snapshot.source_date,
            origin=origin,
            evidence=evidence,
        )
        for printed in snapshot.ticks
    )


def _change_pct(printed: PrintedTick) -> float | None:
    # read_change gives a zero without sign, so "-0%" becomes 0.0 here and keeps its minus in the text.
    return None if printed.change_text is None else float(read_change(printed.change_text).value)
