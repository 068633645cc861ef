"""The command `report`: writes a page about a month."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from fxticker.cli.options import selected, stored, zone_in
from fxticker.cli.target import STANDARD_OUTPUT, opened_target
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from fxticker.store.location import Location


def _month(context: click.Context, _option: object, text: str) -> str:
    """Refuse, as wrong usage, a text that is no month, or one that begins later than now."""
    from fxticker.report.period import period_of

    try:
        period_of(text, datetime.now(UTC), zone_in(context))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return text


@click.command()
@click.option("--month", required=True, callback=_month, help="The month, as 2025-12; one that runs is cut at now.")
@click.option(
    "-o", "--output", type=click.Path(allow_dash=True), required=True, help="FILE.html, or - for standard output."
)
@stored
@selected("as_of", "tz")
def report(month: str, output: str, folder: Location, selection: Selection) -> None:
    """Write a page about a month.

    Rates, changes, official rates, gaps, ages and limits. It is one HTML file without scripts that loads nothing and
    prints on A4; a browser's print makes a PDF. Its last line is the command that makes it again later, with --as-of.
    """
    from fxticker.charts.settings import use_default_epoch
    from fxticker.report.monthly import monthly_report

    use_default_epoch()
    page = monthly_report(folder, month, **selection.given())
    with opened_target(output) as file:
        file.write(page.encode("utf-8"))
    if output != STANDARD_OUTPUT:
        print(output)
