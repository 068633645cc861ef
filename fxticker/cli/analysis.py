"""Commands that say what the stored figures can show: one for each function of `fxticker.analysis`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fxticker.cli.options import (
    AsOf,
    Config,
    End,
    Format,
    Formatted,
    From,
    Pairs,
    Sources,
    Start,
    StoreFolder,
    To,
    base_moment,
    moment,
    selection,
    store_folder,
)

_HOUR_S = 3600
_NO_WIDTH_PCT = 1e-9
"""What doubles make of an exact rate's width; that of the most printed digits is a thousand times as much."""
AnyPairs = Annotated[
    list[str] | None,
    typer.Option("--pair", help="Only this pair: stored (KZT/USD), inverse (USD/KZT) or cross (KZT/UZS). Repeatable."),
]
Base = Annotated[
    str,
    typer.Option("--base", callback=base_moment, help="What the percent is of: first, or the rate as of this date."),
]
Every = Annotated[
    Literal["hour", "day", "week", "month"],
    typer.Option("--every", help="How long a period is; UTC, weeks begin on Monday."),
]


def quotes(
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print rates of stored, inverse and cross pairs with their bands."""
    from fxticker.analysis.quotes import quotes as quotes_of
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    show_banded(quotes_of(store_folder(config, store), **chosen), form, hidden=["time_basis", "recorded_at"])


def drift(
    start: From,
    end: To,
    base: Base = "first",
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print how far rates moved, with bands."""
    from fxticker.analysis.drift import drift as drift_of
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, sources=sources, as_of=as_of)
    found = drift_of(store_folder(config, store), start=start, end=end, base=base, **chosen)
    show_banded(found, form, hidden=["base_at"] if base == "first" else [])


def drift_series(
    base: Base = "first",
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print each pair's drift since a first look, instant by instant."""
    from fxticker.analysis.drift import drift_series as series_of
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    show_banded(series_of(store_folder(config, store), base=base, **chosen), form)


def drift_by_period(
    every: Every = "month",
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print the drift from each period's close to the next one's."""
    from fxticker.analysis.drift import drift_by_period as by_period
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    show_banded(by_period(store_folder(config, store), every, **chosen), form)


def changes(
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print runs of equal printed values: since when, until when, how often seen."""
    from fxticker.analysis.changes import changes as changes_of
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    show_banded(changes_of(store_folder(config, store), **chosen), form)


def decode(
    rollovers: Annotated[  # noqa: FBT002  a flag of the command line
        bool, typer.Option("--rollovers", help="A row for each earlier rate that the site compared with.")
    ] = False,
    config: Config = None,
    store: StoreFolder = None,
    pairs: Pairs = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print what each printed percentage says of the site's own earlier rate."""
    from fxticker.analysis import decode as decoding
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, start=start, end=end, as_of=as_of)
    decoded = decoding.rollovers if rollovers else decoding.decode
    show_banded(decoded(store_folder(config, store), **chosen), form)


def resample(
    every: Every = "day",
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print open, high, low and close of each period, and how much of it was looked at."""
    from fxticker.analysis.resample import resample as resampled
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    show_banded(resampled(store_folder(config, store), every, **chosen), form)


def peg(
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print how far pegged currencies are quoted from their official peg."""
    from fxticker.analysis.peg import peg as peg_of
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    show_banded(peg_of(store_folder(config, store), **chosen), form)


def coverage(
    every: Every = "day",
    config: Config = None,
    store: StoreFolder = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print how many of each period's planned polls were sound."""
    from fxticker.analysis.coverage import coverage as coverage_of
    from fxticker.cli.output import show_banded

    chosen = selection(sources=sources, start=start, end=end)
    show_banded(coverage_of(store_folder(config, store), every, **chosen), form)


def convert(
    amount: Annotated[str, typer.Argument(help="How much, as 1500 or 1500.00.")],
    from_currency: Annotated[str, typer.Argument(metavar="FROM", help="Of which currency, as KZT.")],
    to_currency: Annotated[str, typer.Argument(metavar="TO", help="Into which, as UZS.")],
    at: Annotated[
        str | None, typer.Option("--at", callback=moment, help="By the rates of this date or instant; default: now.")
    ] = None,
    max_age: Annotated[str, typer.Option("--max-age", help="Refuse older ticks: 12h, 1D, 30D.")] = "1D",
    source: Annotated[str | None, typer.Option("--source", help="Whose rates.")] = None,
    config: Config = None,
    store: StoreFolder = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print what an amount is worth in another currency, between which bounds, and by which ticks."""
    from fxticker.analysis.convert import convert as converted
    from fxticker.cli.output import show, show_document

    found = converted(
        store_folder(config, store),
        amount,
        from_currency,
        to_currency,
        at=at,
        max_age=max_age,
        source=source,
    )
    facts = found.facts()
    if form is Format.TABLE:
        print(found)
    elif form is Format.JSON:
        show_document(facts)
    else:  # a row for each tick that was used, what they give in all of them
        rows = [{**facts, **leg} for leg in facts["legs"]]
        show(rows, [name for name in rows[0] if name != "legs"], form)


def compare(
    by_lag: Annotated[  # noqa: FBT002  a flag of the command line
        bool, typer.Option("--lags", help="Which lag in days agrees best: a row for each from -5 to 5.")
    ] = False,
    config: Config = None,
    store: StoreFolder = None,
    pairs: AnyPairs = None,
    sources: Sources = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print the ticker of each day beside the official rate that was in force."""
    from fxticker.analysis import compare as comparing
    from fxticker.cli.output import show_banded

    chosen = selection(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    compared = comparing.lags if by_lag else comparing.compare
    show_banded(compared(store_folder(config, store), **chosen), form)


def best(
    pair: Annotated[str, typer.Argument(help="Stored, inverse or cross: UZS/USD.")],
    at: Annotated[
        str | None, typer.Option("--at", callback=moment, help="At this date or instant; default: now.")
    ] = None,
    max_age: Annotated[str, typer.Option("--max-age", help="Older ticks say nothing: 12h, 14D.")] = "14D",
    sources: Sources = None,
    as_of: AsOf = None,
    config: Config = None,
    store: StoreFolder = None,
    form: Formatted = Format.TABLE,
) -> None:
    """Print the most precise statement about a rate, and what the other sources say.

    Those whose bands have no point in common contradict each other: each is named beside the other.
    """
    import pandas as pd

    from fxticker.analysis.best import best as best_of
    from fxticker.cli.output import show_banded

    said = best_of(store_folder(config, store), pair, at=at, max_age=max_age, **selection(sources=sources, as_of=as_of))
    rows = [
        {
            "source": each.source,
            "pair": each.pair,
            "rate_lo": each.lo,
            "rate_hi": each.hi,
            "width_pct": float(f"{each.width_pct:.2g}") if each.width_pct > _NO_WIDTH_PCT else 0.0,
            "at": each.at,
            "age_h": round(each.age.total_seconds() / _HOUR_S, 1),
            "contradicts": " ".join(
                other.source for two in said.contradictions if each in two for other in two if other is not each
            ),
        }
        for each in (said, *said.others)
    ]
    show_banded(pd.DataFrame(rows), form)
