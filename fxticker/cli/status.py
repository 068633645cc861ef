"""The command status: the health of each source and of the store."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fxticker.cli.forget import in_words
from fxticker.cli.formats import Format, Kind, kind_option
from fxticker.cli.options import config_option, settings, store_option
from fxticker.cli.recorders import recorder_rows, recorder_text
from fxticker.errors import SegmentUnreadable

if TYPE_CHECKING:
    from fxticker.config import Settings
    from fxticker.monitoring.health import Health
    from fxticker.sources.registry import ScheduledSource
    from fxticker.store.ahead import Ahead
    from fxticker.store.location import Location
    from fxticker.store.recorders import Recorder
    from fxticker.store.store import Store as OpenStore


@click.command()
@config_option
@store_option
@kind_option
def status(config: Path | None, store: Location | None, kind: Kind) -> None:
    """Print the health of each source and of the store.

    Exit 1 if a source is not healthy: without a successful poll for three slots or at all, with one in the future, with
    a page that prints an old date, or with rates that have not changed for days; also if every recorder of a store on
    object storage is silent, and if rows are ahead of now. Takes no lock: it works whether or not the daemon runs.

    A change of a pair is one of its printed rate or percentage between live polls of the last 31 days: a source that
    prints new percentages is alive. When a rate changed is what `changes` prints.
    """
    from fxticker.cli.output import show, show_document, warn
    from fxticker.store.location import storage_at
    from fxticker.store.read_recent import stored_bytes
    from fxticker.store.read_recording import stray_files
    from fxticker.store.recorders import read_recorders
    from fxticker.store.store import Store

    configured = settings(config)
    folder = store if store is not None else configured.store.path
    backend = storage_at(folder, must_exist=True)
    opened = Store(backend)
    now = datetime.now(UTC)
    plans = configured.planned()
    recorders = read_recorders(backend)
    with _quiet_log():
        found = [_health(plan, opened, now, recorders) for plan in plans]
    ahead = _rows_ahead(opened, now)
    for name in stray_files(backend, opened.tables):
        warn(f"{name} is not a segment: recording ignores it, readers refuse it; move it out of the store")
    free = backend.free_space()
    facts = {
        "path": str(folder),
        "size_bytes": stored_bytes(opened),
        "free_bytes": None if free is None else free.bytes,
        "daemon": opened.daemon(),
        "last_writer": backend.lock_holder() or None,
        "recorders": recorder_rows(backend, recorders, now),
    }
    is_well = bool(found) and not ahead and all(health.problem is None for health in found)
    if kind == "json":
        sources = [{**_row(health), **_details(health)} for health in found]
        show_document(
            {"well": is_well, "now": now, "store": facts, "sources": sources, "ahead": [_ahead(item) for item in ahead]}
        )
    elif kind == "csv":
        rows = [_row(health) for health in found]
        show([row | {"outcomes_24h": _counts(row["outcomes_24h"])} for row in rows], _STATUS_COLUMNS, Format(kind))
    else:
        _print_status(found, facts, _assumed(config, configured), has_lock=not backend.is_shared)
        for item in ahead:
            _say("ahead", f"{in_words(item)}; `fxticker forget` removes them")
    if not is_well:
        sys.exit(1)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep what the store logs off standard error: the status itself names damaged files and strays."""
    log, silent = logging.getLogger("fxticker"), logging.NullHandler()
    log.addHandler(silent)
    try:
        yield
    finally:
        log.removeHandler(silent)


def _assumed(config: Path | None, configured: Settings) -> dict[str, str]:
    """By source, how the text names a schedule that is the package's own, as no configuration was found."""
    from fxticker.config import DEFAULT_FILE
    from fxticker.model.schedule import schedule_text

    if config is not None or Path(DEFAULT_FILE).exists():
        return {}
    named = {name for name, chosen in configured.sources.items() if chosen.every or chosen.cron}  # by the environment
    return {
        plan.source.id: f" ({schedule_text(plan.schedule)} is assumed, as no --config names the schedule)"
        for plan in configured.planned()
        if plan.source.id not in named
    }


def _health(plan: ScheduledSource, store: OpenStore, now: datetime, recorders: Sequence[Recorder]) -> Health:
    """The health of a source; where its files cannot be read that is all that is known of it."""
    from fxticker.collect.backoff import recorded_wait
    from fxticker.model.timestamps import MICROSECOND
    from fxticker.monitoring.damage import damage_of
    from fxticker.monitoring.health import health_of, unread_health
    from fxticker.store.open_slots import next_open_slot
    from fxticker.store.read_recent import read_recent

    source = plan.source.id
    damage = damage_of(store, source, search=True)
    try:
        recent = read_recent(store, source, now)
        wait_until = recorded_wait([poll for poll in recent.polls if poll.slot <= now])
        after = now if wait_until is None else max(now, wait_until - MICROSECOND)
        next_slot = next_open_slot(store.polls, source, plan.schedule, after)
        return health_of(plan, recent, now, next_slot, damage, recorders)
    except SegmentUnreadable as error:
        return unread_health(plan, str(damage.reason if damage else error), now)


