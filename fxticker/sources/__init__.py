"""Sources: what is polled and how its answers are parsed. Re-exports the names that a plug-in needs."""

from fxticker.errors import DamagedPage, NoTicker
from fxticker.model.records import Evidence, PrintedTick, Snapshot
from fxticker.sources.source import History, Kind, Source

__all__ = ["DamagedPage", "Evidence", "History", "Kind", "NoTicker", "PrintedTick", "Snapshot", "Source"]
