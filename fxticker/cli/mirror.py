"""Commands for a second copy of a store: mirror, restore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli.options import stored
from fxticker.cli.store_location import store_location
from fxticker.errors import StoreError, one_line

if TYPE_CHECKING:
    from fxticker.store.backend import StorageBackend
    from fxticker.store.location import Location
    from fxticker.store.mirror import CopySummary


@click.command()
@click.argument("dest", type=store_location)
@click.option("--delete", is_flag=True, help="Delete files that an earlier run copied and the store no longer has.")
@stored
def mirror(dest: Location, delete: bool, folder: Location) -> None:  # noqa: FBT001
    """Bring a verified copy of the store in DEST up to date.

    The daemon may run. At every instant DEST is a store itself, which `check` and all readers take. Files are compared
    by their hashes; DEST/mirror/manifest.json, written last, has them all. Exit 1 if a file was not copied.
    """
    from fxticker.store import mirror as copying
    from fxticker.store.location import storage_at

    require_apart(folder, dest)
    _show(copying.mirror(storage_at(folder, must_exist=True), _target(dest), delete=delete), dest)


@click.command()
@click.argument("src", type=store_location)
@stored
def restore(src: Location, folder: Location) -> None:
    """Bring a mirror in SRC back as the store.

    The store's folder must be empty or absent, or hold a restore of the same mirror that ended early; no daemon may
    run. Every file is verified. Exit 1 if one was not restored.
    """
    from fxticker.store import mirror as copying
    from fxticker.store.location import storage_at

    require_apart(src, folder)
    _show(copying.restore(storage_at(src, must_exist=True), _target(folder)), folder)


def _target(location: Location) -> StorageBackend:
    """The storage to write to: a store, an empty folder or prefix, or none yet."""
    from fxticker.store.location import storage_at

    return storage_at(location, must_exist=isinstance(location, Path) and location.exists())


def require_apart(left: Location, right: Location) -> None:
    """Refuse two folders, or two URLs, of which one is the other or lies in it."""
    if isinstance(left, str) or isinstance(right, str):
        if f"{left}/".startswith(f"{right}/") or f"{right}/".startswith(f"{left}/"):
            raise StoreError(f"{left} and {right}: one is the other, or lies in it")
        return
    try:
        first, second = left.resolve(), right.resolve()
    except RuntimeError as error:  # until Python 3.13
        raise StoreError(f"{left} and {right}: one is a link that leads to itself") from error
    if first == second or first in second.parents or second in first.parents:
        raise StoreError(f"{left} and {right}: one is the other, or lies in it")


def _show(summary: CopySummary, target: Location) -> None:
    from fxticker.cli.output import warn

    for problem in summary.problems:
        warn(one_line(problem))
    deleted = f", deleted: {summary.deleted}" if summary.deleted else ""
    copied = f"files copied: {summary.copied} ({summary.copied_bytes:,} bytes)"
    print(f"{one_line(target)}: {copied}, unchanged: {summary.unchanged}{deleted}")
    if summary.problems:
        sys.exit(1)
