"""Plug-ins: loads the sources of installed packages, entry points of the group ``fxticker.sources``."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from fxticker.errors import one_line
from fxticker.sources.fields import require_fields
from fxticker.sources.fixed import CONSTANTS
from fxticker.sources.rate_order import RATE, WORDS
from fxticker.sources.source import Source

GROUP = "fxticker.sources"
_log = logging.getLogger("fxticker")


@cache
def installed(taken: frozenset[str]) -> Mapping[str, Source]:
    """Return the sources of installed packages by id, searched once in a process.

    Parameters
    ----------
    taken
        Ids that are built in.
    """
    return load(entry_points(group=GROUP), taken=taken)


def load(points: Iterable[EntryPoint], *, taken: Collection[str]) -> dict[str, Source]:
    """Return the sources that entry points name, by id; one that cannot be used is logged and left out."""
    sources: dict[str, Source] = {}
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        try:
            source = _checked(point.load(), {*taken, *CONSTANTS, *sources})
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plug-in may raise anything as it is imported
            reason = one_line(f"{type(error).__name__}: {error}")
            _log.error("plug-in %s = %s is left out: %s", point.name, point.value, reason)
        else:
            sources[source.id] = source
    return sources


def _checked(source: object, taken: Collection[str]) -> Source:
    if not isinstance(source, Source):
        raise TypeError(f"it must be a fxticker.sources.Source, not a {type(source).__name__}")
    require_fields(source)
    if source.id in (*WORDS, RATE):
        raise ValueError(f"{source.id} is a word of an order of sources, and no id")
    if source.id in taken:
        raise ValueError(f"there is a source {source.id} already")
    return source
