"""Analysis commands: one for each function of `fxticker.analysis`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli import completion
from fxticker.cli.options import Format, base_option, between, every_option, format_option, moment, queried, stored
from fxticker.cli.options import pair as pair_named
from fxticker.cli.output import Columns, Value, band_of, banded, show, show_document, show_frame, terminal_text
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    import pandas as pd

    from fxticker.analysis.periods import Freq

_HOUR_S = 3600
_NO_WIDTH_PCT = 1e-9
"""Percent: rounding of doubles gives an exact rate such a width; the most printed digits give a thousand times more."""
_RATE = banded("rate", text="rate_text")
_DRIFT_PCT = banded("drift", "_pct")
_QUOTES: Columns = ("source", "pair", "observed_at", _RATE)
DRIFT: Columns = (
    "source",
    "pair",
    "start_at",
    "end_at",
    Value("rate_start", text="rate_text_start"),
    Value("rate_end", text="rate_text_end"),
    _DRIFT_PCT,
    "significant",
)
"""What a table shows of a drift; the following tuples likewise."""
_DRIFT_SERIES: Columns = ("observed_at", "source", "pair", _DRIFT_PCT, "significant", "base_at")
_DRIFT_BY_PERIOD: Columns = ("source", "pair", "start_at", _DRIFT_PCT, "significant", "from_at", "to_at")
_CHANGES: Columns = ("source", "pair", _RATE, "first_at", "last_at", "polls")
_DECODED: Columns = (
    "source",
    "pair",
    "observed_at",
    "rate_text",
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
    "first_at",
    "last_at",
    "polls",
    band_of("base"),
    "rolled_after",
    "rolled_before",
)
_PRICES = (banded("open"), banded("high"), banded("low"), banded("close"))
_RESAMPLED: Columns = ("source", "pair", "start_at", *_PRICES, "count", "coverage")
_DISTANCE = banded("distance", "_pct")
_PEG: Columns = ("source", "pair", "observed_at", banded("rate"), "peg_rate", _DISTANCE, "at_peg", "plateau", "hop")
_COMPARED: Columns = (
    "day",
    "pair",
    "source",
    "official_at",
    banded("official"),
    band_of("ticker"),
    "ticks",
    "inside",
    "distance_pct",
)
_BEST: Columns = ("source", "pair", band_of("rate"), "width_pct", "at", "age_h", "contradicts")


def without_verdict(frame: pd.DataFrame) -> pd.DataFrame:
    """Return drifts whose `significant` is null where there is no drift."""
    return frame.assign(significant=frame["significant"].astype(object).where(frame["drift_pct"].notna()))


@click.command()
@queried("any_pairs", "sources", "start", "end", "as_of")
def quotes(folder: Path, selection: Selection, form: Format) -> None:
    """Print rates of stored, inverse and cross pairs.

    Each rate has its band.
    """
    from fxticker.analysis.quotes import quotes as quotes_of

    show_frame(quotes_of(folder, **selection.given()), _QUOTES, form)


@click.command()
@between
@base_option
@queried("any_pairs", "sources", "as_of")
def drift(start: str, end: str, base: str, folder: Path, selection: Selection, form: Format) -> None:
    """Print how far rates moved, with bands."""
    from fxticker.analysis.drift import drift as drift_of

    frame = drift_of(folder, start=start, end=end, base=base, **selection.given())
    show_frame(without_verdict(frame), [*DRIFT, *([] if base == "first" else ["base_at"])], form)


@click.command()
@base_option
@queried("any_pairs", "sources", "start", "end", "as_of")
def drift_series(base: str, folder: Path, selection: Selection, form: Format) -> None:
    """Print the drift of each pair since its first tick."""
    from fxticker.analysis.drift import drift_series as series_of

    show_frame(without_verdict(series_of(folder, base=base, **selection.given())), _DRIFT_SERIES, form)


@click.command()
@every_option("month")
@queried("any_pairs", "sources", "start", "end", "as_of")
def drift_by_period(every: Freq, folder: Path, selection: Selection, form: Format) -> None:
    """Print the drift from each period's close to the next one."""
    from fxticker.analysis.drift import drift_by_period as by_period

    show_frame(without_verdict(by_period(folder, every, **selection.given())), _DRIFT_BY_PERIOD, form)


@click.command()
@queried("any_pairs", "sources", "start", "end", "as_of")
def changes(folder: Path, selection: Selection, form: Format) -> None:
    """Print runs of equal printed values.

    Each run has its first and last instant and its number of ticks.
    """
    from fxticker.analysis.changes import changes as changes_of

    show_frame(changes_of(folder, **selection.given()), _CHANGES, form)


