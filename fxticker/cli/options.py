"""Options that several commands share, as decorators, and the values they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fxticker.cli import completion
from fxticker.cli.formats import rows_options
from fxticker.cli.nearest import naming_nearest
from fxticker.cli.store_location import refuse_unnamed, store_location
from fxticker.model.selection import Selection, Zone

if TYPE_CHECKING:
    from fxticker.config import Settings
    from fxticker.store.location import Location

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")
_ZONE = "fxticker.tz"
"""Key of the zone of ``--tz`` among what a command line keeps while it is read."""


def moment(context: click.Context, _option: object, text: str | None) -> str | None:
    """Refuse, as wrong usage, a text that is neither a date nor an instant."""
    from fxticker.model.days import extent_of

    return _checked(extent_of, text, context)


def past(context: click.Context, _option: object, text: str | None) -> str | None:
    """Refuse, as wrong usage, a text that is neither a date nor an instant, or is later than now."""
    from fxticker.model.days import start_of

    return _checked(start_of, text, context)


def stated(_context: object, _option: object, text: str | None) -> str | None:
    """Refuse, as wrong usage, a text that is no full date or instant."""
    from fxticker.model.timestamps import instant

    if text is not None:
        try:
            instant(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return text


def zone(context: click.Context, _option: object, name: str | None) -> str | None:
    """Refuse, as wrong usage, a text that is no time zone; it is kept for the options that name days."""
    from fxticker.frames.now_and_zone import zone_of

    try:
        context.meta[_ZONE] = zone_of(name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return name


def _checked(
    resolve: Callable[[str, datetime, tzinfo], object], text: str | None, context: click.Context
) -> str | None:
    if text is not None:
        try:
            resolve(text, datetime.now(UTC), zone_in(context))
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return text


def pair(_context: object, _option: object, text: str) -> str:
    """Return the pair that a text names; refuse, as wrong usage, one that names none."""
    from fxticker.model.pairs import pair_of

    try:
        return pair_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def pairs_of(context: object, option: object, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the pairs that texts name, each once; refuse, as wrong usage, a text that names none."""
    return tuple(dict.fromkeys(pair(context, option, text) for text in texts))


def _base(context: click.Context, option: object, text: str) -> str | None:
    return text if text == "first" else past(context, option, text)


_PATH = click.Path(path_type=Path, readable=False)
config_option = click.option(
    "--config",
    type=_PATH,
    envvar="FXTICKER_CONFIG",
    help="The configuration; default: FXTICKER_CONFIG, or config.toml, if it exists.",
)
store_option = click.option(
    "--store",
    type=store_location,
    callback=refuse_unnamed,
    help="The store's folder, or s3://bucket/prefix; default: as configured.",
)
base_option = click.option(
    "--base", default="first", callback=_base, help="Reference of the percentage: first, or the rate as of this date."
)
between_options = (
    click.option(
        "--start",
        required=True,
        callback=past,
        help="Start of the comparison; a day means its last ticks (2025-11-13, yesterday, -30d, 2025-10).",
    ),
    click.option("--end", callback=moment, help="End of the comparison, likewise; default: now."),
)


def zone_in(context: click.Context) -> tzinfo:
    """Return the zone of ``--tz`` of the command line that is read; UTC without it."""
    found: tzinfo = context.meta.get(_ZONE, UTC)
    return found


def max_age(_context: object, _option: object, text: str | None) -> str | None:
    """Refuse, as wrong usage, a text that is no age."""
    from fxticker.sources.age_limits import AgeLimit

    try:
        AgeLimit.of(text)
    except ValueError as error:
        raise click.BadParameter(f'{error}, or "any"') from error
    return text


max_age_option = click.option(
    "--max-age",
    callback=max_age,
    help="Oldest tick that counts: 12h, 30d, any; default: 7 days for the ticker, its longest holidays for a bank.",
)
official_age_option = click.option(
    "--max-age",
    callback=max_age,
    help="Oldest official rate that counts: 12h, 30d, any; default: the bank's longest holidays, 4 days for its last "
    "rate on record.",
)
closes_age_option = click.option(
    "--max-age", default="any", callback=max_age, help="Leave out changes from or to an older close: 12h, 30d."
)
_pair_option = partial(click.option, "--pair", "pairs", multiple=True, callback=pairs_of)
_source_option = partial(click.option, "--source", "sources", multiple=True, shell_complete=completion.sources)
_FILTERS = {
    "pairs": _pair_option(help="Only this pair, as KZT/USD or KZT; may be repeated."),
    "any_pairs": _pair_option(
        help="Only this pair: stored (KZT/USD or KZT), inverse (USD/KZT) or cross (KZT/UZS). Repeatable."
    ),
    "sources": _source_option(help="Only this source; may be repeated."),
    "any_sources": _source_option(
        help="Only this source; may be repeated; `rate` for the one that rate.order of the configuration chooses."
    ),
    "start": click.option(
        "--start",
        callback=past,
        help="From this day or instant on (2025-11-01, 2025-11, 2025-Q4, 2025, yesterday, -30d, 2025-11-01T12:00Z).",
    ),
    "end": click.option(
        "--end",
        callback=moment,
        help="Up to this day, which is included, or to this instant, which is not; default: now.",
    ),
    "per_usd": click.option(
        "--per-usd", "--inverse", "per_usd", is_flag=True, help="Units per USD, USD/KZT, instead of KZT/USD."
    ),
    "as_of": click.option("--as-of", callback=past, help="Only what the store had recorded by then; of a day its end."),
    "tz": click.option(
        "--tz", is_eager=True, callback=zone, help="Whose days are meant and whose clock is shown, as Asia/Tashkent."
    ),
}
RATE = "rate"
"""`fxticker.sources.rate_order.RATE`, which is not imported: most commands need no source."""
_FIELDS = ("pairs", "sources", "start", "end", "as_of", "tz", "per_usd")


