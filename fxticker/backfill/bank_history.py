"""Bank histories: request the past days of a source that are missing in the store, at a polite pace, and store them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from urllib.parse import urljoin

import httpx

from fxticker.backfill.batch import Batch
from fxticker.backfill.history_summary import BackfillSummary
from fxticker.backfill.known_absent import TOO_LONG_DAYS, AbsentDays, absent_days, record_absent_days
from fxticker.errors import BadStatus, FetchError, OtherDate, ParseError, one_line
from fxticker.fetch.client import Fetch, Response
from fxticker.fetch.throttle import Throttle, is_of_one_answer
from fxticker.model.clock import Clock, SystemClock
from fxticker.model.normalise import normalise
from fxticker.model.printed import InvalidNumber
from fxticker.model.records import Origin, PrintedTick, Snapshot, Tick, TimeBasis
from fxticker.sources.bank import difference_mismatches
from fxticker.sources.fixed import Constant
from fxticker.sources.source import History, Source
from fxticker.store.arrow import instant_of, is_in, to_int64
from fxticker.store.backend import StorageBackend
from fxticker.store.read_span import Span, read_span
from fxticker.store.store import Appended, Store

SETTLED_AFTER = timedelta(days=7)
"""Age at which a day without rates is recorded as absent: after long holidays banks publish late."""
DATED_AHEAD = timedelta(days=3)
"""Days after today that are requested at most: banks date a rate a day or two ahead."""
MAX_UNREADABLE = 3
"""Unusable answers in a row that end a run: the source has changed its format, or is failing."""
MAX_STANDING_DAYS = 14
"""Days by which an answer may precede the requested day. For a day without rates banks answer with the rates of the
last day that has some, which holidays separate from it at most."""
_DAY = timedelta(days=1)
_log = logging.getLogger("fxticker")

Progress = Callable[[int, int], object]
"""Called with the number of days done and the number of days to do."""


def backfill(
    source: Source,
    history: History,
    *,
    first: date,
    last: date,
    fetch: Fetch,
    store: Store,
    clock: Clock | None = None,
    throttle: Throttle | None = None,
    progress: Progress = lambda done, of: None,
    summary: BackfillSummary | None = None,
) -> BackfillSummary:
    """Request the days of a span that are missing in the store, and store their rates.

    A day is not missing if the store has date-only ticks of the source for it, or if it is recorded as absent. Rows
    become durable month by month; after an interruption the next run continues where this one ended.

    Parameters
    ----------
    source, history
        Source to request, and how its past days are requested and parsed; paths are relative to the source's URL.
    first, last
        Span of days, both included; days before `history.since` or more than `DATED_AHEAD` in the future are left out.
    fetch, store, clock
        HTTP client; receiver of ticks and absent days; supplier of the current UTC time.
    throttle
        Waits between requests and retries them.
    progress
        Called with the missing days done so far and their total.
    summary
        Updated as rows become durable, so that it is right even if the run is interrupted.

    Raises
    ------
    StoreError
        If the store refuses; a backfill can be repeated safely.
    """
    summary = summary if summary is not None else BackfillSummary()
    clock = clock or SystemClock()
    throttle = throttle or Throttle(clock=clock)
    today = clock.now().date()
    first, last = max(first, history.since), min(last, today + DATED_AHEAD)
    stored, absent = stored_days(store, source.id, first, last), absent_days(store.backend, source.id)
    days = [first + _DAY * offset for offset in range((last - first).days + 1)]
    missing = [day for day in days if day not in stored | absent]
    summary.days, summary.known = len(days), len(days) - len(missing)
    batch = Batch(store, partial(_record_settled, store.backend, source.id, today - SETTLED_AFTER), summary)
    run = _Run(source, history, fetch, throttle, summary, batch, AbsentDays(absent - stored))
    try:
        summary.stopped = run.request_all(missing, progress)
    except FetchError as error:
        summary.stopped = one_line(error)
    finally:  # whatever ended the run, the answers so far are stored
        summary.requests = throttle.requests
        batch.flush()
    return summary


def _record_settled(backend: StorageBackend, source: str, before: date, absent: Sequence[date]) -> None:
    """Record absent days, but not those on which the source may still publish."""
    if settled := [day for day in absent if day < before]:
        record_absent_days(backend, source, settled)


def store_constant(constant: Constant, store: Store) -> Appended:
    """Store a fixed rate as one date-only tick at the day since which it holds; no request is made."""
    snapshot = Snapshot((PrintedTick(constant.pair, constant.rate_text, None),), constant.since, copies=1)
    return store.append(_date_only_ticks(snapshot, constant.id, constant.since, Origin.CONSTANT))


def stored_days(store: Store, source: str, first: date, last: date) -> set[date]:
    """Return the days of a span, both ends included, for which the store has date-only ticks of a source."""
    if last < first:
        return set()
    rows = read_span(store.ticks, sources=[source], span=Span(_midnight(first), _midnight(last) + _DAY))
    instants_us = to_int64(rows.column("observed_at"))[is_in(rows.column("time_basis"), [TimeBasis.DATE])]
    return {instant_of(instant_us).date() for instant_us in set(instants_us.tolist())}


def spans_of(days: Sequence[date], span_days: int) -> Iterator[Sequence[date]]:
    """Split sorted days into requests: each covers at most `span_days` from its first to its last day."""
    begin = 0
    for position, day in enumerate(days):
        if (day - days[begin]).days >= span_days:
            yield days[begin:position]
            begin = position
    if days:
        yield days[begin:]


@dataclass(slots=True)
class _Run:
    """State of one backfill: `batch` is flushed month by month, `previous` is the last snapshot read."""

    source: Source
    history: History
    fetch: Fetch
    throttle: Throttle
    summary: BackfillSummary
    batch: Batch[date]
    absent: AbsentDays
    month: tuple[int, int] | None = None
    previous: Snapshot | None = None

    def request_all(self, missing: Sequence[date], progress: Progress) -> str | None:
        """Request the missing days; return why the run ended early, or `None`."""
        done, unreadable = 0, 0
        for days in spans_of(missing, self.history.span_days):
            progress(done, len(missing))
            done += len(days)
            # A long span costs no more than a short one, and its other days show that days without rates are absent.
            first = max(self.history.since, days[-1] - _DAY * (self.history.span_days - 1))
            try:
                self._take(days, first, self._request(first, days[-1]))
                unreadable = 0
            except (ParseError, InvalidNumber, BadStatus) as error:
                if isinstance(error, BadStatus) and not is_of_one_answer(error):
                    raise
                span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
                self.summary.refused.append((span, one_line(error)))
                self.absent.without.update(days)
                unreadable += 1
                if unreadable == MAX_UNREADABLE:
                    return f"{unreadable} answers in a row could not be used"
            if self.absent.is_too_long():
                return (
                    f"no rates for {TOO_LONG_DAYS} days in a row, up to {days[-1]}: longer than any holidays, so these "
                    "days are not recorded as absent"
                )
        progress(done, len(missing))
        if not unreadable:
            self.batch.absent += self.absent.confirm()
        return None

    def _request(self, first: date, last: date) -> Sequence[Snapshot]:
        """Return the snapshots of a span; none if the answer shows that the source lacks a single day.

        Raises `FetchError` if there is no answer, `ParseError` or `InvalidNumber` if it is unusable.
        """
        url = urljoin(self.source.url, self.history.path(first, last))
        is_one_day = self.history.span_days == 1

        def request() -> Response:
            return self.fetch(url, media_types=self.history.media_types)

        try:
            answer = self.throttle.request(request, pause_s=self.history.pause_s, settling=[httpx.codes.NOT_FOUND])
            return self._parsed(answer, first, last)
        except BadStatus as error:
            # A file of one day is missing if the day has no rates; a missing script has moved.
            if is_one_day and error.http_status == httpx.codes.NOT_FOUND:
                return []
            raise
        except OtherDate as error:
            # The list of today, of a later day or of a source that stands still is no evidence about the day.
            if is_one_day and 1 <= (last - error.answered).days <= MAX_STANDING_DAYS:
                return []
            raise

    def _parsed(self, answer: Response, first: date, last: date) -> Sequence[Snapshot]:
        """Parse an answer; an error in a source's own code makes the answer unreadable."""
        try:
            return list(self.history.parse(answer.body, answer.headers, first, last))
        except (ParseError, InvalidNumber):
            raise
        except (Exception, SystemExit) as error:
            _log.exception("%s: parser failed on the answer for %s to %s", self.source.id, first, last)
            raise ParseError(f"{type(error).__name__}: see the log") from error

    def _take(self, days: Sequence[date], first: date, snapshots: Sequence[Snapshot]) -> None:
        """Add the answer for `first` to the last of `days`; the batch of another month is flushed before."""
        ticks, filled = self._ticks_of(snapshots, first, days[-1])
        month = days[0].year, days[0].month
        if month != self.month:
            self.batch.flush()
            self.month = month
        self.batch.ticks += ticks
        self.batch.filled += sum(day in filled for day in days)
        if filled:
            self.batch.absent += self.absent.confirm()
            self.batch.absent += [day for day in days if day not in filled]
        else:
            self.batch.absent += self.absent.add(days)

    def _ticks_of(self, snapshots: Sequence[Snapshot], first: date, last: date) -> tuple[list[Tick], set[date]]:
        """Return the ticks and days of snapshots, each of which is for another day of the span."""
        ticks: list[Tick] = []
        filled: set[date] = set()
        for snapshot in snapshots:
            day = snapshot.source_date
            if day is None or not first <= day <= last or day in filled:
                raise ParseError(f"the answer is for {day}, which was not requested or occurs twice")
            filled.add(day)
            self.summary.remarks += [(str(day), f"not read: {remark}") for remark in snapshot.remarks]
            if self.previous is not None and (pairs := difference_mismatches(self.source, self.previous, snapshot)):
                remark = f"the printed difference is not that of the rates: {', '.join(pairs)}"
                self.summary.remarks.append((str(day), remark))
            self.previous = snapshot
            ticks += _date_only_ticks(snapshot, self.source.id, day, Origin.ARCHIVE)
        return ticks, filled


def _date_only_ticks(snapshot: Snapshot, source: str, day: date, origin: Origin) -> Sequence[Tick]:
    return normalise(snapshot, source=source, observed_at=_midnight(day), time_basis=TimeBasis.DATE, origin=origin)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
