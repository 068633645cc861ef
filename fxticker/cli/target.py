"""Target of a command's output: a file that is replaced as a whole, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

STANDARD_OUTPUT = "-"
"""Names standard output in place of a file."""


@contextmanager
def opened_target(file: str) -> Iterator[IO[bytes]]:
    """Open what a command writes to; it gets everything when the block ends, or nothing if it raises."""
    from fxticker.files import replaced, staged

    with staged(sys.stdout.buffer) if file == STANDARD_OUTPUT else replaced(file) as stream:
        yield stream