@click.command()
@click.option("--rollovers", is_flag=True, help="A row for each earlier rate that the site compared with.")
@queried("pairs", "start", "end", "as_of")
def decode(rollovers: bool, folder: Path, selection: Selection, form: Format) -> None:  # noqa: FBT001
    """Print the earlier rates that each percentage allows."""
    from fxticker.analysis import decode as decoding

    if rollovers:
        show_frame(decoding.rollovers(folder, **selection.given()), _ROLLOVERS, form)
    else:
        show_frame(decoding.decode(folder, **selection.given()), _DECODED, form)


@click.command()
@every_option("day")
@queried("any_pairs", "sources", "start", "end", "as_of")
def resample(every: Freq, folder: Path, selection: Selection, form: Format) -> None:
    """Print open, high, low and close of each period.

    The coverage is the part of the period that was observed.
    """
    from fxticker.analysis.resample import resample as resampled

    show_frame(resampled(folder, every, **selection.given()), _RESAMPLED, form)


@click.command()
@queried("any_pairs", "sources", "start", "end", "as_of")
def peg(folder: Path, selection: Selection, form: Format) -> None:
    """Print the distance of pegged currencies from their peg."""
    from fxticker.analysis.peg import peg as peg_of

    show_frame(peg_of(folder, **selection.given()), _PEG, form)


@click.command()
@every_option("day")
@queried("sources", "start", "end")
def coverage(every: Freq, folder: Path, selection: Selection, form: Format) -> None:
    """Print how many of each period's planned polls succeeded."""
    from fxticker.analysis.coverage import coverage as coverage_of

    frame = coverage_of(folder, every, **selection.given())
    show_frame(frame, list(frame.columns), form)


@click.command()
@click.argument("amount")
@click.argument("from_currency", metavar="FROM")
@click.argument("to_currency", metavar="TO")
@click.option("--at", callback=moment, help="By the rates of this date or instant; default: now.")
@click.option("--max-age", default="1D", help="Refuse older ticks: 12h, 1D, 30D.")
@click.option("--source", shell_complete=completion.sources, help="Source of the rates.")
@stored
@format_option
def convert(
    amount: str,
    from_currency: str,
    to_currency: str,
    at: str | None,
    max_age: str,
    source: str | None,
    folder: Path,
    form: Format,
) -> None:
    """Convert an AMOUNT into another currency.

    The result has its band and names the ticks used.

    FROM and TO are currency codes such as KZT and UZS; an amount is a number such as 1500 or 1500.00.
    """
    from fxticker.analysis.convert import convert as converted

    result = converted(folder, amount, from_currency, to_currency, at=at, max_age=max_age, source=source)
    facts = result.facts()
    if form == "table":
        print(terminal_text(str(result)))
    elif form == "json":
        show_document(facts)
    else:  # a row for each tick that was used, with the result in all of them
        rows = [{**facts, **leg} for leg in facts["legs"]]
        show(rows, [name for name in rows[0] if name != "legs"], form)


@click.command()
@click.option("--lags", "by_lag", is_flag=True, help="Print the agreement for each lag from -5 to 5 days.")
@queried("any_pairs", "sources", "start", "end", "as_of")
def compare(by_lag: bool, folder: Path, selection: Selection, form: Format) -> None:  # noqa: FBT001
    """Print each day's ticker beside the official rate.

    The official rate is the one that was in force on that day.
    """
    from fxticker.analysis import compare as comparing

    if by_lag:
        frame = comparing.lags(folder, **selection.given())
        show_frame(frame, list(frame.columns), form)
    else:
        show_frame(comparing.compare(folder, **selection.given()), _COMPARED, form)


@click.command()
@click.argument("pair", callback=pair_named)
@click.option("--at", callback=moment, help="At this date or instant; default: now.")
@click.option("--max-age", default="14D", help="Leave out older ticks: 12h, 14D.")
@queried("sources", "as_of")
def best(pair: str, at: str | None, max_age: str, selection: Selection, folder: Path, form: Format) -> None:
    """Print the narrowest band for a rate, and all other bands.

    PAIR is stored, inverse or cross, such as UZS/USD. Sources whose bands have no point in common contradict each
    other: the column `contradicts` names them.
    """
    import pandas as pd

    from fxticker.analysis.best import best as best_of

    statement = best_of(folder, pair, at=at, max_age=max_age, **selection.given())
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
                other.source for two in statement.contradictions if each in two for other in two if other is not each
            ),
        }
        for each in (statement, *statement.others)
    ]
    show_frame(pd.DataFrame(rows), _BEST, form)
