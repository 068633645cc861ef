"""Commands that read the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fxticker.cli.options import (
    AsOf,
    Config,
    End,
    Format,
    Formatted,
    Pairs,
    Sources,
    Start,
    StoreFolder,
    selection,
    store_folder,
)
from fxticker.errors import NoData, one_line


def latest(
    config: Config = None, store: StoreFolder = None, sources: Sources = None, form: Formatted = Format.TABLE
) -> None:
    """Print the last tick of each pair."""
    from fxticker.cli.output import show
    from fxticker.frames.load import latest_table
    from fxticker.store.arrow import records_of
    from fxticker.store.store import opened

    table = latest_table(opened(store_folder(config, store)), **selection(sources=sources))
    columns = ["source", "pair", "rate_text", "change_text", "source_date", "observed_at", "time_basis", "origin"]
    show(records_of(table.select(columns)), columns, form)


def history(
    config: Config = None,
    store: StoreFolder = None,
    pairs: Pairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print stored ticks with their bands."""
    from fxticker.cli.output import show
    from fxticker.frames.load import load

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    frame = load(store_folder(config, store), bands=True, **chosen)
    if frame.empty:
        raise NoData("no stored tick matches")
    columns = [
        "observed_at",
        "source",
        "pair",
        "rate_text",
        "change_text",
        "rate_lo",
        "rate_hi",
        "source_date",
        "origin",
    ]
    if form is Format.TABLE:
        columns.remove("source_date")  # the table has room for 80 characters
    show(frame[columns].to_dict("records"), columns, form)


def check(
    config: Config = None,
    store: StoreFolder = None,
    quarantine: Annotated[  # noqa: FBT002  a flag of the command line
        bool,
        typer.Option("--quarantine", help="Move files that cannot be read aside, each with a note of what is lost."),
    ] = False,
) -> None:
    """Read every file of the store whole and name what is wrong.

    Exit 1 if anything is, or stays, wrong. Without --quarantine nothing is changed.
    """
    from fxticker.store.check import QUARANTINE, Moved
    from fxticker.store.store import opened

    found = opened(store_folder(config, store))
    for moved in found.quarantine() if quarantine else []:
        if isinstance(moved, Moved):
            print(f"moved {one_line(moved.name)} to {one_line(moved.to)}; lost: {one_line(moved.lost)}")
        else:
            print(f"fxticker: {one_line(moved)}", file=sys.stderr)
    problems = found.check()
    for problem in problems:
        print(f"fxticker: {one_line(problem)}", file=sys.stderr)
    if not quarantine and any(problem.in_the_way for problem in problems):
        print("fxticker: `fxticker check --quarantine` moves what cannot be read aside", file=sys.stderr)
    if problems:
        raise typer.Exit(1)
    files = sum(len(found.medium.list(table.spec.name)) for table in (found.ticks, found.polls))
    aside = sum(not item.name.endswith(".json") for item in found.medium.list(QUARANTINE))
    print(f"files read: {files}, all sound" + (f"; in quarantine: {aside}" if aside else ""))


def export(
    file: Annotated[Path, typer.Argument(help="What to write: FILE.csv, FILE.json or FILE.parquet.")],
    config: Config = None,
    store: StoreFolder = None,
    pairs: Pairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
) -> None:
    """Write ticks with their bands to a file."""
    from fxticker.frames.load import load

    kind = file.suffix.lower()
    if kind not in (".csv", ".json", ".parquet"):
        raise typer.BadParameter(f"{file}: the ending must be .csv, .json or .parquet")
    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    frame = load(store_folder(config, store), bands=True, **chosen)
    if frame.empty:
        raise NoData("no stored tick matches")
    as_text = frame.assign(source_date=frame["source_date"].dt.strftime("%Y-%m-%d"))
    if kind == ".parquet":
        frame.to_parquet(file, index=False, write_page_checksum=True)
    elif kind == ".csv":
        as_text.to_csv(file, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        as_text.to_json(file, orient="records", date_format="iso", date_unit="us", indent=1, double_precision=15)
    print(f"{file}: {len(frame)} rows")
