"""The command `backfill`: stores past rates from a source's own history or from web archives."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli import completion
from fxticker.cli.options import config_option, selected, settings, store_option
from fxticker.cli.progress import counting
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from fxticker.backfill.archive_summary import ArchiveSummary
    from fxticker.backfill.history_summary import BackfillSummary
    from fxticker.config import Settings
    from fxticker.sources.source import Source
    from fxticker.store.location import Location
    from fxticker.store.store import Store

_REMARKS_TOLD = 20
"""Days with remarks that are named one by one."""


@click.command()
@click.argument("source", shell_complete=completion.sources)
@selected("start", "end")
@click.option("--from-archive", is_flag=True, help="Captures of the source's pages in a web archive.")
@click.option(
    "--archive",
    type=click.Choice(["wayback", "commoncrawl", "commoncrawl-columnar"]),
    default="wayback",
    help="Which archive; columnar: found in the Parquet files of the index, without its server.",
)
@config_option
@store_option
def backfill(
    source: str,
    selection: Selection,
    from_archive: bool,  # noqa: FBT001
    archive: str,
    config: Path | None,
    store: Location | None,
) -> None:
    """Store past rates from a source's history or web archives.

    Only missing data is requested, with pauses. An interrupted run can be repeated and continues. Exit 1 if some data
    could not be fetched.
    """
    from fxticker.sources.fixed import CONSTANTS
    from fxticker.sources.registry import known_sources
    from fxticker.store.store import Store

    if source not in known_sources() and source not in CONSTANTS:
        known = sorted([*known_sources(), *CONSTANTS])
        raise click.BadParameter(f"unknown source {source}; known are {', '.join(known)}")
    configured = settings(config)
    opened = Store(store if store is not None else configured.store.path)
    if source in CONSTANTS:
        if selection.given() or from_archive:
            raise click.BadParameter(f"{source} is a fixed rate: it is stored whole, and nothing is requested")
        _constant(source, opened)
        return
    asked = known_sources()[source]
    if from_archive and "text/html" not in asked.media_types:
        raise click.BadParameter(f"{source} is not read from pages, and archives keep nothing else")
    if not from_archive and asked.history is None:
        raise click.BadParameter(f"{source} publishes no past days; --from-archive looks in web archives")
    span = _span(selection)
    with _stopping_as_interrupted():
        if from_archive:
            is_whole = _from_archive(asked, archive, span, configured, opened)
        else:
            is_whole = _from_history(asked, span, configured, opened)
    if not is_whole:
        sys.exit(1)


def _constant(source: str, store: Store) -> None:
    from fxticker.backfill.bank_history import store_constant
    from fxticker.sources.fixed import CONSTANTS

    constant = CONSTANTS[source]
    appended = store_constant(constant, store)
    print(
        f"{source}: {constant.pair} = {constant.rate_text} since {constant.since}: {appended.added} rows added, "
        f"{appended.known} already there"
    )


def _from_history(source: Source, span: tuple[date | None, date], configured: Settings, store: Store) -> bool:
    from fxticker.backfill.bank_history import backfill as fill
    from fxticker.backfill.history_summary import BackfillSummary
    from fxticker.config import SourceSettings
    from fxticker.fetch.robots import RobotsFetcher

    asked = configured.sources.get(source.id, SourceSettings()).schedule(source.id).source
    history = asked.history
    if history is None:
        raise AssertionError("a source is planned as it is known")
    first, last = span
    if last < history.since:
        raise click.BadParameter(f"{source.id} has no day before {history.since}")
    summary = BackfillSummary()
    try:
        with configured.http.fetcher() as client, counting(source.id) as progress:
            fill(
                asked,
                history,
                first=first or history.since,
                last=last,
                fetch=RobotsFetcher(client),
                store=store,
                progress=progress,
                summary=summary,
            )
    finally:  # what was stored is stored, whatever broke the rest off
        _tell_days(source.id, summary)
    return summary.stopped is None and not summary.refused


def _from_archive(
    source: Source, name: str, span: tuple[date | None, date], configured: Settings, store: Store
) -> bool:
    from fxticker.backfill.archive import FIRST_DAY, Archive, backfill_from_archive
    from fxticker.backfill.archive_summary import ArchiveSummary
    from fxticker.backfill.commoncrawl import CommonCrawl
    from fxticker.backfill.response_cache import ResponseCache
    from fxticker.backfill.wayback import Wayback
    from fxticker.fetch.throttle import Throttle
    from fxticker.model.clock import SystemClock

    roots, max_bytes = configured.archives, configured.http.max_bytes
    first, last = span
    summary = ArchiveSummary()
    try:
        with configured.http.fetcher() as client, counting(name) as progress:
            archive: Archive
            if name == "wayback":
                archive = Wayback(roots.wayback, fetcher=client, throttle=Throttle(), max_bytes=max_bytes)
            else:
                archive = CommonCrawl(
                    roots.commoncrawl_index,
                    roots.commoncrawl_data,
                    fetcher=client,
                    throttle=Throttle(),
                    max_bytes=max_bytes,
                    cache=ResponseCache(store.backend, CommonCrawl.id, SystemClock()),
                    is_columnar=name != CommonCrawl.id,
                )
            backfill_from_archive(
                source, archive, first=first or FIRST_DAY, last=last, store=store, progress=progress, summary=summary
            )
    finally:
        _tell_captures(name, summary)
    return summary.is_whole


@contextmanager
def _stopping_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end what is under way as an interrupt does: what came is stored, and told of."""
    before = signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _span(selection: Selection) -> tuple[date | None, date]:
    """First day, null if not said, and last; without an end, today, whose figures a bank may have fixed yesterday."""
    from fxticker.model.clock import SystemClock
    from fxticker.model.days import span_of
    from fxticker.model.timestamps import MICROSECOND

    now = SystemClock().now()
    start, end = span_of(selection.start, selection.end, now)
    first = None if start is None else start.date()
    last = now.date() if end is None else (end - MICROSECOND).date()
    if first is not None and first > last:
        raise click.BadParameter(f"no day lies between {selection.start} and {selection.end}")
    return first, last


