"""Moves: reports rates that have certainly changed by more than a threshold, once until they come back below it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from fxticker.errors import StoreError, one_line
from fxticker.model.formatting import format_with_band, printed_text
from fxticker.model.moves import Change, MoveLimit, RateRun, change_over
from fxticker.model.pairs import inverse_of
from fxticker.model.pegs import is_hop
from fxticker.model.records import Poll
from fxticker.model.timestamps import MICROSECOND
from fxticker.monitoring.alert_filter import MOVE, AlertFilter
from fxticker.monitoring.alerts import Alert
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.backend import Version
from fxticker.store.read_runs import joined, rates_shown, read_runs
from fxticker.store.read_span import Span
from fxticker.store.store import Store

_log = logging.getLogger("fxticker")


class Moves(Observer):
    """Compares the newest rate of each pair with the earlier ones after each poll, source by source.

    Parameters
    ----------
    alert_filter
        Where alerts are sent; it has those of earlier processes.
    limits
        Threshold of each pair, in either direction of a stored one.
    store
        Where rates are read: those of the two longest spans at the start, then the new ones.
    """

    def __init__(self, alert_filter: AlertFilter, *, limits: Mapping[str, MoveLimit], store: Store) -> None:
        self._alert_filter = alert_filter
        self._limits = limits
        self._stored_pairs = {*limits, *map(inverse_of, limits)}
        self._look_back = 2 * max(limit.span for limit in limits.values())
        self._store = store
        self._runs: dict[str, dict[str, list[RateRun]]] = {}
        self._retractions: dict[str, list[Version]] = {}
        self._hops: dict[tuple[str, str], tuple[RateRun, bool]] = {}
        self._changed: set[str] = set()
        self._unchecked: set[str] = set()
        self._lock = threading.Lock()

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Check what these sources have shown."""
        with self._lock:
            self._changed = {scheduled.source.id for scheduled in sources}
            self._unchecked = set(self._changed)

    def polled(self, poll: Poll) -> None:
        """Check a source that showed ticks, with the next beat: several pairs may need the store."""
        if poll.ticks:
            with self._lock:
                self._changed.add(poll.source)

    def beat(self, now: datetime) -> None:
        """Check the sources that showed something new."""
        with self._lock:
            changed, self._changed = sorted(self._changed), set()
        for source in changed:
            try:
                self._check(source, now)
            except StoreError as error:
                _log.warning("%s: moves cannot be judged: %s", source, one_line(error))
            self._note_checked(source)

    def _note_checked(self, source: str) -> None:
        if source in self._unchecked:
            self._unchecked.remove(source)
            shown = {pair for runs in self._runs.values() for pair in runs}
            missing = [pair for pair in self._limits if not {pair, inverse_of(pair)} & shown]
            if missing and not self._unchecked:
                _log.warning("alerts.on_move: no source has shown %s yet", ", ".join(missing))

    def _check(self, source: str, now: datetime) -> None:
        for stored, runs in self._updated(source, now).items():
            for pair in {stored, inverse_of(stored)} & {*self._limits}:
                change = change_over(runs, self._limits[pair].span, is_inverse=pair != stored)
                if change is not None:
                    self._judge(source, stored, pair, change)

    def _updated(self, source: str, now: datetime) -> dict[str, list[RateRun]]:
        """The runs of a source, with those since the last check, without those that are too old."""
        known = self._runs.get(source, {})
        retractions = [item.version for item, _ in self._store.retractions.recorded(source)]
        if self._retractions.setdefault(source, retractions) != retractions:  # what is known may have been retracted
            known = {}
            self._hops = {key: hop for key, hop in self._hops.items() if key[0] != source}
        last = max((runs[-1].last_at for runs in known.values()), default=None)
        if last is not None and last > now:  # the clock was set back
            known, last = {}, None
        start = now - self._look_back if last is None else last + MICROSECOND
        new = read_runs(self._store, source, self._stored_pairs, Span(start, now + MICROSECOND))
        runs = {pair: joined([*known.get(pair, []), *new.get(pair, [])]) for pair in {**known, **new}}
        self._retractions[source] = retractions
        self._runs[source] = {
            pair: [run for run in found if run.last_at >= now - self._look_back or run is found[-1]]
            for pair, found in runs.items()
        }
        return self._runs[source]

    def _judge(self, source: str, stored: str, pair: str, change: Change) -> None:
        limit = self._limits[pair]
        topic = (source, pair)
        direction = change.direction(limit)
        if direction and not self._is_hop(source, stored, change.end):
            if self._alert_filter.causes(topic) - {direction}:
                self._alert_filter.forget(topic)  # it turned round
            self._alert_filter.send(_alert(source, pair, change, direction, limit))
        elif change.is_below(limit) and self._alert_filter.causes(topic):
            self._alert_filter.forget(topic)

    def _is_hop(self, source: str, pair: str, run: RateRun) -> bool:
        """Whether a pegged pair is back at a level shown before; the whole store is searched once for a run."""
        key = (source, pair)
        known = self._hops.get(key)
        # a run that goes on has a later end
        if known is None or (known[0].rate_text, known[0].first_at) != (run.rate_text, run.first_at):
            shown = _Shown(self._store, source, pair, run.first_at)
            known = self._hops[key] = (run, is_hop(pair, run.first_at.date(), run.rate_text, shown))
        return known[1]


class _Shown:
    """The printed rates of a pair before an instant, read only if they are asked for."""

    def __init__(self, store: Store, source: str, pair: str, before: datetime) -> None:
        self._search = (store, source, pair, before)

    def __contains__(self, rate_text: object) -> bool:
        return rate_text in rates_shown(*self._search)


def _alert(source: str, pair: str, change: Change, direction: str, limit: MoveLimit) -> Alert:
    verb = "rose" if direction == "up" else "fell"
    low, high = sorted(abs(float(bound)) for bound in (change.band.lo, change.band.hi))
    by = format_with_band((low + high) / 2, low, high).band
    rates = " to ".join(
        f"{printed_text(run.rate_text, run.nominal)} at {instant:%Y-%m-%dT%H:%M:%SZ}"
        for run, instant in ((change.start, change.start.last_at), (change.end, change.end.first_at))
    )
    reason = f"{pair} {verb} by {by} %, from {rates} (limit {limit.text})"
    return Alert(MOVE, source, change.end.first_at, one_line(reason), None, pair=pair, cause=direction)
