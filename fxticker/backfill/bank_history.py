"""What a source tells of past days into the store: only what is missing there, at the pace that suits the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from fxticker.backfill.histories import answer_of
from fxticker.backfill.known_absent import TOO_LONG_DAYS, AbsentDays, absent_days, record_absent_days
from fxticker.errors import BadStatus, FetchError, ParseError, one_line
from fxticker.fetch.client import Fetch
from fxticker.fetch.throttle import Throttle, is_of_one_answer
from fxticker.model.clock import Clock, SystemClock
from fxticker.model.normalise import normalise
from fxticker.model.printed import InvalidNumber
from fxticker.model.records import Origin, PrintedTick, Snapshot, Tick, TimeBasis
from fxticker.sources import History, Source
from fxticker.sources.bank import difference_mismatches
from fxticker.sources.fixed import Constant
from fxticker.store.arrow import instant_of, is_in, to_int64
from fxticker.store.read_span import Span, read_span
from fxticker.store.store import Appended, Store

MAY_COME_YET = timedelta(days=7)
"""A day that a source does not have is taken for one without figures once it lies so far back: after long holidays
banks publish late."""
DATED_AHEAD = timedelta(days=3)
"""Banks date a rate a day or two ahead; later days are not asked for."""
MAX_UNREADABLE = 3
"""Answers in a row that are of no use: then the source's format is another one, or the source is not well."""
_DAY = timedelta(days=1)

Progress = Callable[[int, int], object]
"""Is told how much is done, and of how much."""


@dataclass(slots=True)
class BackfillSummary:
    """What became of the days asked for.

    Attributes
    ----------
    days
        In the span that was asked for.
    known
        Days whose figures were stored, or that were on record as days without figures, before anything was asked.
    requests
        Made, with those that were repeated.
    filled
        Days whose figures came.
    absent
        Days that the source does not have; those of late may come yet and are asked for again another time.
    added, already
        Rows that were not stored before, and that were.
    refused
        Span and reason of each answer that could not be used.
    remarks
        Day and what a person should look at in its figures, which are stored.
    stopped
        Why the source is left alone before all was asked; null if all was.
    """

    days: int = 0
    known: int = 0
    requests: int = 0
    filled: int = 0
    absent: int = 0
    added: int = 0
    already: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    stopped: str | None = None

    def count(self, appended: Appended) -> None:
        """Add what became of some rows."""
        self.added += appended.added
        self.already += appended.known


def backfill(
    source: Source,
    history: History,
    *,
    first: date,
    last: date,
    fetch: Fetch,
    store: Store,
    clock: Clock | None = None,
    pacing: Throttle | None = None,
    progress: Progress = lambda done, of: None,
    summary: BackfillSummary | None = None,
) -> BackfillSummary:
    """Ask a source for the days of a span that are missing in the store, and store them.

    Known are days with ticks of the source that rest on their date, and days that the source was found not to have.
    Rows become durable month by month; broken off, the next run goes on where this one was.

    Parameters
    ----------
    source, history
        What to ask: the history's paths are below the source's URL.
    first, last
        The span, both included; days before the history begins are left out, and those of the far future.
    fetch, store, clock, pacing
        The net, the store, the present, and the pauses.
    progress
        Is told of the missing days.
    summary
        Kept up to date as rows become durable.

    Raises
    ------
    StoreError
        If the store refuses; backfilling again is safe.
    """
    summary = summary if summary is not None else BackfillSummary()
    clock = clock or SystemClock()
    pacing = pacing or Throttle(clock=clock)
    last = min(last, clock.now().date() + DATED_AHEAD)
    days = _days(max(first, history.since), last)
    stored, absent = stored_days(store, source.id, first, last), absent_days(store.medium, source.id)
    known = stored | absent
    missing = [day for day in days if day not in known]
    summary.days, summary.known = len(days), len(days) - len(missing)
    batch = _Batch(source, store, summary, clock.now().date() - MAY_COME_YET, AbsentDays(absent - stored))
    try:
        summary.stopped = _take_all(missing, batch, source, history, fetch, pacing, progress)
    except FetchError as error:
        summary.stopped = one_line(error)
    finally:  # what came is stored, whatever broke the rest off
        summary.requests = pacing.requests
        batch.flush()
    return summary


def store_constant(constant: Constant, store: Store) -> Appended:
    """Store a rate that nobody is asked for, as of the day since which it holds."""
    snapshot = Snapshot((PrintedTick(constant.pair, constant.rate_text, None),), constant.since, copies=1)
    return store.append(
        normalise(
            snapshot,
            source=constant.id,
            observed_at=_begin(constant.since),
            time_basis=TimeBasis.DATE,
            origin=Origin.CONSTANT,
        )
    )


