"""Commands that state rates by the configured order of sources: rate, explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from fxticker.cli.columns import Columns, Dated, LookedUp, banded
from fxticker.cli.formats import Format, Kind, kind_option
from fxticker.cli.options import in_order, max_age_option, moment, pairs_of, past, queried, selected, stored
from fxticker.cli.options import pair as pair_named
from fxticker.cli.order import chosen_order, order_option
from fxticker.cli.output import show, show_document, show_frame, terminal_text, warn
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    import pandas as pd

    from fxticker.store.location import Location


class Others:
    """What the other sources have, in a table: short, so that the band has room."""

    needs = ("others",)
    """The text about them."""

    def cells(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading: ``"nbk agrees; cbr +0.12 %"``."""
        text = row["others"]
        return {"others": text if text is None else text.replace(" contradicts by ", " ")}


_RATES: Columns = ("pair", LookedUp("at"), banded("rate", values="values"), "kind", "source")


def _step(_context: object, _option: object, text: str | None) -> str | None:
    from fxticker.model.durations import duration_of

    try:
        if text is not None and not duration_of(text):
            raise click.BadParameter("a step is above zero")
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return text


@click.command()
@click.argument("pairs", metavar="PAIR...", nargs=-1, required=True, callback=pairs_of)
@click.option("--at", callback=past, help="At this instant, or the end of this day; default: now.")
@click.option("--start", callback=past, help="A series from this day or instant on.")
@click.option(
    "--end", callback=moment, help="… up to this day, or to this instant, which is not included; default: now."
)
@click.option("--every", callback=_step, help="Step of the series: 15min, 1h, 7D; default: 1D, at the ends of days.")
@order_option
@max_age_option
@queried("sources", "as_of", "tz")
def rate(
    pairs: tuple[str, ...],
    at: str | None,
    start: str | None,
    end: str | None,
    every: str | None,
    order: str | None,
    max_age: str | None,
    selection: Selection,
    folder: Location,
    form: Format,
) -> None:
    """Print the rate of one source, chosen by a stated order.

    PAIR is stored, inverse or cross, such as UZS/USD. The order of the configuration, `rate.order`, alone decides which
    source answers; all others that have a rate are shown with it, as agreeing or by how much they contradict; cross
    rates by sources of two kinds, such as a bank and the ticker, are left to `fxticker best`. A series uses one source
    throughout.
    """
    from fxticker.analysis.rate import rate as rate_of

    if start is None and (end is not None or every is not None):
        raise click.UsageError("a series has a start: give --start, or --at for one instant")
    if start is not None and at is not None:
        raise click.UsageError("give either --at for one instant, or --start for a series")
    in_order(start, end, selection.tz)
    chosen = {"order": chosen_order(order), "max_age": max_age, **selection.given()}
    frame = rate_of(folder, pairs, at=at, start=start, end=end, every=every, **chosen)
    _warn_passed_over(frame)
    dated = Dated("value_date") if frame["leg_dates"].notna().any() else "value_date"
    show_frame(frame, [*_RATES, dated, "age_h", Others()], form)


@click.command()
@click.argument("pair", callback=pair_named)
@click.option("--at", callback=past, help="At this instant, or the end of this day; default: now.")
@order_option
@max_age_option
@stored
@selected("sources", "as_of", "tz")
@kind_option
def explain(
    pair: str,
    at: str | None,
    order: str | None,
    max_age: str | None,
    selection: Selection,
    folder: Location,
    kind: Kind,
) -> None:
    """Print where a rate comes from.

    Down to the printed text: the stored row and its file, the poll, the hash of the page, the kept piece of it, the
    version of the parser, what was checked, and what each other source has. `--format json` has all of it in full;
    `csv` has a row for each printed number.
    """
    from fxticker.analysis.explain import STATED
    from fxticker.analysis.explain import explain as explain_rate

    found = explain_rate(folder, pair, at=at, order=chosen_order(order), max_age=max_age, **selection.given())
    if kind == "table":
        print(terminal_text(str(found)))
    elif kind == "json":
        show_document(found.facts())
    else:
        facts = found.facts()
        stated = {f"stated_{name}": facts[name] for name in STATED}
        rows = [{**printed, **stated} for printed in facts["printed"]]
        show(rows, [name for name in rows[0] if name not in ("poll", "checks")], Format(kind))


def _warn_passed_over(frame: pd.DataFrame) -> None:
    """Print on standard error why sources that stand before do not answer, or why a pair has no rate."""
    for name, prefix in (("passed_over", "passed over: "), ("reason", "")):
        rows = frame.loc[frame[name].notna(), ["pair", name]].astype("str").drop_duplicates()
        for row in rows.to_dict("records"):
            warn(f"{row['pair']}: {prefix}{row[name]}")
