"""Registry of sources: built-in and installed ones by id, and each of them with its configured schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from fxticker.model.schedule import Cron, Schedule
from fxticker.model.schedule import every as grid_of
from fxticker.sources.source import Source


@dataclass(frozen=True, slots=True)
class ScheduledSource:
    """A source and the schedule of its polls."""

    source: Source
    schedule: Schedule


def scheduled(
    name: str, *, url: str | None = None, every: str | None = None, cron: str | None = None
) -> ScheduledSource:
    """Return a known source as configured.

    Parameters
    ----------
    name
        The source's id.
    url
        The URL to poll; that of the source if None.
    every
        The interval between polls, ``"15min"``; that of the source if neither this nor `cron` is given.
    cron
        A cron expression of five fields, in UTC; takes precedence over `every`.

    Raises
    ------
    LookupError
        If no source has this id.
    ValueError
        If `every` is no interval or `cron` no cron expression.
    """
    source = source_of(name)
    if source is None:
        raise LookupError(f"no source {name}")
    schedule: Schedule = Cron(cron) if cron else grid_of(every or source.every, name)
    return ScheduledSource(replace(source, url=url or source.url), schedule)


def known_sources() -> Mapping[str, Source]:
    """Return all sources by id: the built-in ones, and those of installed packages (`fxticker.sources.plugins`)."""
    from fxticker.sources.plugins import installed

    built_in = _built_in()
    return MappingProxyType({**built_in, **installed(frozenset(built_in))})


def source_of(name: str) -> Source | None:
    """Return the source with an id, or None; installed packages are searched only if no built-in source has it."""
    return _built_in().get(name) or known_sources().get(name)


def _built_in() -> Mapping[str, Source]:
    from fxticker.sources import cbr, cbu, fawazahmed0, nbk, nbkr, nbt
    from fxticker.sources.timesca import page as timesca

    modules = (timesca, cbu, nbk, nbkr, nbt, fawazahmed0, cbr)
    return {module.SOURCE.id: module.SOURCE for module in modules}
