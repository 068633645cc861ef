"""Durable replacement of a file: write a temporary file, fsync, rename, fsync the folder."""

from __future__ import annotations

import os
from pathlib import Path


def publish(path: Path, data: bytes | memoryview) -> None:
    """Replace the content of `path` atomically and durably."""
    staged = path.with_name(f".{path.name}.new")
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    staged.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
