"""The command import: stores what saved pages, WARC files and exports hold."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from fxticker.cli import completion
from fxticker.cli.options import stated, stored

if TYPE_CHECKING:
    from fxticker.backfill.import_summary import ImportSummary
    from fxticker.backfill.stretched_files import Pool
    from fxticker.store.location import Location


@click.command("import")
@click.argument("files", metavar="FILES...", nargs=-1, required=True)
@click.option(
    "--observed-at",
    callback=stated,
    help="When the pages were captured; default: each page's own printed date.",
)
@click.option(
    "--source",
    default="timesca",
    shell_complete=completion.sources,
    help="Source of the pages, or the bank whose answers they are.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes that read WARC files; one that dies is named, and its part of a file is read again.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Read WARC files on a Dask cluster, whose scheduler is at tcp://HOST:PORT; needs fxticker[distributed].",
)
@stored
def import_(
    files: tuple[str, ...],
    observed_at: str | None,
    source: str,
    processes: int,
    scheduler: str | None,
    folder: Location,
) -> None:
    """Store the ticks of saved pages, WARC files or exports.

    FILES are saved pages, WARC or WACZ files of web archives, exports (Parquet, CSV, JSON) or Parquet files of another
    store: files, folders, globs, or - for standard input. A repeated import adds nothing. An unusable file is refused
    by name, the other files are imported, and the exit code is 1.
    """
    from fxticker.backfill.cdx import site_of
    from fxticker.backfill.import_summary import ImportSummary
    from fxticker.backfill.page_files import find_pages
    from fxticker.backfill.saved_pages import import_pages
    from fxticker.cli.progress import counting
    from fxticker.sources.registry import known_sources
    from fxticker.store.store import Store

    if source not in known_sources():
        raise click.BadParameter(f"unknown source {source}; known are {', '.join(sorted(known_sources()))}")
    opened = Store(folder)
    pages = find_pages(files)
    summary = ImportSummary()
    deaths: list[str] = []
    try:
        with _pool(processes, scheduler, deaths) as pool, counting("importing") as progress:
            import_pages(
                pages,
                source=known_sources()[source],
                store=opened,
                observed_at=observed_at,
                summary=summary,
                pool=pool,
                progress=lambda done: progress(done, len(pages)),
            )
    finally:  # what was stored is stored, whatever broke the import off
        _tell_import(summary, deaths, site_of(known_sources()[source].url))
    if summary.refused:
        sys.exit(1)


def _tell_import(summary: ImportSummary, deaths: list[str], site: str) -> None:
    from fxticker.cli.output import warn

    for line in deaths:
        warn(line)
    for name, reason in summary.refused:
        warn(f"refused {name}: {reason}")
    if summary.continued_files:
        read_mb = f"{summary.continued_bytes / 1e6:.0f} MB"
        print(f"continued: {read_mb} of {summary.continued_files} WARC files were read by an interrupted import")
    if summary.captures or summary.empty or summary.elsewhere or summary.revisits:
        revisits = f", {summary.revisits} revisits of them" if summary.revisits else ""
        print(
            f"in WARC files: {summary.captures} pages read{revisits}, {summary.empty} without a ticker, "
            f"{summary.elsewhere} records that are no page of {site}"
        )
    print(
        f"{summary.pages} files: {summary.added} rows added, {summary.known} already there, "
        f"{len(summary.refused)} refused"
    )


def _pool(processes: int, scheduler: str | None, deaths: list[str]) -> AbstractContextManager[Pool | None]:
    """Return what reads WARC files elsewhere; None if this process does. It adds a line for each process that dies."""
    if scheduler is not None:
        if processes > 1:
            raise click.UsageError("--scheduler excludes --processes: the cluster has its own")
        from fxticker.backfill.cluster_pool import ClusterPool

        return ClusterPool(scheduler, died=deaths.append)
    if processes == 1:
        return nullcontext()
    from fxticker.backfill.process_pool import ProcessPool

    return ProcessPool(processes, died=deaths.append)
