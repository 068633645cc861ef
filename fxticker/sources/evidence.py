"""Evidence of a snapshot: the piece of an answer that is kept, once parsing it is known to give the same snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from fxticker.errors import ParseError
from fxticker.model.records import Evidence, Snapshot
from fxticker.sources.source import Source


def evidence_of(
    source: Source, body: bytes, headers: Mapping[str, str], snapshot: Snapshot
) -> tuple[Evidence | None, str | None]:
    """Return the piece of an answer to keep, or why none is kept.

    Parameters
    ----------
    source
        Whose answer it is.
    body, headers
        The answer; headers by lower-case name.
    snapshot
        What `source.parse` read in it.

    Returns
    -------
    tuple
        The piece and None; None and one line; or twice None for a source that keeps no evidence.
    """
    if source.evidence is None:
        return None, None
    try:
        evidence = source.evidence(body, headers, snapshot)
        if evidence is None:
            return None, f"no piece of it that is small enough gives the same ticks ({len(body)} bytes)"
        read = read_piece(source.parse, evidence)
        if isinstance(read, ParseError):
            return None, f"the piece cannot be read: {read}"
        if is_same(read, snapshot):
            return evidence, None
    except (Exception, SystemExit) as error:  # noqa: BLE001  a fault in a source's code must not cost its ticks
        return None, f"{type(error).__name__}: {error}"
    return None, "the piece does not give the same ticks"


@lru_cache(maxsize=64)  # pages of a day have the same piece; and one of those that no page has is tried before it
def read_piece(parse: Callable[[bytes, Mapping[str, str]], Snapshot], evidence: Evidence) -> Snapshot | ParseError:
    """Return what a parser reads in a piece of an answer, or why it refuses it."""
    try:
        return parse(evidence.body, evidence.headers)
    except ParseError as error:
        return error.with_traceback(None)  # which would hold the page


def is_same(left: Snapshot, right: Snapshot) -> bool:
    """Whether two snapshots agree in every field, also in those by which two equal ones may differ."""
    return left == right and left.unread_date == right.unread_date
