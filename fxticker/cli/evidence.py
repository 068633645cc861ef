"""Commands on evidence: evidence, reparse."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from fxticker.cli.formats import Format, Kind, kind_option
from fxticker.cli.options import past, selected, stored
from fxticker.errors import NoData, one_line
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from fxticker.backfill.reparse import ReparseSummary
    from fxticker.model.days import Lookup
    from fxticker.store.location import Location
    from fxticker.store.store import Store

_COLUMNS = ("source", "observed_at", "pair", "stored", "read_now", "effect")


@click.command()
@click.option("--at", required=True, callback=past, help="The instant; a day means its end.")
@stored
@selected("sources")
def evidence(at: str, folder: Location, selection: Selection) -> None:
    """Show the piece of page that ticks were read from.

    The ticks are the last ones by an instant, however old; their age is shown. Control and direction characters are
    shown as escapes. Exit 1 if no evidence is kept of any of them.
    """
    from fxticker.analysis.first_tick import first_after
    from fxticker.model.days import lookup
    from fxticker.store.store import opened

    store = opened(folder)
    by = lookup(at, datetime.now(UTC))
    shown = [_show_evidence(store, rows, by) for rows in _rows_in_force(store, by, selection.sources)]
    if not shown:
        of_sources = f" of {', '.join(selection.sources)}" if selection.sources else ""
        first_one = first_after(store, by, selection)
        raise NoData(f"no tick{of_sources} is in force at {at}{first_one}")
    if not any(shown):
        raise NoData(f"no evidence is kept of ticks in force at {at}")


@click.command()
@click.option("--since", callback=past, help="Only ticks observed on or after this day, or at or after this instant.")
@click.option("--write", is_flag=True, help="Store corrections, and retract what is read otherwise or refused.")
@stored
@kind_option
def reparse(since: str | None, write: bool, folder: Location, kind: Kind) -> None:  # noqa: FBT001
    """Print what the present parsers read otherwise.

    They read all kept evidence, and the rejected pages.

    With --write, corrections become new rows at the same instants, and rows that are read otherwise or refused are
    retracted; `--as-of` still shows them as known before. No outcome changes. Exit 1 if there are differences, or with
    --write if some remain.
    """
    from fxticker.backfill.reparse import reparse as reparse_store
    from fxticker.cli.output import show, warn
    from fxticker.model.days import start_of
    from fxticker.store.store import opened

    begin = None if since is None else start_of(since, datetime.now(UTC))
    found = reparse_store(opened(folder), since=begin, write=write)
    rows = [{name: getattr(difference, name) for name in _COLUMNS} for difference in found.differences]
    texts = [{**row, "read_now": one_line(row["read_now"])} for row in rows]
    if texts or kind != "table":
        show(texts, _COLUMNS, Format(kind, is_all=True))
    print(_totals(found, write=write), file=sys.stdout if kind == "table" else sys.stderr)
    for problem in found.problems:
        warn(problem)
    if found.problems or (found.unwritable if write else found.differences):
        sys.exit(1)


def _totals(found: ReparseSummary, *, write: bool) -> str:
    parts = [f"{found.pieces} pieces of evidence read: {len(found.differences)} differences"]
    if found.unwritable:
        parts.append(f"{found.unwritable} of them in dates or nominals, which cannot be written")
    if found.missing_evidence:
        parts.append(f"{found.missing_evidence} pieces that ticks name are no longer kept")
    if write:
        parts.append(f"{found.added} rows added, {found.retracted} retracted, {found.restored} restored")
    return "; ".join(parts)


def _rows_in_force(store: Store, by: Lookup, sources: Sequence[str] | None) -> Iterator[list[dict[str, Any]]]:
    """The last ticks of each source at an instant, by source, instant and evidence."""
    from itertools import groupby

    from fxticker.store.arrow import records_of
    from fxticker.store.read_last import read_last

    retracted = store.retracted(sources=sources)
    for source in store.ticks.sources() if sources is None else sorted({*sources}):
        table = read_last(store.ticks, source, upto=by.upto, dated_upto=by.dated_upto, retracted=retracted)
        rows = [] if table is None else records_of(table)
        rows.sort(key=lambda row: (row["observed_at"], row["evidence"] or "", row["pair"]))
        for _, members in groupby(rows, key=lambda row: (row["observed_at"], row["evidence"])):
            yield list(members)


def _when(row: Mapping[str, Any], by: Lookup) -> str:
    """Return when a tick was observed, and how old it is at a lookup; a date counts from its end."""
    from fxticker.model.durations import age_text

    observed_at, is_date = row["observed_at"], row["time_basis"] == TimeBasis.DATE
    age = max(by.upto - observed_at - timedelta(days=is_date), timedelta(0))
    when = f"on {observed_at:%Y-%m-%d}" if is_date else f"at {observed_at.isoformat().replace('+00:00', 'Z')}"
    return f"{when}, {age_text(age)} old"


def _show_evidence(store: Store, rows: Sequence[Mapping[str, Any]], by: Lookup) -> bool:
    """Print the evidence that some ticks share; whether any is kept."""
    from fxticker.cli.output import terminal_text
    from fxticker.model.formatting import printed_text
    from fxticker.sources.html import decode

    first = rows[0]
    texts = (
        " ".join(filter(None, (row["pair"], "=", printed_text(row["rate_text"], row["nominal"]), row["change_text"])))
        for row in rows
    )
    print(one_line(f"{first['source']} {_when(first, by)}: {', '.join(texts)}"))
    if first["evidence"] is None:
        print("  no evidence was kept\n")
        return False
    names = {name.sha256: name for name in store.evidence.names(first["source"])}
    if first["evidence"] not in names:
        print(f"  evidence {one_line(first['evidence'])} is no longer kept\n")
        return False
    piece = store.evidence.read(names[first["evidence"]])
    print(f"  evidence {first['evidence']}")
    print(f"  {piece.media_type or 'no media type'}, {piece.charset or 'no charset'}, {len(piece.body)} bytes\n")
    print(terminal_text(decode(piece.body, piece.headers)), end="\n\n")
    return True
