"""Verdicts in tables: what the printed digits say of each change, and nothing where there is no change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fxticker.analysis.hopping_leg import hopping_leg
from fxticker.cli.output import warn
from fxticker.model.pegs import pegs_of
from fxticker.model.verdicts import verdict

if TYPE_CHECKING:
    import pandas as pd

_FACTS = ("significant", "peg_hop", "several_values")
"""Columns of a drift that its verdict rests on, beside the change itself."""


class Verdict:
    """What the printed digits say of a change, in a table."""

    needs: tuple[str, ...] = ("pair", "drift_pct", *_FACTS)
    """The pair, its change, and the facts of its verdict."""

    def cells(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading; nothing where there is no change."""
        return {"verdict": None if row["drift_pct"] is None else verdict(row)}


class VerdictOfPeriod(Verdict):
    """The same of a change from close to close; where there is none, why."""

    needs = (*Verdict.needs, "from_at", "to_at", "reason")
    """Those of a verdict, the instants of the two closes, and why one does not count."""

    def cells(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading."""
        lacking = (
            "no close in it" if row["to_at"] is None else "first close in span" if row["from_at"] is None else None
        )
        return {"verdict": row["reason"] or lacking} if row["drift_pct"] is None else super().cells(row)


def tell_verdicts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return drifts whose verdicts are null where there is no drift; warn of cross rates that hop as one leg does."""
    changes = frame.loc[frame["drift_pct"].notna(), ["source", "pair"]].astype(str)
    for source, pair in changes.drop_duplicates().itertuples(index=False, name=None):
        if leg := hopping_leg(pair, source):
            warn(f"{pair} of {source}: a change may be a hop of {leg} around its peg, in part or as a whole")
    verdicts = {name: frame[name].astype(object).where(frame["drift_pct"].notna()) for name in _FACTS}
    return frame.assign(**verdicts)


def of_peg(pair: str, runs: pd.DataFrame) -> str:
    """Return how many changes of a pegged pair are hops, and how many led to a newer level; nothing if none."""
    hops, count = int(runs["peg_hop"].sum()), len(runs) - 1
    new = int((runs["significant"] & ~runs["peg_hop"]).sum()) if pegs_of(pair) else 0
    parts = [f"{hops} of {count} changes are peg hops, which are no moves of the rate"] if hops else []
    parts += [f"{new} of {count} to levels not on record in the year before: the supplier's, or a move"] if new else []
    return "; ".join(parts)
