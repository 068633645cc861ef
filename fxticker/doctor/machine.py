"""Machine: whether its clock is synchronised, and what its disk is and still takes."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from fxticker.collect.clock_sync import is_synchronised
from fxticker.doctor.fact import Fact

_MOUNTS = Path("/proc/self/mounts")
_IN_MEMORY = {"tmpfs", "ramfs", "overlay"}
"""File systems that end with the machine or the container: a store there is lost."""
_ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}
"""As fstab(5) writes them."""


def clock_fact(now: datetime, *, ask: Callable[[datetime], bool | None] = is_synchronised) -> Fact:
    """Return whether the clock, which shows `now`, is synchronised, as the kernel or systemd-timesyncd has it."""
    synchronised, shown = ask(now), f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if synchronised is None:
        return Fact("clock", "note", f"{shown}; it is not known whether it is synchronised")
    if synchronised:
        return Fact("clock", "ok", f"{shown}, synchronised")
    return Fact("clock", "fails", f"{shown}, not synchronised: run a time service, such as chrony or systemd-timesyncd")


def disk_fact(folder: Path, least_mb: int, *, mounts: Path = _MOUNTS) -> Fact:
    """Return what the disk of a folder, which may not be there yet, still takes.

    Parameters
    ----------
    folder
        Of the store.
    least_mb
        Free megabytes below which the daemon's alert comes.
    mounts
        The mounted file systems, in the form of fstab(5).
    """
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())
    free = os.statvfs(there)
    free_bytes, whole_bytes = free.f_bavail * free.f_frsize, free.f_blocks * free.f_frsize
    kind = _kind_of(there.resolve(), mounts)
    text = f"{free_bytes / 1e9:,.1f} GB free of {whole_bytes / 1e9:,.1f} GB, {kind or 'file system not known'}"
    if free_bytes < least_mb * 1_000_000:
        return Fact("disk", "fails", f"{text}: less than the {least_mb} MB of alerts.free_space_mb")
    if free.f_files and not free.f_favail:
        return Fact("disk", "fails", f"{text}: no file can be added, it has no free inode")
    if free.f_flag & os.ST_RDONLY:
        return Fact("disk", "fails", f"{text}: it is mounted read-only")
    if not os.access(there, os.W_OK):
        return Fact("disk", "note", f"{text}; this account may not write to {there}")
    if kind in _IN_MEMORY:
        return Fact("disk", "note", f"{text}: what is stored there ends with the machine or the container")
    return Fact("disk", "ok", text)


def _kind_of(folder: Path, mounts: Path) -> str | None:
    """Return the type of a folder's file system; ``None`` where that is not known."""
    try:
        lines = [line.split(" ") for line in mounts.read_text("utf-8", "replace").splitlines()]
    except OSError:
        return None
    points = {}  # of several at one place the last one is seen
    for _, point, kind, *_ in lines:
        for escape, mark in _ESCAPES.items():
            point = point.replace(escape, mark)  # noqa: PLW2901
        points[Path(point)] = kind
    return next((points[parent] for parent in (folder, *folder.parents) if parent in points), None)
