"""Command that writes rates of the store to a file of another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli.options import selected, stored
from fxticker.cli.output import warn
from fxticker.cli.target import STANDARD_OUTPUT, opened_target
from fxticker.export.formats import FORMATS, PRICES, FileForm, Format, write_lines, write_tables
from fxticker.model.formatting import short_text
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    import pandas as pd

    from fxticker.analysis.periods import Freq
    from fxticker.store.location import Location


@click.command()
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--wide", is_flag=True, help="A column per pair, with rates per one unit.")
@click.option(
    "--every", type=click.Choice(["hour", "day", "week", "month"]), help="Open, high, low and close; --wide: close."
)
@click.option("--sheet-per-pair", is_flag=True, help="In .xlsx a sheet for each pair.")
@click.option("--decimal-comma", is_flag=True, help="In .csv decimal commas, and semicolons between fields.")
@click.option("--format", "given", type=click.Choice(FORMATS), help="The format, where the ending does not name it.")
@stored
@selected("any_pairs", "sources", "start", "end", "as_of", "tz")
def export(
    file: str,
    wide: bool,  # noqa: FBT001
    every: Freq | None,
    sheet_per_pair: bool,  # noqa: FBT001
    decimal_comma: bool,  # noqa: FBT001
    given: Format | None,
    folder: Location,
    selection: Selection,
) -> None:
    """Write rates to FILE, in the format of its ending.

    .csv, .json and .parquet hold ticks with their bands; so do .xlsx (Excel; needs fxticker[excel]) and .sqlite, which
    has the polls, too. .ledger, .journal and .beancount hold a price line for each day. .gz compresses text. FILE may
    be -, standard output, as CSV or in the --format. A file is replaced as a whole, or stays as it was.
    """
    form = _form(file, given)
    _require_fitting(form, wide=wide, every=every, sheets=sheet_per_pair, decimal_comma=decimal_comma)
    if form.format in PRICES:
        _export_prices(file, folder, selection, form)
        return
    tables = _tables(folder, selection, form, wide=wide, every=every)
    if form.format == "sqlite" and file != STANDARD_OUTPUT:
        from fxticker.export.sqlite import require_replaceable

        require_replaceable(Path(file), tables)
    with opened_target(file) as stream:
        by = "pair" if sheet_per_pair else None
        write_tables(tables, stream, form, decimal_comma=decimal_comma, sheet_by=by)
    _report(file, ", ".join(f"{len(frame)} {name}" for name, frame in tables.items()))


def _export_prices(file: str, folder: Location, selection: Selection, form: FileForm) -> None:
    from fxticker.export.prices import price_lines
    from fxticker.export.tables import periods_table

    lines = list(price_lines(periods_table(folder, selection, "day"), form.format))
    with opened_target(file) as stream:
        write_lines(lines, stream, form)
    _report(file, f"{len(lines) - 1} prices")


def _tables(
    folder: Location, selection: Selection, form: FileForm, *, wide: bool, every: Freq | None
) -> dict[str, pd.DataFrame]:
    from fxticker.export.tables import one_each, periods_table, polls_table, ticks_table, wide_closes, wide_rates

    if every is not None:
        periods = periods_table(folder, selection, every)
        rows = wide_closes(periods) if wide else periods
        if wide:
            _warn_wide_bands(periods, "close_lo", "close_hi")
        _warn_not_whole(rows, elsewhere="; without --wide the file has close_at, too" if wide else "")
        return {"rows": rows}
    if wide:
        rates = one_each(folder, selection)
        table = wide_rates(rates)
        _warn_wide_bands(rates, "rate_lo", "rate_hi")
        return {"rows": table}
    tables = {"rows": ticks_table(folder, selection)}
    if form.format == "sqlite":
        return {"ticks": tables["rows"], "polls": polls_table(folder, selection)}
    return tables


def _warn_wide_bands(rows: pd.DataFrame, lo: str, hi: str) -> None:
    """Print on standard error which pairs have digits that say little, whose bands a wide table does not have."""
    from fxticker.export.tables import widest_bands

    if found := widest_bands(rows, lo, hi):
        widths = ", ".join(f"{pair} up to {short_text(width)} %" for pair, width in found.items())
        warn(f"width of bands by the printed digits: {widths}; without --wide the file has them, as {lo} and {hi}")


def _warn_not_whole(rows: pd.DataFrame, *, elsewhere: str) -> None:
    """Print on standard error how many periods are not whole, and what other table has more of them."""
    whole = rows["whole"]
    if not whole.fillna(value=False).all():
        counts = {"are not whole": (~whole).sum(), "are not known to be whole": whole.isna().sum()}
        partly = ", ".join(f"{count} of {len(whole)} rows {what}" for what, count in counts.items() if count)
        warn(f"{partly}; the column whole says which{elsewhere}")


def _form(file: str, given: Format | None) -> FileForm:
    if file == STANDARD_OUTPUT:
        return FileForm(given or "csv")
    try:
        return FileForm.of(file, given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _require_fitting(form: FileForm, *, wide: bool, every: Freq | None, sheets: bool, decimal_comma: bool) -> None:
    """Refuse, as wrong usage, options that the format would ignore."""
    is_price = form.format in PRICES
    wrong = {
        "--wide": wide and is_price,
        "--every": every is not None and is_price,
        "--sheet-per-pair": sheets and (form.format != "xlsx" or wide),
        "--decimal-comma": decimal_comma and form.format != "csv",
    }
    if names := [name for name, is_wrong in wrong.items() if is_wrong]:
        hint = "; a spreadsheet shows the decimal mark of its reader" if names[-1:] == ["--decimal-comma"] else ""
        hint = hint if form.format == "xlsx" else ""
        raise click.UsageError(f"{', '.join(names)}: not with {form.format}{' and --wide' if wide else ''}{hint}")


def _report(file: str, what: str) -> None:
    if file != STANDARD_OUTPUT:
        print(f"{file}: {what}")
