"""Colours of a terminal: where they are wanted, and which cells of a table have one."""

from __future__ import annotations

import os
import re
from typing import TextIO

from fxticker.model.verdicts import HOP, MORE, NEWER

_SIGNED = re.compile(r"\w+(_pct| %)|change_text")
"""Headings of changes and distances."""
_ZERO = "-0.%"
_GREEN, _RED, _YELLOW, _NONE = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"

_VERDICTS = {"yes": _GREEN, "no": _YELLOW, MORE: _GREEN, HOP: _YELLOW, NEWER: _YELLOW}


def colours_wanted(out: TextIO) -> bool:
    """Return whether text for `out` is coloured: on a terminal, unless ``NO_COLOR`` or ``FORCE_COLOR`` decides.

    Of these variables the first that is set and not empty counts, see https://no-color.org and https://force-color.org.
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (out.isatty() and os.environ.get("TERM") != "dumb")


def colour_of(heading: str, cell: str) -> str | None:
    """Return the colour of a cell: a yes and a rise are green, a no is yellow, a fall is red; others have none."""
    if cell in _VERDICTS:
        return _VERDICTS[cell]
    if not _SIGNED.fullmatch(heading) or " " in cell or not cell.strip(_ZERO):
        return None
    return _RED if cell.startswith("-") else _GREEN


def painted(text: str, colour: str | None) -> str:
    """Return a text in this colour."""
    return text if colour is None else f"{colour}{text}{_NONE}"
