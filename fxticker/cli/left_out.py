"""Rows without figures, or with figures of old ticks: named on standard error, and the column of the reason."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from fxticker.cli.output import warn
from fxticker.errors import StoreError
from fxticker.model.timestamps import instant, lookup_text
from fxticker.sources.age_limits import AgeLimit

if TYPE_CHECKING:
    import pandas as pd

    from fxticker.analysis.periods import Freq
    from fxticker.model.selection import Selection
    from fxticker.store.location import Location


def warn_left_out(frame: pd.DataFrame) -> None:
    """Print on standard error which pairs have rows without figures, and why: the column ``reason``."""
    rows = frame.loc[frame["reason"].notna(), ["source", "pair", "reason"]].astype("str")
    for row in rows.value_counts(sort=False).reset_index().to_dict("records"):
        count = f", {row['count']} rows" if row["count"] > 1 else ""
        warn(f"{row['pair']} of {row['source']}: {row['reason']}{count}")


def reason_of(frame: pd.DataFrame) -> list[str]:
    """Return the column of reasons if a row has one, and print them on standard error."""
    warn_left_out(frame)
    return ["reason"] if frame["reason"].notna().any() else []


def warn_cut(starts: pd.Series, every: Freq, selection: Selection) -> None:
    """Print on standard error if the last of some periods does not end by the end of its span, or by now."""
    from fxticker.analysis.periods import local_clock, period_of, start_of
    from fxticker.frames.now_and_zone import present, resolved, zone_of

    if starts.empty:
        return
    last, zone = starts.nlargest(1), zone_of(selection.tz)
    number = period_of(last.to_numpy("M8[us]") if every == "hour" else local_clock(last, zone), every)
    until = instant(resolved(selection).end or present())
    if start_of(number + 1, every, zone).astype("O")[0].replace(tzinfo=UTC) > until:
        at = lookup_text(until.astimezone(zone))
        warn(f"the period that begins at {last.item():%Y-%m-%d %H:%M} is cut at {at}: its drift is the one by then")


def warn_turned(folder: Location, selection: Selection) -> None:
    """Print on standard error which sources have a pair that was asked for in the other direction, and so in no row."""
    if selection.pairs is None:
        return
    from fxticker.frames.pairs import turned_pairs

    turned: dict[str, list[str]] = {}
    with suppress(StoreError):  # a damaged file outside the span does not spoil what was printed
        turned = turned_pairs(folder, selection.pairs, selection.sources)
    for pair, sources in sorted(turned.items()):
        warn(f"{pair} of {', '.join(sources)} is not shown: pairs stand in the direction of their source")


def warn_aged(frame: pd.DataFrame) -> None:
    """Print on standard error which ticks of a drift are older than their sources allow: a longer limit let them in.

    A table of several sources may have no room for the instants of the ticks.
    """
    aged: dict[str, list[str]] = {}
    for row in frame[frame["reason"].isna()].to_dict("records"):
        source = str(row["source"])
        ages = [(end, AgeLimit().excess(source, timedelta(hours=row[f"{end}_age_h"]))) for end in ("start", "end")]
        if texts := [f"{end} tick {excess}" for end, excess in ages if excess is not None]:
            aged.setdefault(f"{source}: {', '.join(texts)}", []).append(str(row["pair"]))
    for text, pairs in aged.items():
        warn(f"{', '.join(pairs)} of {text}; used by --max-age")