def _tell_days(source: str, summary: BackfillSummary) -> None:
    from fxticker.cli.output import warn

    for span, reason in summary.refused:
        warn(f"{source} {span}: {reason}")
    for day, remark in summary.remarks[:_REMARKS_TOLD]:
        warn(f"{source} {day}: {remark}; stored as printed")
    if len(summary.remarks) > _REMARKS_TOLD:
        warn(f"{source}: {len(summary.remarks) - _REMARKS_TOLD} more days like that")
    if summary.stopped is not None:
        warn(f"{source}: stopped: {summary.stopped}; what came is stored; repeat the command to continue")
    print(
        f"{source}: {summary.days} days, {summary.known} known before; {summary.requests} requests: "
        f"{summary.filled} days filled, {summary.absent} the source does not have, {len(summary.refused)} answers "
        f"refused; {summary.added} rows added, {summary.already} already there"
    )


def _tell_captures(archive: str, summary: ArchiveSummary) -> None:
    from fxticker.cli.output import warn

    for capture, reason in summary.named:
        warn(f"{archive} {capture}: {reason}")
    for row in summary.named_rows:
        warn(f"{archive}: left out of the index: {row}")
    if summary.bad_rows > len(summary.named_rows):
        warn(f"{archive}: {summary.bad_rows - len(summary.named_rows)} more malformed rows are left out")
    if summary.refused > len(summary.named):
        warn(f"{archive}: {summary.refused - len(summary.named)} more captures could not be fetched")
    if summary.stopped is not None:
        warn(f"{archive}: stopped: {summary.stopped}; what came is stored; repeat the command to continue")
    revisits = f" ({summary.revisits} of an unchanged page)" if summary.revisits else ""
    bad_rows = f", {summary.bad_rows} malformed rows left out" if summary.bad_rows else ""
    print(
        f"{archive}: {summary.listed} captures listed, {summary.known} known before; {summary.requests} requests: "
        f"{summary.read} captures read{revisits}, {summary.empty} without a ticker, {summary.refused} refused"
        f"{bad_rows}; {summary.added} rows added, {summary.already} already there"
    )
