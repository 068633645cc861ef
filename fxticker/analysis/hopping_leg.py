"""Hopping leg: whether a cross rate takes part in the hops of a pegged currency.

A hop of the pegged leg is a proven change of the cross rate, and no move of it. It is not told apart from a move of the
other leg: it is said that there may be hops.
"""

from __future__ import annotations

from fxticker.model.pegs import pegged_leg
from fxticker.sources.rate_order import is_market


def hopping_leg(pair: str, source: str) -> str | None:
    """Return the pegged currency of a cross rate by a market source, whose supplier shows it on several levels.

    Parameters
    ----------
    pair
        Any pair.
    source
        Its source; of a cross rate of two sources both, ``timesca+nbk``. Central banks print no hops.
    """
    code = pegged_leg(pair)
    return code if code is not None and is_market(source) else None
