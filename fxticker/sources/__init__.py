"""Sources: what is polled and how its answers are parsed. Re-exports the names that a plug-in needs."""

from fxticker.errors import DamagedPage, NoTicker
from fxticker.model.records import PrintedTick, Snapshot
from fxticker.sources.source import History, Source

__all__ = ["DamagedPage", "History", "NoTicker", "PrintedTick", "Snapshot", "Source"]
