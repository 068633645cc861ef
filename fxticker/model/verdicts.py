"""Verdicts: what the printed digits say of a change, and why one is not proven, in the same words everywhere."""

from __future__ import annotations

from typing import Any, Protocol

from fxticker.model.pegs import pegs_of

MORE, HOP, NEWER = "more than rounding", "peg hop", "newer level"
"""Of a change that the printed digits prove."""
WITHIN, SEVERAL, NONE = "within rounding", "several values a day", "equal at both ends"
"""Of one that they do not prove."""


class Row(Protocol):
    """A row of a frame, or a mapping."""

    def __getitem__(self, name: str) -> Any:
        """Return the value of a column."""

    def get(self, name: str) -> Any:
        """Return the value of a column; ``None`` if there is none."""


def verdict(change: Row) -> str:
    """Return the verdict on a change.

    Parameters
    ----------
    change
        A row of `fxticker.drift` and its kin: ``pair``, ``drift_pct``, ``significant``, ``peg_hop`` and, if it may be
        true, ``several_values``. A proven change of a pair with a peg is a hop, between two levels that are shown in
        turn, or to a newer level, which was first shown after that of the start: the supplier's, or a move.
    """
    if change["significant"]:
        return HOP if change["peg_hop"] else NEWER if pegs_of(str(change["pair"])) else MORE
    if change.get("several_values"):
        return SEVERAL
    return WITHIN if change["drift_pct"] else NONE


def open_changes(what: str, *, rounding: bool, several_values: bool, hops: bool = False) -> str:
    """Return why changes are not proven, as a sentence without an end, given which of these could be the reason.

    Parameters
    ----------
    what
        The changes, as ``the change of the tenge``.
    rounding, several_values, hops
        Whether rounding alone could explain one, one depends on which of several values of a date was the last, and one
        is a peg hop. At least one of them.
    """
    reasons = [
        *(["rounding"] if rounding else []),
        *(["several values of one date"] if several_values else []),
        *(["peg hops"] if hops else []),
    ]
    *others, last = reasons
    subject = f"{', '.join(others)} and {last}" if others else last
    sentence = f"{subject} leave {what} open" if several_values else f"{subject} could explain {what}"
    return sentence[0].upper() + sentence[1:]


def unproven(what: str, *, rounding: bool, several_values: bool) -> str:
    """Return what an unproven change rests on, as part of a legend: ``rounding alone could explain it``."""
    reasons = [
        *([f"rounding alone could explain {what}"] if rounding else []),
        *(["the order of several values of one date, which is not known, decides it"] if several_values else []),
    ]
    return ", or ".join(reasons)
