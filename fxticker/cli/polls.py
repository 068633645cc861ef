"""Commands that show the outcomes of polls: polls, gaps."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from fxticker.cli import completion
from fxticker.cli.formats import Format
from fxticker.cli.options import queried
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from fxticker.store.location import Location

_POLL_COLUMNS = ("slot", "source", "outcome", "ticks", "duration_ms", "http_status", "attempts", "detail")
_MORE_POLL_COLUMNS = ("started_at", "source_date", "body_sha256", "body_bytes", "parser_version", "recorded_at")
"""For programs and wide tables."""


@click.command()
@queried("sources", "start", "end", "as_of", "tz")
def gaps(folder: Location, selection: Selection, form: Format) -> None:
    """Print gaps: periods without a successful poll.

    Where nothing is on record, a gap is more than three times as long as the usual distance of the polls before or
    after it.
    """
    from fxticker.analysis.coverage import COLUMNS
    from fxticker.analysis.coverage import gaps as gaps_of
    from fxticker.cli.output import show, warn
    from fxticker.errors import NoData
    from fxticker.store.store import opened

    opened_store = opened(folder)
    unknown = sorted({*(selection.sources or [])} - {*opened_store.polls.sources()})
    if unknown:
        raise NoData(f"no poll is on record for {', '.join(unknown)}")
    if not opened_store.polls.sources():
        warn("no poll is on record, as imported ticks have none: that no gap is shown says nothing")
    frame = gaps_of(opened_store, **selection.given())
    show(frame.to_dict("records"), list(COLUMNS), form)


@click.command()
@queried("sources", "start", "end", "as_of", "tz")
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    shell_complete=completion.outcomes,
    help="Only this outcome, as timeout; may be repeated.",
)
def polls(folder: Location, selection: Selection, outcomes: tuple[str, ...], form: Format) -> None:
    """Print the outcome of each slot, newest last."""
    from fxticker.cli.output import limit_of, show, warn
    from fxticker.cli.zones import rows_in_zone
    from fxticker.errors import NoData
    from fxticker.frames.now_and_zone import zone_of
    from fxticker.model.days import lookup, span_of
    from fxticker.model.records import Outcome
    from fxticker.store.poll_log import poll_log
    from fxticker.store.store import opened

    unknown = sorted({*outcomes} - {*Outcome})
    if unknown:
        raise click.BadParameter(f"unknown outcome {', '.join(unknown)}; there are {', '.join(Outcome)}")
    zone = zone_of(selection.tz)
    now = datetime.now(UTC)
    start, end = span_of(selection.start, selection.end, now, zone)
    as_of = None if selection.as_of is None else lookup(selection.as_of, now, zone).upto
    limit = limit_of(form) or sys.maxsize - 1
    found = poll_log(  # one more than is printed: older files are not read, so that the others are not counted
        opened(folder),
        limit=limit + 1,
        sources=selection.sources,
        outcomes=outcomes or None,
        start=start,
        end=end,
        as_of=as_of,
    )
    if not found:
        raise NoData("no poll on record matches")
    show(rows_in_zone(found[-limit:], zone), _POLL_COLUMNS, form, fields=_POLL_COLUMNS + _MORE_POLL_COLUMNS)
    if len(found) > limit:
        warn(f"there are more before these {limit}; --all prints them, --limit sets how many")
