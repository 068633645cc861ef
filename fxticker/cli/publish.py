"""Command that writes the page and its data as static files: publish."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli.mirror import require_apart
from fxticker.cli.options import config_option, past, settings, store_option
from fxticker.errors import one_line

if TYPE_CHECKING:
    from fxticker.store.location import Location


@click.command()
@click.argument("dest", metavar="DIR", type=click.Path(path_type=Path, readable=False))
@click.option("--at", callback=past, help="Show this instant, or the end of this day, as now; the page says so.")
@config_option
@store_option
def publish(dest: Path, at: str | None, config: Path | None, store: Location | None) -> None:
    """Write a page of the rates and its data to DIR.

    Any static host can serve DIR. Repeated runs write what changed; DIR/manifest.json, written last, names all files,
    and those that the two manifests before it name are kept. Files that this command did not write are left alone.
    """
    from fxticker.page.publish import publish as publish_page
    from fxticker.store.store import opened

    chosen = settings(config) if store is None or config is not None else None
    folder = store if chosen is None or store is not None else chosen.store.path
    assert folder is not None
    schedules = {} if chosen is None else {each.source.id: each.schedule for each in chosen.planned()}
    require_apart(folder, dest)
    summary = publish_page(opened(folder), dest, at=_instant(at), schedules=schedules)
    counts = f"files written: {summary.written}, deleted: {summary.deleted}"
    print(f"{one_line(dest)}: the rates of {summary.at:%Y-%m-%d %H:%M} UTC; {counts}")


def _instant(at: str | None) -> datetime | None:
    from fxticker.model.days import lookup

    return None if at is None else lookup(at, datetime.now(UTC)).upto
