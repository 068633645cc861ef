"""The command line: one thin command per function of the package."""

from __future__ import annotations

from typing import Annotated

import typer

import fxticker
from fxticker.cli import (
    analysing,
    backfilling,
    collecting,
    demonstrating,
    drilling,
    plotting,
    reading,
    running,
    serving,
    watching,
)
from fxticker.failing import failing_by_name

app = typer.Typer(
    name="fxticker",
    help="Record the Central Asian FX ticker for years without lying.",
    epilog="Times are UTC. Exit codes: 0 good, 1 a named failure, 2 usage, 130 interrupted (`run` ends with 0).",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,  # noqa: FBT002
) -> None:
    if version:
        print(f"fxticker {fxticker.__version__}")
        raise typer.Exit


app.command("run")(running.run)
app.command("snapshot")(collecting.snapshot)
app.command("import")(collecting.import_)
app.command("backfill")(backfilling.backfill)
app.command("latest")(reading.latest)
app.command("history")(reading.history)
app.command("quotes")(analysing.quotes)
app.command("drift")(analysing.drift)
app.command("drift-series")(analysing.drift_series)
app.command("drift-by-period")(analysing.drift_by_period)
app.command("changes")(analysing.changes)
app.command("decode")(analysing.decode)
app.command("resample")(analysing.resample)
app.command("peg")(analysing.peg)
app.command("convert")(analysing.convert)
app.command("compare")(analysing.compare)
app.command("best")(analysing.best)
app.command("gaps")(watching.gaps)
app.command("coverage")(analysing.coverage)
app.command("polls")(watching.polls)
app.command("status")(watching.status)
app.command("check")(reading.check)
app.command("export")(reading.export)
app.add_typer(plotting.app, name="plot")
app.add_typer(serving.app, name="service")
app.command("drill")(drilling.drill)
app.command("demo")(demonstrating.demo)


def main() -> None:
    """Run the command line; every failure that has a name is one line on stderr and exit code 1."""
    failing_by_name(lambda: app(prog_name="fxticker"))
