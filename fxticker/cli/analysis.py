"""Analysis commands: one for each function of `fxticker.analysis`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from fxticker.cli.columns import Columns, Printed, Reference, Tick, Value, band_of, banded
from fxticker.cli.compared import compared_columns
from fxticker.cli.formats import Format
from fxticker.cli.left_out import reason_of, warn_aged, warn_cut, warn_left_out
from fxticker.cli.options import (
    base_option,
    between,
    closes_age_option,
    every_option,
    max_age_option,
    official_age_option,
    queried,
)
from fxticker.cli.order import order_for
from fxticker.cli.output import show_frame, warn
from fxticker.cli.verdicts import Verdict, VerdictOfPeriod, of_peg, tell_verdicts
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from fxticker.analysis.periods import Freq
    from fxticker.store.location import Location

_RATE = banded("rate", text="rate_text", values="values")
_DRIFT_PCT = replace(banded("drift", "_pct"), heading="drift %")  # the table has room for 80 characters


_QUOTES: Columns = ("source", "pair", "observed_at", _RATE)
DRIFT: Columns = (
    "source",
    "pair",
    Tick("start_at"),
    Tick("end_at"),
    *(
        Value(
            f"rate_{end}",
            (f"rate_{end}_lo", f"rate_{end}_hi"),
            f"rate_text_{end}",
            f"nominal_{end}",
            f"values_{end}",
            heading=end,
        )
        for end in ("start", "end")
    ),
    _DRIFT_PCT,
    Verdict(),
)
"""What a table shows of a drift; the following tuples likewise."""
_DRIFT_SERIES: Columns = ("observed_at", "source", "pair", _DRIFT_PCT, Verdict(), "base_at")
_OF_PERIOD: Columns = ("source", "pair", "start_at", _DRIFT_PCT, VerdictOfPeriod())
_CLOSES = ("from_at", "to_at")
_RUNS: Columns = ("source", "pair", _RATE, "first_at", "last_at", "polls", "gap_h")
_CHANGES: Columns = (_DRIFT_PCT, Verdict())
_DECODED: Columns = (
    "source",
    "pair",
    "observed_at",
    Printed(),
    "change_text",
    band_of("base"),
    "consistent",
    "base_run",
    "seen_from_at",
    band_of("seen", "_pct"),
    "agrees",
)
_ROLLOVERS: Columns = (
    "source",
    "pair",
    "base_run",
    band_of("base"),
    "rolled_after",
    "rolled_before",
    "polls",
    "first_at",
    "last_at",
)
_PRICES = (
    banded("open", values="open_values"),
    banded("high"),
    banded("low"),
    banded("close", values="close_values"),
)
_RESAMPLED: Columns = ("source", "pair", "start_at", *_PRICES, "close_at", "count", "coverage", "whole")
_DISTANCE = banded("distance", "_pct")
_RATE_BAND = banded("rate", values="values")
_PEG: Columns = (
    "source",
    "pair",
    "observed_at",
    _RATE_BAND,
    Reference("peg_rate", ("rate_lo", "rate_hi")),
    _DISTANCE,
    "at_peg",
    "plateau",
    "hop",
)


@click.command()
@queried("any_pairs", "any_sources", "start", "end", "as_of", "tz", "per_usd")
def quotes(folder: Location, selection: Selection, form: Format) -> None:
    """Print rates of stored, inverse and cross pairs.

    Each rate has its band.
    """
    from fxticker.analysis.quotes import quotes as quotes_of

    show_frame(quotes_of(folder, order=order_for(selection), **selection.given()), _QUOTES, form)


@click.command()
@between
@base_option
@max_age_option
@queried("any_pairs", "any_sources", "as_of", "tz", "per_usd")
def drift(
    start: str, end: str | None, base: str, max_age: str | None, folder: Location, selection: Selection, form: Format
) -> None:
    """Print how far rates moved, with bands."""
    from fxticker.analysis.drift import drift as drift_of

    chosen = {"max_age": max_age, "order": order_for(selection), **selection.given()}
    frame = drift_of(folder, start=start, end=end, base=base, **chosen)
    warn_aged(frame)
    show_frame(tell_verdicts(frame), [*DRIFT, *([] if base == "first" else ["base_at"]), *reason_of(frame)], form)


@click.command()
@base_option
@max_age_option
@queried("any_pairs", "any_sources", "start", "end", "as_of", "tz", "per_usd")
def drift_series(base: str, max_age: str | None, folder: Location, selection: Selection, form: Format) -> None:
    """Print the drift of each pair since its first tick."""
    from fxticker.analysis.drift import drift_series as series_of

    frame = series_of(folder, base=base, max_age=max_age, order=order_for(selection), **selection.given())
    show_frame(tell_verdicts(frame), [*_DRIFT_SERIES, *reason_of(frame)], form)


@click.command()
@every_option("month")
@closes_age_option
@queried("any_pairs", "any_sources", "start", "end", "as_of", "tz", "per_usd")
def drift_by_period(every: Freq, max_age: str | None, folder: Location, selection: Selection, form: Format) -> None:
    """Print the drift from each period's close to the next one."""
    from fxticker.analysis.drift_by_period import drift_by_period as by_period

    frame = by_period(folder, every, max_age=max_age, order=order_for(selection), **selection.given())
    if len(frame) and frame["from_at"].isna().all():
        warn("the first period of a span has no close to be compared with: begin a period earlier, with --start")
    warn_left_out(frame)
    warn_cut(frame["start_at"], every, selection)
    closes = _CLOSES if every == "hour" else map(Tick, _CLOSES)
    show_frame(tell_verdicts(frame), [*_OF_PERIOD, *closes], form)


