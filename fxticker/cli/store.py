"""Commands that read the store: latest, history, check."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from fxticker.cli.forget import in_words
from fxticker.cli.formats import Format, interval
from fxticker.cli.left_out import warn_turned
from fxticker.cli.options import max_age, queried, stored
from fxticker.errors import NoData, SegmentUnreadable, one_line
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from fxticker.store.location import Location


@click.command()
@click.option(
    "--max-age", callback=max_age, help="Print no figures of ticks older than this, as 12h; default: mark stale ones."
)
@click.option(
    "--watch",
    is_flag=False,
    flag_value="10s",
    callback=interval,
    metavar="[EVERY]",
    help="Print again every 10s, or as given, until Ctrl-C.",
)
@queried("pairs", "sources", "as_of", "tz")
def latest(max_age: str | None, watch: float | None, folder: Location, selection: Selection, form: Format) -> None:
    """Print the last tick of each pair, and its age.

    Ticks are marked as stale if they are older than their source allows: two days for the ticker.
    """
    from fxticker.cli.columns import Printed
    from fxticker.cli.output import show
    from fxticker.cli.zones import rows_in_zone
    from fxticker.frames.latest import AGE_COLUMNS, latest_records
    from fxticker.frames.now_and_zone import zone_of
    from fxticker.model.durations import age_text
    from fxticker.store.store import opened

    facts = ["change_text", "source_date", "observed_at", "time_basis", "origin"]
    # all that an import needs, and the number per one unit
    fields = ["source", "pair", "rate_text", *facts, "nominal", *AGE_COLUMNS, "rate"]

    def print_now() -> None:
        rows = rows_in_zone(latest_records(opened(folder), selection, max_age), zone_of(selection.tz))
        for row in rows:
            row["age"] = age_text(timedelta(hours=row["age_h"])) + (", stale" if row["stale"] else "")
        show(rows, ["source", "pair", Printed(), "change_text", "observed_at", "age"], form, fields=fields)

    if watch is None:
        print_now()
        warn_turned(folder, selection)
        return
    if form.kind != "table":
        raise click.UsageError("--watch prints tables; it excludes --format csv and json")
    from fxticker.cli.watch import repeat

    repeat(print_now, every_s=watch)


@click.command()
@queried("pairs", "sources", "start", "end", "as_of", "tz")
def history(folder: Location, selection: Selection, form: Format) -> None:
    """Print stored ticks with their bands."""
    from fxticker.cli.columns import Columns, Printed, Value
    from fxticker.cli.output import show_frame
    from fxticker.frames.load import load

    frame = load(folder, bands=True, **selection.given())
    if frame.empty:
        raise NoData("no stored tick matches")
    columns = ["observed_at", "source", "pair", "rate_text", "change_text", "rate_lo", "rate_hi"]
    columns += ["source_date", "origin", "time_basis", "nominal", "rate"]  # all that an import needs, and more
    shown: Columns = [
        "observed_at",
        "source",
        "pair",
        Printed(),
        "change_text",
        Value("rate", ("rate_lo", "rate_hi"), band="rate_band", shows_value=False),
        "origin",
    ]
    show_frame(frame[columns], shown, form)
    warn_turned(folder, selection)


@click.command()
@stored
@click.option(
    "--quarantine", is_flag=True, help="Move files that cannot be read aside, each with a note of what is lost."
)
@click.option(
    "--rewrite", is_flag=True, help="Bring files of earlier versions to the present codec. No daemon may run."
)
def check(folder: Location, quarantine: bool, rewrite: bool) -> None:  # noqa: FBT001
    """Read every file of the store and report damage.

    Rows that are ahead of now are reported, too. Exit 1 if such rows or damage are found or remain. Rows of the past
    that a clock recorded while it was ahead are named. Without --quarantine and --rewrite nothing is changed.
    """
    from fxticker.cli.output import warn
    from fxticker.cli.rewrite import print_outdated, require_no_daemon, rewrite_segments
    from fxticker.store.ahead import CORRECTED, rows_ahead, summed
    from fxticker.store.check import QUARANTINE, Moved
    from fxticker.store.evidence import EVIDENCE, missing_evidence
    from fxticker.store.recorded_ahead import recorded_ahead
    from fxticker.store.store import opened

    found = opened(folder)
    if rewrite:
        require_no_daemon(found)
    for moved in found.quarantine() if quarantine else []:
        if isinstance(moved, Moved):
            print(f"moved {one_line(moved.name)} to {one_line(moved.to)}; lost: {one_line(moved.lost)}")
        else:
            warn(moved)
    left = rewrite_segments(found) if rewrite else []
    problems = found.check()
    for problem in problems:
        warn(problem)
    ahead = []
    with suppress(SegmentUnreadable):  # it is among the problems
        now = datetime.now(UTC) + CORRECTED
        ahead = summed(rows_ahead(found, now))
        for item in ahead:
            warn(f"{item.name}: {in_words(item)} are ahead of this machine's clock; `fxticker forget` removes them")
        for rows in recorded_ahead(found, now):
            warn(rows)
    if not quarantine and any(problem.in_the_way for problem in problems):
        warn("`fxticker check --quarantine` moves what cannot be read aside")
    if problems or ahead or left:
        sys.exit(1)
    files = sum(len(found.backend.list(folder)) for folder in (*(table.spec.name for table in found.tables), EVIDENCE))
    aside = sum(not item.name.endswith(".json") for item in found.backend.list(QUARANTINE))
    print(f"files read: {files}, no damage" + (f"; in quarantine: {aside}" if aside else ""))
    if missing := missing_evidence(found.ticks, found.evidence):
        print(f"pieces of evidence that ticks name and that are no longer kept: {missing}")
    print_outdated(found)
