"""Commands that look a rate up: convert, best."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING

import click

from fxticker.cli import completion
from fxticker.cli.columns import Columns, Dated, band_of
from fxticker.cli.formats import Format, Kind, kind_option
from fxticker.cli.options import max_age_option, past, queried, stored, zone
from fxticker.cli.options import pair as pair_named
from fxticker.cli.order import chosen_order, order_option
from fxticker.cli.output import show, show_document, show_frame, terminal_text
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from fxticker.analysis.best import RateStatement
    from fxticker.store.location import Location

_HOUR_S = 3600
_NO_WIDTH_PCT = 1e-9
"""Percent: rounding of doubles gives an exact rate such a width; the most printed digits give a thousand times more."""
_BEST: Columns = ("source", "pair", band_of("rate"), "width_pct")


@click.command()
@click.argument("amount")
@click.argument("from_currency", metavar="FROM")
@click.argument("to_currency", metavar="TO")
@click.option("--at", callback=past, help="By the rates as of this instant, or of the end of this day; default: now.")
@max_age_option
@click.option("--source", shell_complete=completion.sources, help="Source of the rates, in place of an order.")
@order_option
@click.option("--tz", is_eager=True, callback=zone, help="Whose day --at is and whose clock is shown: Asia/Tashkent.")
@stored
@kind_option
def convert(
    amount: str,
    from_currency: str,
    to_currency: str,
    at: str | None,
    max_age: str | None,
    source: str | None,
    order: str | None,
    tz: str | None,
    folder: Location,
    kind: Kind,
) -> None:
    """Convert an AMOUNT into another currency.

    By the rate of `fxticker rate`, which an order of sources chooses, or that of a named source. The result has its
    band and names the ticks used.

    FROM and TO are currency codes such as KZT and UZS; an amount is a number such as 1500 or 1500.00.
    """
    from fxticker.analysis.convert import convert as converted

    if source is not None and order is not None:
        raise click.UsageError("give either --source or --order, not both")
    chosen = {"source": source} if source is not None else {"order": chosen_order(order)}
    result = converted(folder, amount, from_currency, to_currency, at=at, max_age=max_age, tz=tz or "UTC", **chosen)
    facts = result.facts()
    if kind == "table":
        print(terminal_text(str(result)))
    elif kind == "json":
        show_document(facts)
    else:  # a row for each tick that was used, with the result in all of them
        rows = [{**facts, **leg} for leg in facts["legs"]]
        show(rows, [name for name in rows[0] if name != "legs"], Format(kind))


@click.command()
@click.argument("pair", callback=pair_named)
@click.option("--at", callback=past, help="At this instant, or the end of this day; default: now.")
@max_age_option
@queried("sources", "as_of", "tz")
def best(pair: str, at: str | None, max_age: str | None, selection: Selection, folder: Location, form: Format) -> None:
    """Print the narrowest band for a rate, and all other bands.

    PAIR is stored, inverse or cross, such as UZS/USD. Sources whose bands have no point in common contradict each
    other: the column `contradicts` names them.
    """
    import pandas as pd

    from fxticker.analysis.best import best as best_of
    from fxticker.frames.now_and_zone import zone_of
    from fxticker.sources.age_limits import TICKER

    def day_of(each: RateStatement) -> date:
        return (each.at.astimezone(zone_of(selection.tz)) if each.source == TICKER else each.at).date()

    def is_day(each: RateStatement) -> bool:  # an official rate stands at 00:00 UTC of its value date
        return form.kind == "table" and each.source != TICKER and each.at.time() == time()

    statement = best_of(folder, pair, at=at, max_age=max_age, **selection.given())
    rows = [
        {
            "source": each.source,
            "pair": each.pair,
            "rate_lo": each.lo,
            "rate_hi": each.hi,
            "width_pct": each.width_pct if each.width_pct > _NO_WIDTH_PCT else 0.0,
            "at": each.at.date() if is_day(each) else each.at.astimezone(zone_of(selection.tz)),
            "leg_dates": "+".join(map(str, map(day_of, each.legs))) or None,
            "age_h": round(each.age.total_seconds() / _HOUR_S, 1),
            "contradicts": " ".join(
                other.source for two in statement.contradictions if each in two for other in two if other is not each
            ),
        }
        for each in (statement, *statement.others)
    ]
    when = Dated("at") if any(row["leg_dates"] for row in rows) else "at"
    show_frame(pd.DataFrame(rows), [*_BEST, when, "age_h", "contradicts"], form)