def _rows_ahead(store: OpenStore, now: datetime) -> list[Ahead]:
    """The rows that are ahead of now; those that were only recorded by a clock that was ahead are named on stderr."""
    from fxticker.cli.output import warn
    from fxticker.store.ahead import CORRECTED, rows_ahead, summed
    from fxticker.store.read_recent import DAY
    from fxticker.store.read_span import month_of
    from fxticker.store.recorded_ahead import recorded_ahead

    with suppress(SegmentUnreadable):  # the health of its source names it
        for rows in recorded_ahead(store, now + CORRECTED, since_month=month_of(now - DAY)):  # `check` reads all
            warn(rows)
        return summed(rows_ahead(store, now + CORRECTED))
    return []


def _ahead(item: Ahead) -> dict[str, Any]:
    return {"table": item.table, "source": item.source, "rows": item.rows, "first": item.first, "last": item.last}


_STATUS_COLUMNS = (
    "source",
    "well",
    "reason",
    "since",
    "last_slot",
    "last_outcome",
    "last_detail",
    "last_ok",
    "next_slot",
    "outcomes_24h",
    "gaps_24h",
)


def _row(health: Health) -> dict[str, Any]:
    """A source's health as one row of `_STATUS_COLUMNS`."""
    problem, last = health.problem, health.last
    return {
        "source": health.source,
        "well": problem is None,
        "reason": problem and problem.reason,
        "since": problem and problem.since,
        "last_slot": last and last.slot,
        "last_outcome": last and last.outcome,
        "last_detail": last and last.detail,
        "last_ok": health.last_ok,
        "next_slot": health.next_slot,
        "outcomes_24h": dict(health.outcomes_24h),
        "gaps_24h": health.gaps_24h,
    }


def _details(health: Health) -> dict[str, Any]:
    pairs = [
        {
            "pair": pair.pair,
            "rate_text": pair.rate_text,
            "nominal": pair.nominal,
            "seen_at": pair.seen_at,
            "changed_at": pair.changed_at,
            "first_at": pair.first_at,
        }
        for pair in health.pairs
    ]
    return {"changes_since": health.changes_since, "pairs": pairs}


def _print_status(
    found: Sequence[Health], facts: Mapping[str, Any], assumed: Mapping[str, str], *, has_lock: bool
) -> None:
    """Print for a person: each source, its pairs, and the store."""
    from fxticker.errors import one_line
    from fxticker.model.formatting import printed_text

    for health in found:
        last = health.last
        state = "healthy" if health.problem is None else f"not healthy: {health.problem.reason}"
        print(one_line(f"{health.source}: {state}"))
        if health.gaps_24h is None:
            _say("polls", "not known while that file cannot be read")
        else:
            detail = f" ({last.detail})" if last and last.detail else ""
            _say("last slot", f"{_time(last.slot)} {last.outcome}{detail}" if last else "none recently")
            _say("last ok", _time(health.last_ok) if health.last_ok else "none recently")
            _say("last 24 h", f"{_counts(health.outcomes_24h) or 'no polls'}; gaps: {health.gaps_24h}")
        _say("next slot", _time(health.next_slot) + assumed.get(health.source, ""))
        for pair in health.pairs:
            changed = "rate or percentage changed" if pair.changed_at else "rate and percentage the same at least since"
            change = f"{changed} {_time(pair.changed_at or pair.first_at)}"
            _say(pair.pair, f"{printed_text(pair.rate_text, pair.nominal)} at {_time(pair.seen_at)}; {change}")
    if not found:
        print("no source is enabled")
    print(f"store: {one_line(facts['path'])}")
    free = facts["free_bytes"]
    on_disk = "" if free is None else f"; free on its disk: {free / 1e9:,.1f} GB"
    _say("size", f"{facts['size_bytes'] / 1e6:,.1f} MB{on_disk}")
    for row in facts["recorders"]:
        _say("recorder", recorder_text(row))
    if not facts["recorders"]:
        _say("daemon", facts["daemon"] or "none runs")
    if has_lock:
        _say("lock", f"last taken by {facts['last_writer']}" if facts["last_writer"] else "never taken")


def _say(name: str, text: str) -> None:
    from fxticker.errors import one_line

    print(f"  {one_line(name):<9}  {one_line(text)}")


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"


def _counts(outcomes: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()))
