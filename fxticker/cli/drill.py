"""The command `drill`: runs the collector against simulated faults."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from fxticker.cli import completion
from fxticker.cli.formats import Format, Kind, kind_option

if TYPE_CHECKING:
    from fxticker.simulation.drill import DrillResult

_COLUMNS = ("fault", "what", "expected", "outcome", "ticks", "ms", "peak_kb", "verdict")


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.faults)
@kind_option
def drill(names: tuple[str, ...], kind: Kind) -> None:
    """Test how faults of network and site are recorded.

    A server on loopback produces each fault in turn, and the real client, parser and store meet it. No other server is
    contacted, and no existing store is changed. Exit 1 if a fault is not recorded as it must be.
    """
    from fxticker.cli.output import show
    from fxticker.cli.progress import tracked
    from fxticker.simulation.drill import drill as played
    from fxticker.simulation.faults import FAULTS

    unknown = sorted({*names} - {*FAULTS})
    if unknown:
        raise click.BadParameter(f"unknown fault {', '.join(unknown)}; known are {', '.join(FAULTS)}")
    faults = [FAULTS[name] for name in names or FAULTS]
    results = list(tracked(played(faults), "drilling", len(faults)))
    show([_row(result) for result in results], _COLUMNS, Format(kind, is_all=True))
    if any(result.problems for result in results):
        sys.exit(1)


def _row(result: DrillResult) -> dict[str, Any]:
    return {
        "fault": result.fault.name,
        "what": result.fault.what,
        "expected": " or ".join(result.fault.outcomes),
        "outcome": str(result.poll.outcome),
        "ticks": result.poll.ticks,
        "ms": round(1000 * result.took_s),
        "peak_kb": round(result.peak_bytes / 1000),
        "verdict": f"wrong: {'; '.join(result.problems)}" if result.problems else "as expected",
    }