def stored_days(store: Store, source: str, first: date, last: date) -> set[date]:
    """The days of a span for which ticks of a source are stored that rest on their date."""
    if last < first:
        return set()
    rows = read_span(store.ticks, sources=[source], span=Span(_begin(first), _begin(last) + _DAY))
    at = to_int64(rows.column("observed_at"))[is_in(rows.column("time_basis"), [TimeBasis.DATE])]
    return {instant_of(int(moment)).date() for moment in set(at.tolist())}


def spans_of(days: Sequence[date], span_days: int) -> Iterator[Sequence[date]]:
    """Sorted days as what requests ask for: each from its first to its last day, at most `span_days` long."""
    begin = 0
    for position, day in enumerate(days):
        if (day - days[begin]).days >= span_days:
            yield days[begin:position]
            begin = position
    if days:
        yield days[begin:]


@dataclass(slots=True)
class _Batch:
    """Days that came and are yet to be made durable, of one month where each is a request of its own."""

    source: Source
    store: Store
    summary: BackfillSummary
    settled: date
    lacking: AbsentDays
    ticks: list[Tick] = field(default_factory=list)
    filled: int = 0
    month: tuple[int, int] | None = None
    before: Snapshot | None = None

    def take(self, asked: Sequence[date], begin: date, snapshots: Sequence[Snapshot]) -> None:
        """Take the answer for the days from `begin` to the last asked for; what other months brought goes first."""
        ticks, came = self._read(begin, asked[-1], snapshots)
        month = asked[0].year, asked[0].month
        if month != self.month:
            self.flush()
            self.month = month
        self.ticks += ticks
        self.filled += sum(day in came for day in asked)
        if came:
            self.lacking.confirm()
            self.lacking.sure += [day for day in asked if day not in came]
        else:
            self.lacking.add(asked)

    def refuse(self, asked: Sequence[date], error: Exception) -> None:
        """Name an answer that is of no use."""
        self.summary.refused.append((_named(asked), one_line(error)))
        self.lacking.without.update(asked)

    def flush(self) -> None:
        """Make all durable: the ticks first, so that no day is left out that has some."""
        if self.ticks:
            self.summary.count(self.store.append(self.ticks))
        absent = self.lacking.sure
        for_good = [day for day in absent if day < self.settled]
        if for_good:
            record_absent_days(self.store.medium, self.source.id, for_good)
        self.summary.filled += self.filled
        self.summary.absent += len(absent)
        self.ticks, self.filled, self.lacking.sure = [], 0, []

    def _read(self, begin: date, end: date, snapshots: Sequence[Snapshot]) -> tuple[list[Tick], set[date]]:
        ticks: list[Tick] = []
        came: set[date] = set()
        for snapshot in snapshots:
            day = snapshot.source_date
            if day is None or not begin <= day <= end or day in came:
                raise ParseError(f"the answer is for {day}, which was not asked for or stands there twice")
            came.add(day)
            if self.before is not None and (odd := difference_mismatches(self.source, self.before, snapshot)):
                remark = f"the printed difference is not that of the rates: {', '.join(odd)}"
                self.summary.remarks.append((str(day), remark))
            self.before = snapshot
            ticks += normalise(
                snapshot,
                source=self.source.id,
                observed_at=_begin(day),
                time_basis=TimeBasis.DATE,
                origin=Origin.ARCHIVE,
            )
        return ticks, came


def _take_all(
    missing: Sequence[date],
    batch: _Batch,
    source: Source,
    history: History,
    fetch: Fetch,
    pacing: Throttle,
    progress: Progress,
) -> str | None:
    """Ask for the missing days; why the source is left alone before that is done, if it is."""
    done, unreadable = 0, 0
    for asked in spans_of(missing, history.span_days):
        progress(done, len(missing))
        done += len(asked)
        # A long span costs no more than a short one, and shows where no day of a short one has figures.
        begin = max(history.since, asked[-1] - _DAY * (history.span_days - 1))
        try:
            batch.take(asked, begin, answer_of(source, history, begin, asked[-1], fetch, pacing))
            unreadable = 0
        except (ParseError, InvalidNumber, BadStatus) as error:
            if isinstance(error, BadStatus) and not is_of_one_answer(error):
                raise
            batch.refuse(asked, error)
            unreadable += 1
            if unreadable == MAX_UNREADABLE:
                return f"{unreadable} answers in a row could not be used"
        if batch.lacking.is_too_long():
            return (
                f"no figures for {TOO_LONG_DAYS} days in a row, up to {asked[-1]}: no holidays are as long, so these "
                "days are not taken for ones that the source does not have"
            )
    progress(done, len(missing))
    if not unreadable:
        batch.lacking.confirm()
    return None


def _days(first: date, last: date) -> list[date]:
    return [first + _DAY * offset for offset in range((last - first).days + 1)]


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _named(asked: Sequence[date]) -> str:
    return str(asked[0]) if len(asked) == 1 else f"{asked[0]} to {asked[-1]}"