def every_option(default: str) -> Callable[[Command], Command]:
    """Add ``--every``: the length of a period."""
    return click.option(
        "--every",
        type=click.Choice(["hour", "day", "week", "month"]),
        default=default,
        help="How long a period is; days are those of --tz, weeks begin on Monday.",
    )


def between(command: Callable[..., Result]) -> Callable[..., Result]:
    """Add ``--start`` and ``--end`` as the two instants of a drift, the first one required."""

    @wraps(command)
    def run(start: str, end: str | None, **values: Any) -> Result:
        in_order(start, end, values.get("tz"))
        return command(start=start, end=end, **values)

    start, end = between_options
    return start(end(run))


def stored(command: Callable[..., Result]) -> Callable[..., Result]:
    """Add ``--config`` and ``--store``, and pass the store that they name as `folder`."""

    @config_option
    @store_option
    @wraps(command)
    def run(config: Path | None, store: Location | None, **values: Any) -> Result:
        return command(folder=store if store is not None else settings(config).store.path, **values)

    return run


def selected(*filters: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Add these filters of a `Selection`, and pass them as `selection`.

    Parameters
    ----------
    filters
        Fields of `Selection`; ``any_pairs`` for pairs that may be derived, ``any_sources`` for sources or `RATE`.
    """

    def decorate(command: Callable[..., Result]) -> Callable[..., Result]:
        @wraps(command)
        def run(**values: Any) -> Result:
            chosen: dict[str, Any] = {name: values.pop(name) or None for name in _FIELDS if name in names}
            in_order(chosen.get("start"), chosen.get("end"), chosen.get("tz"))
            if chosen.get("sources") and "folder" in values:
                named = {*chosen["sources"]} - ({RATE} if "any_sources" in filters else set())
                _require_known(named, values["folder"])
            selection = Selection.of(**chosen)
            if "as_of" not in names or "folder" not in values:
                return command(selection=selection, **values)
            with naming_nearest(values["folder"], selection):
                return command(selection=selection, **values)

        for name in reversed(filters):
            run = _FILTERS[name](run)
        return run

    names = {name.removeprefix("any_") for name in filters}
    return decorate


def queried(*filters: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Add the options of a command that prints stored rows: those of `stored`, `selected` and `rows_options`."""
    return lambda command: stored(selected(*filters)(rows_options(command)))


def settings(config: Path | None) -> Settings:
    """Return the configuration that a command runs with."""
    from fxticker.config import load_settings

    return load_settings(config)


def require_among(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse, as wrong usage, sources that are not among the known ones; `what` says how they differ from those."""
    known = {*known}
    if others := sorted({*names} - known):
        raise click.BadParameter(f"{what} {', '.join(others)}; known are {', '.join(sorted(known)) or 'none'}")


def _require_known(names: Iterable[str], folder: Location) -> None:
    """Refuse sources that neither the store nor the package knows; one without a row yet is no wrong usage."""
    from fxticker.store.store import opened

    store = opened(folder)
    stored = {*store.ticks.sources(), *store.polls.sources()}
    if not {*names} <= stored:
        from fxticker.sources.fixed import CONSTANTS
        from fxticker.sources.registry import known_sources

        require_among(names, {*stored, *known_sources(), *CONSTANTS}, "unknown source")


def in_order(start: str | None, end: str | None, tz: Zone | None = None) -> None:
    """Refuse, as wrong usage, a span that ends before it begins; say where the present cuts one."""
    if start is None and end is None:
        return
    from fxticker.cli.output import warn
    from fxticker.frames.now_and_zone import zone_of
    from fxticker.model.days import is_cut, span_of

    now, zone = datetime.now(UTC), zone_of(tz)
    try:
        span_of(start, end, now, zone)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if end is not None and is_cut(end, now, zone):
        warn(f"--end {end} is later than now: cut at {now:%Y-%m-%d %H:%M} UTC")
