"""Evidence of polls: what a poll keeps beside its ticks, and notes of pages that came while the clock was wrong."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from fxticker.collect.page_cache import CachedPage
from fxticker.collect.poll_writer import PollWriter
from fxticker.errors import StoreError, one_line
from fxticker.fetch.client import Response
from fxticker.model.clock_trust import ClockComparison
from fxticker.model.records import Poll
from fxticker.sources.evidence import evidence_of
from fxticker.sources.source import Source
from fxticker.store.wrong_clock_notes import WrongClockNote

_log = logging.getLogger("fxticker")


def with_evidence(
    page: CachedPage,
    cached: CachedPage | None,
    response: Response,
    source: Source,
    *,
    observed_at: datetime,
    store: PollWriter,
) -> tuple[CachedPage, str | None]:
    """Keep the evidence of a page, that of the cached one if it is the same page; with the reason if it is not kept.

    If the store refuses, the page loses its validators: the next poll requests it whole, and tries again.
    """
    if page is cached:
        is_without = page.evidence is None and source.evidence is not None
        return page, "no evidence is kept: as of the page before, which has not changed" if is_without else None
    if cached is not None and cached.evidence and (cached.sha256, cached.snapshot) == (page.sha256, page.snapshot):
        return replace(page, evidence=cached.evidence), None
    evidence, reason = evidence_of(source, response.body, response.headers, page.snapshot)
    if evidence is not None:
        try:
            return replace(page, evidence=store.keep_evidence(source.id, observed_at, evidence)), None
        except StoreError as error:
            page, reason = replace(page, etag=None, last_modified=None), str(error)
    if reason is not None:
        reason = f"no evidence is kept: {one_line(reason)}"
        _log.warning("%s: %s", source.id, reason)
    return page, reason


def keep_wrong_clock_note(poll: Poll, page: CachedPage, clock: ClockComparison, store: PollWriter) -> None:
    """Keep a note of a page that came while the machine's clock was wrong; if that fails, the log has the reason."""
    if clock.confirmed is None:
        return
    try:
        store.keep_wrong_clock_note(
            WrongClockNote(poll.source, poll.slot, clock.now, clock.confirmed, page.sha256, page.evidence)
        )
    except StoreError as error:
        _log.warning("%s: no note of slot %s is kept: %s", poll.source, poll.slot.isoformat(), one_line(error))
