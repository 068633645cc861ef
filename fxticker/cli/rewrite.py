"""What `check --rewrite` prints: which segments were rewritten, from which encoding, and which could not be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from fxticker.cli.output import warn
from fxticker.errors import StoreLocked, one_line
from fxticker.store.check import Finding
from fxticker.store.rewrite import Rewritten, outdated, rewrite
from fxticker.store.store import Store


def require_no_daemon(store: Store) -> None:
    """Raise StoreLocked if a daemon runs on the store: its open segments are not to be replaced under it."""
    if holder := store.daemon():
        raise StoreLocked(str(store.backend), 0, holder, is_daemon=True)


def rewrite_segments(store: Store) -> list[Finding]:
    """Rewrite segments of earlier encodings and print what was done, also if interrupted; returns what was not."""
    done: list[Rewritten] = []
    left: list[Finding] = []
    try:
        for result in rewrite(store):
            if isinstance(result, Rewritten):
                done.append(result)
            else:
                left.append(result)
                warn(result)
    finally:
        _print(done)
    return left


def print_outdated(store: Store) -> None:
    """Print how many segments `check --rewrite` would rewrite, if any."""
    encodings = [str(encoding) for _, encoding in outdated(store)]
    if encodings:
        kinds = one_line("; ".join(sorted(set(encodings))))
        print(f"files of an earlier encoding, which some programs cannot read: {len(encodings)} ({kinds});")
        print("`fxticker check --rewrite` brings them to the present one")


def _print(done: Sequence[Rewritten]) -> None:
    for (folder, before, after), items in groupby(done, key=lambda item: (item.folder, item.before, item.after)):
        parts = list(items)
        rows, old, new = (sum(numbers) for numbers in zip(*map(_numbers, parts), strict=True))
        files = "1 file" if len(parts) == 1 else f"{len(parts)} files"
        print(f"{one_line(folder)}: {files} rewritten from {before} to {after};", end=" ")
        print(f"{rows:,} rows, {old:,} to {new:,} bytes")
    if done:
        print("each was read back: its rows, their order and its summary are as before")
    else:
        print("nothing was rewritten")


def _numbers(item: Rewritten) -> tuple[int, int, int]:
    return item.rows, item.bytes_before, item.bytes_after
