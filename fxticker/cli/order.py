"""Order of sources on the command line: ``--order``, or that of the configuration."""

from __future__ import annotations

import click

from fxticker.cli.options import RATE, settings
from fxticker.model.selection import Selection


def _order(_context: object, _option: object, text: str | None) -> str | None:
    """Refuse, as wrong usage, an entry that is neither a word of an order nor looks like a source."""
    from fxticker.model.records import require_source_id

    for entry in [] if text is None else text.split(","):
        try:
            require_source_id(entry.strip())
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return text


order_option = click.option(
    "--order",
    callback=_order,
    help="Which source answers, as official,ticker,peg or ids of sources; default: rate.order of the configuration.",
)


def chosen_order(order: str | None) -> tuple[str, ...] | str:
    """Return the order of ``--order``, or that of the configuration that the command was given."""
    if order is not None:
        return order
    return settings(click.get_current_context().params.get("config")).rate.order


def order_for(selection: Selection) -> tuple[str, ...] | str | None:
    """Return the configured order if `RATE` stands in place of a source; ``None`` otherwise."""
    return chosen_order(None) if selection.sources is not None and RATE in selection.sources else None
