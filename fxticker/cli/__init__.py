"""The command line: one thin command per function of the package."""

from __future__ import annotations

from typing import Annotated

import typer

import fxticker
from fxticker.cli import (
    analysis,
    backfill,
    demo,
    drill,
    plot,
    run,
    service,
    snapshot,
    status,
    store,
)
from fxticker.daemon.exit import exit_on_error

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


app.command("run")(run.run)
app.command("snapshot")(snapshot.snapshot)
app.command("import")(snapshot.import_)
app.command("backfill")(backfill.backfill)
app.command("latest")(store.latest)
app.command("history")(store.history)
app.command("quotes")(analysis.quotes)
app.command("drift")(analysis.drift)
app.command("drift-series")(analysis.drift_series)
app.command("drift-by-period")(analysis.drift_by_period)
app.command("changes")(analysis.changes)
app.command("decode")(analysis.decode)
app.command("resample")(analysis.resample)
app.command("peg")(analysis.peg)
app.command("convert")(analysis.convert)
app.command("compare")(analysis.compare)
app.command("best")(analysis.best)
app.command("gaps")(status.gaps)
app.command("coverage")(analysis.coverage)
app.command("polls")(status.polls)
app.command("status")(status.status)
app.command("check")(store.check)
app.command("export")(store.export)
app.add_typer(plot.app, name="plot")
app.add_typer(service.app, name="service")
app.command("drill")(drill.drill)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line; every failure that has a name is one line on stderr and exit code 1."""
    exit_on_error(lambda: app(prog_name="fxticker"))
