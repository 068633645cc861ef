"""Revisits: the ticks of captures of an unchanged page, which refer to an earlier capture instead of repeating it.

A revisit counts as an observation of the same ticks at its instant, as a "not modified" answer to a poll does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import blake2b

import numpy as np

from fxticker.backfill.warc_page import Revisit, WarcPage
from fxticker.errors import ParseError
from fxticker.model.records import Origin, Tick, TimeBasis
from fxticker.store.arrow import filter_rows, is_in, microseconds, records_of, to_int64
from fxticker.store.read_span import Span, read_span
from fxticker.store.store import Store

MAX_CAPTURES = 50_000
"""Captures that are remembered at most, the last ones; some 90 MB."""

_MAX_NAMES = 5
"""Names of one capture, by which revisits refer to it: two digests, URL and instant, instant, record id."""


class UnknownCapture(ParseError):
    """A revisit of a capture that is not known, or not yet."""


@dataclass(frozen=True, slots=True)
class _Known:
    """An earlier capture.

    Attributes
    ----------
    ticks
        Its ticks, none if it has no readable ticker; `None` if it is no page of the source.
    digests
        Digests of its payload.
    is_single
        False if there are several captures of that name with different ticks.
    """

    ticks: Sequence[Tick] | None
    digests: tuple[str, ...]
    is_single: bool = True


@dataclass(slots=True)
class KnownCaptures:
    """The captures of an import that revisits may refer to, by digest, URL with instant, and record id."""

    max_captures: int = MAX_CAPTURES
    _known: dict[bytes, _Known] = field(default_factory=dict)

    def add(self, names: Sequence[bytes], digests: tuple[str, ...], ticks: Sequence[Tick] | None) -> None:
        """Remember a capture.

        Parameters
        ----------
        names
            What revisits may refer to it by: see `names_of`.
        digests
            Digests of its payload.
        ticks
            Its ticks, none if it has no readable ticker; `None` if it is no page of the source. Captures that show the
            same best have the same sequence.
        """
        known = _Known(ticks, digests)
        for name in names:
            earlier = self._known.get(name)
            is_single = earlier is None or (earlier.is_single and _is_same(earlier.ticks, ticks))
            self._known[name] = known if is_single else replace(known, is_single=False)
        while len(self._known) > _MAX_NAMES * self.max_captures:
            del self._known[next(iter(self._known))]

    def ticks_of(
        self, revisit: Revisit, stored: Mapping[datetime, Sequence[Tick]] | None = None
    ) -> Sequence[Tick] | None:
        """Return the ticks of the capture that a revisit shows again; `None` if that is no page of the source.

        Parameters
        ----------
        stored
            Ticks of captures that were stored before, by instant.

        Raises
        ------
        UnknownCapture
            If it refers to a capture that is not known.
        ParseError
            If it refers to captures that differ.
        """
        known = self._find(revisit)
        if known is None:
            ticks = self._stored(revisit, stored or {})
            if not ticks:
                raise UnknownCapture("a revisit of a capture that is not known")
            if len({tick.pair for tick in ticks}) < len(ticks):
                raise ParseError("a revisit of one of several captures that differ")
            known = _Known(ticks, ())
        if not known.is_single:
            raise ParseError("a revisit of one of several captures that differ")
        return known.ticks

    def _stored(self, revisit: Revisit, stored: Mapping[datetime, Sequence[Tick]]) -> Sequence[Tick] | None:
        """Return what was stored before of the earlier capture; the store knows instants and no URLs."""
        if revisit.refers_to is None or _instant_key("", revisit.refers_to[1]) in self._known:
            return None  # a capture of that instant is among those of the import, and it has another URL
        return stored.get(revisit.refers_to[1])

    def _find(self, revisit: Revisit) -> _Known | None:
        if revisit.digest is not None and (known := self._known.get(_digest_key(revisit.digest))):
            return known
        keys = [_instant_key(*revisit.refers_to)] if revisit.refers_to else []
        keys += [_id_key(revisit.refers_to_id)] if revisit.refers_to_id else []
        known = next((self._known[key] for key in keys if key in self._known), None)
        if known is not None and revisit.digest is not None:
            algorithm = revisit.digest.partition(":")[0] + ":"
            if any(digest.startswith(algorithm) for digest in known.digests):
                raise ParseError("a revisit whose digest is not that of the capture it refers to")
        return known


def names_of(page: WarcPage) -> tuple[bytes, ...]:
    """Return what revisits may refer to a capture by, in hashed form: digests, URL and instant, instant, record id."""
    keys = [*map(_digest_key, page.digests), _instant_key(page.url, page.instant), _instant_key("", page.instant)]
    return (*keys, _id_key(page.record_id)) if page.record_id else tuple(keys)


def stored_captures(store: Store, source: str, instants: Collection[datetime]) -> dict[datetime, list[Tick]]:
    """Return the stored ticks of captures of a source, by instant, for those of the instants that have some."""
    if not instants:
        return {}
    span = Span(min(instants), max(instants) + timedelta(microseconds=1))
    rows = store.retracted(sources=[source], span=span).without(
        source, read_span(store.ticks, sources=[source], span=span)
    )
    wanted = np.array(sorted(map(microseconds, instants)))
    kept = np.isin(to_int64(rows.column("observed_at")), wanted) & is_in(rows.column("time_basis"), [TimeBasis.CAPTURE])
    captures: dict[datetime, list[Tick]] = {}
    for row in records_of(filter_rows(rows, kept)):
        values = {name: row[name] for name in Tick.__dataclass_fields__}
        tick = Tick(**{**values, "time_basis": TimeBasis.CAPTURE, "origin": Origin(row["origin"])})
        captures.setdefault(tick.observed_at, []).append(tick)
    return captures


def _is_same(left: Sequence[Tick] | None, right: Sequence[Tick] | None) -> bool:
    if left is None or right is None:
        return left is right
    return left is right or _content(left) == _content(right)


def _content(ticks: Sequence[Tick]) -> tuple[tuple[str, str, int, str | None, date | None], ...]:
    return tuple((tick.pair, tick.rate_text, tick.nominal, tick.change_text, tick.source_date) for tick in ticks)


def _digest_key(digest: str) -> bytes:
    return _key(f"digest {digest}")


def _instant_key(url: str, instant: datetime) -> bytes:
    return _key(f"instant {instant.isoformat()} {url}")


def _id_key(record_id: str) -> bytes:
    return _key(f"id {record_id.strip('<>').lower()}")


def _key(text: str) -> bytes:
    return blake2b(text.encode(errors="backslashreplace"), digest_size=16).digest()