@click.command()
@queried("any_pairs", "any_sources", "start", "end", "as_of", "tz", "per_usd")
def changes(folder: Location, selection: Selection, form: Format) -> None:
    """Print runs of equal printed values, and the change to each.

    Each run has its first and last instant, its number of ticks, and the longest time within it without a tick in hours
    (gap_h): what was shown meanwhile is not known.
    """
    from fxticker.analysis.changes import changes as changes_of
    from fxticker.analysis.peg_hops import is_new_level

    frame = changes_of(folder, order=order_for(selection), **selection.given())
    for (source, pair), part in frame.groupby(["source", "pair"], observed=True):
        if told := of_peg(str(pair), part):  # the verdict may have no room in the table
            warn(f"{pair} of {source}: {told}")
        if selection.start is not None and is_new_level(folder, part.iloc[0], selection.as_of):
            warn(f"{pair} of {source}: the first value is not on record in the year before, and is no change here")
    has_changes = frame["drift_pct"].notna().any()
    show_frame(tell_verdicts(frame), [*_RUNS, *(_CHANGES if has_changes else ())], form)


@click.command()
@click.option("--rollovers", is_flag=True, help="A row for each earlier rate that the site compared with.")
@queried("pairs", "start", "end", "as_of", "tz")
def decode(rollovers: bool, folder: Location, selection: Selection, form: Format) -> None:  # noqa: FBT001
    """Print the earlier rates that each percentage allows."""
    from fxticker.analysis import decode as decoding

    if rollovers:
        show_frame(decoding.rollovers(folder, **selection.given()), _ROLLOVERS, form)
    else:
        show_frame(decoding.decode(folder, **selection.given()), _DECODED, form)


@click.command()
@every_option("day")
@queried("any_pairs", "any_sources", "start", "end", "as_of", "tz", "per_usd")
def resample(every: Freq, folder: Location, selection: Selection, form: Format) -> None:
    """Print open, high, low and close of each period.

    The coverage is the share of polls on record that succeeded; a row is not whole if the span, the present or
    the record has a part of its period only. Periods before the first rate of the span and after its last have no
    row.
    """
    from fxticker.analysis.resample import resample as resampled

    show_frame(resampled(folder, every, order=order_for(selection), **selection.given()), _RESAMPLED, form)


@click.command()
@queried("any_pairs", "sources", "start", "end", "as_of", "tz", "per_usd")
def peg(folder: Location, selection: Selection, form: Format) -> None:
    """Print the distance of pegged currencies from their peg.

    The ticker shows a pegged currency at one of a few levels in turn. A plateau is a time during which a source prints
    one value: they are numbered from 0 for each pair, and hop marks the first tick of each that is a peg hop: back to a
    level that was shown in the year before. In a table it also marks newer levels.
    """
    from fxticker.analysis.peg import peg as peg_of

    frame = peg_of(folder, **selection.given())
    is_first = frame.duplicated(["source", "pair"]).eq(False)  # what was before it is not known
    hop = frame["hop"].astype(object).mask(is_first)
    if form.kind == "table":
        before = frame.groupby(["source", "pair"], observed=True)[["rate_lo", "rate_hi"]].shift()
        has_moved = (frame["rate_lo"] > before["rate_hi"]) | (frame["rate_hi"] < before["rate_lo"])
        hop = hop.mask(has_moved & ~frame["hop"], "newer")
    show_frame(frame.assign(hop=hop), _PEG, form)


@click.command()
@every_option("day")
@queried("sources", "start", "end", "as_of", "tz")
def coverage(every: Freq, folder: Location, selection: Selection, form: Format) -> None:
    """Print how many of each period's planned polls succeeded.

    A row is not whole if the span, the present or the record has a part of its period only. Periods before the first
    poll of the span and after its last have no row.
    """
    from fxticker.analysis.coverage import coverage as coverage_of

    frame = coverage_of(folder, every, **selection.given())
    show_frame(frame, list(frame.columns), form)


@click.command()
@click.option("--scores", "is_summed", is_flag=True, help="Print how often each pair agrees, beside what chance gives.")
@click.option("--lags", "by_lag", is_flag=True, help="Print the scores for each lag from -5 to 5 days.")
@official_age_option
@queried("any_pairs", "sources", "start", "end", "as_of", "tz", "per_usd")
def compare(
    is_summed: bool,  # noqa: FBT001
    by_lag: bool,  # noqa: FBT001
    max_age: str | None,
    folder: Location,
    selection: Selection,
    form: Format,
) -> None:
    """Print each tick beside the official rate.

    The official rate is the one that was in force on that day.
    """
    from fxticker.analysis import compare as comparing
    from fxticker.analysis.scores import scores

    if is_summed and by_lag:
        raise click.UsageError("--scores is one of the rows of --lags, that of lag 0: choose one")
    if by_lag:
        frame = comparing.lags(folder, max_age=max_age, **selection.given())
        show_frame(frame, list(frame.columns), form)
    else:
        frame = comparing.compare(folder, max_age=max_age, **selection.given())
        reasons = reason_of(frame)
        if is_summed:
            scored = scores(frame)
            show_frame(scored, list(scored.columns), form)
        else:
            show_frame(frame, [*compared_columns(frame), *reasons], form)
