"""Completion: the values of closed lists that a shell offers for an option or argument."""

from __future__ import annotations


def sources(_context: object, _parameter: object, begin: str) -> list[str]:
    """Return the names of all sources that this installation knows, plug-ins included, that begin so."""
    from fxticker.sources.fixed import CONSTANTS
    from fxticker.sources.registry import known_sources

    return sorted(name for name in {*known_sources(), *CONSTANTS} if name.startswith(begin))


def outcomes(_context: object, _parameter: object, begin: str) -> list[str]:
    """Return the outcomes of a poll that begin so."""
    from fxticker.model.records import Outcome

    return [outcome for outcome in Outcome if outcome.startswith(begin)]


def faults(_context: object, _parameter: object, begin: str) -> list[str]:
    """Return the faults of the drill that begin so."""
    from fxticker.simulation.faults import FAULTS

    return [name for name in FAULTS if name.startswith(begin)]
