"""The command `forget`: removes what a clock recorded while it was ahead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from fxticker.cli.options import moment, stored

if TYPE_CHECKING:
    from fxticker.store.ahead import Ahead
    from fxticker.store.location import Location


@click.command()
@click.option("--after", required=True, callback=moment, help="What is later than this instant, or day, is removed.")
@click.option("--yes", is_flag=True, help="Remove them; without it they are only counted.")
@stored
def forget(folder: Location, after: str, yes: bool) -> None:  # noqa: FBT001
    """Remove outcomes and ticks that lie in the future.

    Use after the clock was ahead: a slot with an outcome is never polled, so future outcomes would block polling. What
    has passed is never removed, and what is removed goes to the quarantine. Refused while a daemon runs.
    """
    from fxticker.cli.output import warn
    from fxticker.errors import StoreLocked
    from fxticker.model.days import extent_of
    from fxticker.model.timestamps import MICROSECOND
    from fxticker.store.ahead import forget as forget_rows
    from fxticker.store.ahead import rows_ahead, summed
    from fxticker.store.store import opened

    store = opened(folder)
    now = datetime.now(UTC)
    extent = extent_of(after, now)
    limit = extent.end if extent.begin == extent.end else extent.end - MICROSECOND
    if limit < now:
        warn(f"{after} has passed; what has passed is never removed, only what is later than now, {_second(now)}")
        limit = now
    if holder := store.daemon():
        raise StoreLocked(str(store.backend), 0, holder)
    found = summed(forget_rows(store, limit, now) if yes else rows_ahead(store, limit))
    for item in found:
        print(f"{'removed: ' if yes else ''}{in_words(item)}")
    if not found:
        print(f"nothing is later than {_second(limit)}")
    elif yes:
        print("they are kept in the quarantine; their slots are polled when they come")
    else:
        print(f"nothing was removed: by this machine's clock it is {_second(now)}; if that is right, repeat with --yes")


def in_words(item: Ahead) -> str:
    """Rows that are ahead as one line."""
    return f"{item.rows:,} {item.what} of {item.source} from {_second(item.first)} to {_second(item.last)}"


def _second(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
