"""Evidence of imports: of imported and archived pages; kept when a page is read, before its ticks are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from fxticker.model.records import Snapshot
from fxticker.model.timestamps import EPOCH
from fxticker.sources.evidence import evidence_of
from fxticker.sources.source import Source
from fxticker.store.store import Store

Keep = Callable[[bytes, Mapping[str, str], Snapshot, datetime], str | None]
"""Keeps the evidence of a page, given its body, headers, snapshot and `observed_at`; returns its hash, None if none."""


def keep_nothing(body: bytes, headers: Mapping[str, str], snapshot: Snapshot, observed_at: datetime) -> None:
    """Keep no evidence: for pages that are only read."""
    del body, headers, snapshot, observed_at


def evidence_keeper(source: Source, store: Store, *, latest: datetime | None = None) -> Keep:
    """Return what keeps evidence in a store; that of pages before 1970 or after `latest`, which are refused, is not."""

    def keep(body: bytes, headers: Mapping[str, str], snapshot: Snapshot, observed_at: datetime) -> str | None:
        if observed_at < EPOCH or (latest is not None and observed_at > latest):
            return None
        evidence, _ = evidence_of(source, body, headers, snapshot)
        return None if evidence is None else store.keep_evidence(source.id, observed_at, evidence)

    return keep
